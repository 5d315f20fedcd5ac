/*
 * catch.c - catch: who writes there?
 *
 *     marbles> catch head                 a variable
 *     marbles> catch 12+8                 offset 8 of serial 12, as soon as it is taken
 *     marbles> catch $1+4                 an address
 *     catch 1: head: 0x00000000 -> 0x001ea000
 *       by insert+0x2c/0x40 (my.c:20)
 *
 * A debug register (kernel/cpu/debug.h) watches the slot: it is told behind each
 * instruction that writes there, by whomever, interrupts and mm included, also of what was
 * there already.  In between all runs at full speed.  A slot in an object ends with it: an
 * observer (mm/look/observe.h) tells of its kfree, and of the birth of one that is waited
 * for, so while there is such a slot each call of mm goes the long way.
 *
 * What is written while something is told, by who tells it, is not told.
 */
#include "kernel/trace/catch.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lines.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/look/observe.h"

static struct catch_slot slots[CATCH_SLOTS];

static bool is_telling;

unsigned catch_number(const struct catch_slot *slot)
{
    return (unsigned)(slot - slots) + 1;
}

struct catch_slot *catch_next(const struct catch_slot *previous)
{
    struct catch_slot *slot = previous != NULL ? &slots[previous - slots + 1] : slots;

    while (slot < slots + CATCH_SLOTS && slot->name[0] == 0)
        slot++;
    return slot < slots + CATCH_SLOTS ? slot : NULL;
}

/* Not checked by SAN=1: what is being taken is watched before it is anybody's. */
__attribute__((no_sanitize_address)) uint32_t catch_read(const struct catch_slot *slot)
{
    const volatile uint8_t *bytes = (const volatile uint8_t *)slot->addr;
    uint32_t value = 0;

    for (unsigned n = slot->bytes; n-- > 0;)
        value = value << 8 | bytes[n];
    return value;
}

const char *catch_value(const struct catch_slot *slot, uint32_t value, char *text,
                        size_t size)
{
    ksnprintf(text, size, "0x%0*x", (int)(2 * slot->bytes), (unsigned)value);
    return text;
}

/* ---- a store ------------------------------------------------------------------------ */

static void tell_store(const struct catch_slot *slot, uint32_t value, uint32_t eip)
{
    char before[16], after[16], place[LINE_TEXT_SIZE];

    pr_err("catch %u: %s: %s -> %s", catch_number(slot), slot->name,
           catch_value(slot, slot->value, before, sizeof(before)),
           catch_value(slot, value, after, sizeof(after)));
    pr_err("  by %s%s", line_format(eip, eip - 1, place, sizeof(place)),
           mm_state & MM_IRQ ? ", in an interrupt" : "");
}

static void stored(struct catch_slot *slot, const struct trap_frame *frame)
{
    uint32_t value = catch_read(slot);

    if (!is_telling) {
        is_telling = true;
        slot->stores++;
        tell_store(slot, value, frame->eip);
        is_telling = false;
    }
    slot->value = value;
}

static void stored_1(struct trap_frame *frame) { stored(&slots[0], frame); }
static void stored_2(struct trap_frame *frame) { stored(&slots[1], frame); }
static void stored_3(struct trap_frame *frame) { stored(&slots[2], frame); }
static void stored_4(struct trap_frame *frame) { stored(&slots[3], frame); }

/* False: no debug register is free. */
static bool arm(struct catch_slot *slot, uintptr_t addr)
{
    static debug_fn *const fns[CATCH_SLOTS] = { stored_1, stored_2, stored_3,
                                                stored_4 };

    slot->addr = addr;
    slot->value = catch_read(slot);
    slot->number = debug_watch((const void *)addr, slot->bytes, fns[slot - slots]);
    return slot->number >= 0;
}

static void let_go(struct catch_slot *slot)
{
    debug_unwatch(slot->number);
    *slot = (struct catch_slot){ .number = -1 };
}

