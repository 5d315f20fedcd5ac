/*
 * lastptr_hold.c - what holds it: registers, the stack, words.
 *
 *     | dead | frame of the stop | in use ...            | the shell's
 *                                  ^ esp, as it was        ^ top of the commands' stack
 *
 * All of the stack that is in use counts: registers that were saved there, and those of
 * whom an interrupt has stopped.
 *
 *     a variable -> object -> object -> the object        links[2], [1], [0]
 *
 * A mark (mm/scan) finds the shortest way from a root, and its notes lead back.  Each word
 * of it is a link, to be watched by a debug register as far as there are some.
 */
#include "kernel/trace/lastptr_priv.h"

#include "kernel/image.h"
#include "kernel/string.h"
#include "mm/mm.h"

/* ---- registers and the stack --------------------------------------------------------- */

struct hold hold;

void hold_follow(uintptr_t start, size_t room, uint32_t serial)
{
    memset(&hold, 0, sizeof(hold));
    hold.anchor = hold_area(start, room);
    hold.serial = serial;
}

struct area hold_area(uintptr_t start, size_t room)
{
    uintptr_t pages = ((start + room - 1) >> PAGE_SHIFT) - (start >> PAGE_SHIFT) + 1;

    return (struct area){ start, room, (uintptr_t)virt_to_page((const void *)start),
                          pages * sizeof(struct page) };
}

unsigned hold_registers(const struct trap_frame *frame)
{
    unsigned found = 0;

    for (unsigned reg = 0; reg < REGISTERS; reg++)
        if (reg != ESP && hold_points(hold_registers_of(frame)[reg], &hold.anchor))
            found |= 1u << reg;
    return found;
}

struct scan_range hold_stack_of(const struct trap_frame *frame)
{
    const char *esp = (const char *)(frame + 1);

    if (address_between((uintptr_t)esp, command_stack, boot_stack_guard))
        return (struct scan_range){ esp, boot_stack_guard };
    if (address_between((uintptr_t)esp, boot_stack, boot_stack_top))
        return (struct scan_range){ esp, boot_stack_top };
    return (struct scan_range){ esp, esp };
}

bool hold_is_on_stack(const struct trap_frame *frame, uintptr_t word)
{
    struct scan_range stack = hold_stack_of(frame);

    return word >= (uintptr_t)stack.start && word < (uintptr_t)stack.end;
}

UNCHECKED bool hold_stack_holds(const struct trap_frame *frame)
{
    return hold.stack_word != NULL && hold_is_on_stack(frame, (uintptr_t)hold.stack_word) &&
           hold_points(*hold.stack_word, &hold.anchor);
}

UNCHECKED bool hold_find_on_stack(const struct trap_frame *frame)
{
    struct scan_range stack = hold_stack_of(frame);

    const uintptr_t *word = stack.start;

    while ((const void *)word < stack.end && !hold_points(*word, &hold.anchor))
        word++;
    hold.stack_word = (const void *)word < stack.end ? word : NULL;
    return hold.stack_word != NULL;
}

/* ---- the way from a root ---------------------------------------------------------------- */

/* Writes that showed nothing but that another link is there now. */
enum { PATIENCE = 256, STORES = 8 };

struct way way;

/* The newest stores of the pointer: a word may be no root before more is written. */
static struct {
    uintptr_t word, by;
} stores[STORES];
static unsigned store_count;

void way_reset(void)
{
    memset(&way, 0, sizeof(way));
    memset(stores, 0, sizeof(stores));
    for (unsigned k = 0; k < LASTPTR_LINKS; k++)
        way.watched[k] = -1;
    way.patience = PATIENCE;
}

void way_unwatch(void)
{
    for (unsigned k = 0; k < LASTPTR_LINKS; k++) {
        debug_unwatch(way.watched[k]);
        way.watched[k] = -1;
    }
    way.count = 0;
}

bool way_link_holds(const struct lastptr_link *link)
{
    struct area area = hold_area(link->start, link->room);

    return hold_points(*(const uintptr_t *)link->word, &area);
}

void way_keep_store(uintptr_t word, uintptr_t by)
{
    unsigned i = 0;

    while (i < STORES && stores[i].word != word)
        i++;
    if (i == STORES)
        i = store_count++ % STORES;
    stores[i].word = word;
    stores[i].by = by;
}

void way_forget_store(uintptr_t word)
{
    for (unsigned i = 0; i < STORES; i++)
        if (stores[i].word == word)
            stores[i].word = 0;
}

/* The word that the mark has found it in first, which becomes one more link. */
static struct lastptr_link link_to(const struct mm_live *live)
{
    struct lastptr_link link = { .word = live->seen_in, .start = live->start,
                                 .room = live->room, .serial = live->serial };

    for (unsigned i = 0; i < STORES; i++)
        if (stores[i].word == link.word)
            link.since = stores[i].by;
    holder_find(link.word, &link.holder);
    return link;
}

uintptr_t way_root(struct mm_live live)
{
    struct mm_live outer;

    while (live.seen_in != 0 && mm_scan_find((const void *)live.seen_in, &outer))
        live = outer;
    return live.seen_in;
}

uintptr_t way_find(struct mm_live live)
{
    struct mm_live outer;

    way.count = 0;
    way.is_partial = false;
    while (live.seen_in != 0) {
        hold.anchor = hold_area(live.start, live.room);
        hold.serial = live.serial;
        if (way.count < LASTPTR_LINKS)
            way.links[way.count++] = link_to(&live);
        else
            way.is_partial = true;
        if (!mm_scan_find((const void *)live.seen_in, &outer))
            break;
        live = outer;
    }
    return live.seen_in;
}

bool way_watch(debug_fn *const fns[LASTPTR_LINKS])
{
    unsigned most = way.patience > 0 || way.count == 0 ? way.count : 1;

    for (unsigned k = 0; k < most; k++)
        way.watched[k] = debug_watch((const void *)way.links[k].word, sizeof(uintptr_t),
                                     fns[k]);
    for (unsigned k = 0; k < way.count; k++)
        way.is_partial |= way.watched[k] < 0;
    return way.count == 0 || way.watched[0] >= 0;
}

bool way_is_held(const struct scan_range *more, unsigned count, struct mm_live *live)
{
    struct mm_scan found;

    if (!scan_from(more, count, &found))
        return false;
    way.live = found.objects[MM_REACHABLE];
    return mm_scan_find(way.object, live) && live->serial == way.serial &&
           (live->kind == MM_REACHABLE || live->kind == MM_POSSIBLE);
}