/* ---- owners ------------------------------------------------------------------------- */

unsigned catch_bytes_at(uintptr_t addr)
{
    return addr % 4 == 0 ? 4 : addr % 2 == 0 ? 2 : 1;
}

static void owner_is_born(struct catch_slot *slot, const struct mm_event *event)
{
    uintptr_t addr = (uintptr_t)event->p + slot->offset;

    slot->bytes = catch_bytes_at(addr);
    if (slot->offset >= event->room || slot->offset + slot->bytes > event->room)
        pr_err("catch %u: %s: it has %zu bytes only: not watched", catch_number(slot),
               slot->name, event->room);
    else if (!arm(slot, addr))
        pr_err("catch %u: %s: no debug register is free now: not watched",
               catch_number(slot), slot->name);
    if (slot->number < 0)
        let_go(slot);
}

static void owner_is_freed(struct catch_slot *slot, const struct mm_event *event)
{
    char place[LINE_TEXT_SIZE], value[16];

    pr_err("catch %u: %s: 0x%08x (%zu byte%s, serial %u) is freed%s: it had %s and is "
           "watched no more", catch_number(slot), slot->name,
           (unsigned)(uintptr_t)event->p, event->bytes, plural(event->bytes),
           (unsigned)event->serial, site_caller(event->site, place, sizeof(place)),
           catch_value(slot, catch_read(slot), value, sizeof(value)));
    let_go(slot);
}

static struct mm_observer observer;

/* While any slot has an owner.  False: not now. */
static bool look_on(void)
{
    bool is_wanted = false;

    for (struct catch_slot *slot = NULL; (slot = catch_next(slot)) != NULL; )
        is_wanted |= slot->owner != 0;
    return is_wanted ? mm_observe(&observer) : mm_unobserve(&observer);
}

static void saw(const struct mm_event *event, void *unused)
{
    (void)unused;
    for (struct catch_slot *slot = NULL; (slot = catch_next(slot)) != NULL; ) {
        if (slot->owner == 0 || slot->owner != event->serial)
            continue;
        if (event->kind == MM_ALLOCATED && slot->addr == 0)
            owner_is_born(slot, event);
        else if (event->kind == MM_FREEING && slot->addr != 0)
            owner_is_freed(slot, event);
    }
    look_on();                          /* in an interrupt it stays until the next event */
}

static struct mm_observer observer = { .saw = saw };

/* ---- beginning, ending --------------------------------------------------------------- */

static struct catch_slot *free_slot(void)
{
    struct catch_slot *slot = slots;

    while (slot < slots + CATCH_SLOTS && slot->name[0] != 0)
        slot++;
    return slot < slots + CATCH_SLOTS ? slot : NULL;
}

/* Why it cannot be; NULL: it is watched. */
static const char *put(struct catch_slot *slot, const struct catch_slot *wanted)
{
    const char *none = "all four debug registers are taken: catch off N gives one back";

    if (slot == NULL)
        return none;
    *slot = *wanted;
    slot->number = -1;
    if (slot->addr != 0 && !arm(slot, slot->addr))
        return none;
    return slot->owner == 0 || look_on()
               ? NULL : "not in an interrupt, nor while the allocator is busy";
}

const struct catch_slot *catch_begin(const struct catch_slot *wanted, const char **why)
{
    uint32_t flags = irq_save();
    struct catch_slot *slot = free_slot();

    *why = put(slot, wanted);
    if (slot != NULL && *why != NULL)
        let_go(slot);
    irq_restore(flags);
    return *why == NULL ? slot : NULL;
}

bool catch_end(unsigned number)
{
    uint32_t flags = irq_save();
    unsigned ended = 0;

    for (struct catch_slot *slot = NULL; (slot = catch_next(slot)) != NULL; )
        if (number == 0 || catch_number(slot) == number) {
            let_go(slot);
            ended++;
        }
    look_on();
    irq_restore(flags);
    return number == 0 || ended > 0;
}
