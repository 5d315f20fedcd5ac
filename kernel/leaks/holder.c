/*
 * holder.c - who has the word that points to something?
 *
 *     a root      a variable of a lab, by its symbol; $3 of the shell; a stack
 *     something   an object or block of pages, by its address, serial number and the line
 *     live        that took it, and how far in it the word lies
 *     neither     it was one of these once
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/cpu/cpu.h"
#include "kernel/image.h"
#include "kernel/memory/held.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

enum { PLACE_SIZE = 96, TEXT_SIZE = 160 };

const char *kind_name(enum mm_scan_kind kind)
{
    static const char *const names[MM_SCAN_KINDS] = {
        [MM_UNSEEN] = "unseen", [MM_REACHABLE] = "reachable", [MM_POSSIBLE] = "possible",
        [MM_INDIRECT] = "indirect", [MM_DEFINITE] = "definite" };

    return names[kind];
}

bool is_line(const char *word)
{
    return strchr(word, ':') != NULL || strchr(word, '+') != NULL;
}

int line_took_nothing(const char *word, const char *line, bool json)
{
    char text[TEXT_SIZE];

    ksnprintf(text, sizeof(text), "nothing that %s took is live", line);
    if (!json) {
        kprint_wrapped(0, "leaks %s: %s", word, text);
        return SHELL_FAILED;
    }
    kprintf("{\"error\": ");
    json_string(text);
    kprintf("}\n");
    return SHELL_FAILED;
}

static void name_variable(struct holder *holder)
{
    struct symbol symbol;

    if (!symbol_find(holder->word, &symbol))
        ksnprintf(holder->name, sizeof(holder->name), "0x%08x", (unsigned)holder->word);
    else if (holder->word == symbol.start)
        strlcpy(holder->name, symbol.name, sizeof(holder->name));
    else
        ksnprintf(holder->name, sizeof(holder->name), "%s+0x%x", symbol.name,
                  (unsigned)(holder->word - symbol.start));
}

/* Is it, or was it, a root?  All of the image may have been read as one. */
static bool find_root(struct holder *holder)
{
    uint32_t number = held_number_of(holder->word);

    if (number != 0) {
        holder->root = ROOT_HELD;
        ksnprintf(holder->name, sizeof(holder->name), "$%u", (unsigned)number);
    } else if (address_between(holder->word, command_stack, boot_stack_guard)) {
        holder->root = ROOT_STACK;
        strlcpy(holder->name, "the stack", sizeof(holder->name));
    } else if (address_between(holder->word, data_start, bss_end)) {
        holder->root = ROOT_VARIABLES;
        name_variable(holder);
    } else {
        return false;
    }
    return true;
}

/* What lay there last, of which a record is left. */
static void find_former(struct holder *holder)
{
    struct mm_what what;

    mm_what_is((const void *)holder->word, &what);
    holder->former = what.around;
    holder->former_start = what.around_start;
    if (what.freed_by != NULL && holder->word - what.start < what.bytes &&
        what.serial >= what.around.serial) {
        holder->former = (struct mm_life){ what.serial, what.asked, what.taken_by,
                                           what.freed_by };
        holder->former_start = what.start;
    }
    if (holder->former.serial != 0)
        holder->offset = (uint32_t)(holder->word - holder->former_start);
}

/* In an image there are always some beside it; for SAN=1 they may be nobody's. */
static __attribute__((no_sanitize_address)) void read_words(struct holder *holder)
{
    const uintptr_t *word = (const uintptr_t *)holder->word;
    bool is_variable = holder->is_root && holder->root == ROOT_VARIABLES;

    if (holder->is_root || holder->is_live)
        holder->value = *word;
    if (is_variable || (holder->is_live && holder->offset >= sizeof(*word)))
        holder->before = word[-1];
    if (is_variable ||
        (holder->is_live && holder->offset + 2 * sizeof(*word) <= holder->live.room))
        holder->behind = word[1];
}

void holder_find(uintptr_t word, struct holder *holder)
{
    uint32_t flags = irq_save();

    memset(holder, 0, sizeof(*holder));
    holder->word = word;
    holder->is_root = find_root(holder);
    holder->is_live = !holder->is_root && mm_scan_find((const void *)word, &holder->live);
    if (holder->is_live)
        holder->offset = (uint32_t)(word - holder->live.start);
    else if (!holder->is_root)
        find_former(holder);
    read_words(holder);
    irq_restore(flags);
}

void holder_was_retaken(struct holder *holder)
{
    holder->is_live = false;
    holder->offset = 0;
}

const char *holder_text(const struct holder *holder, char *text, size_t size)
{
    char place[PLACE_SIZE];

    if (holder->is_root)
        ksnprintf(text, size, "%s%s", holder->root == ROOT_VARIABLES ? "the variable " : "",
                  holder->name);
    else if (holder->is_live)
        ksnprintf(text, size, "offset %u of 0x%08x (%zu bytes, serial %u, taken by %s)",
                  (unsigned)holder->offset, (unsigned)holder->live.start,
                  holder->live.asked, (unsigned)holder->live.serial,
                  site_place(holder->live.site, place, sizeof(place)));
    else if (holder->former.serial != 0)
        ksnprintf(text, size, "offset %u of 0x%08x (%zu bytes, serial %u, taken by %s)",
                  (unsigned)holder->offset, (unsigned)holder->former_start,
                  holder->former.asked, (unsigned)holder->former.serial,
                  site_place(holder->former.taken_by, place, sizeof(place)));
    else if (holder->live.serial != 0)
        ksnprintf(text, size, "what was at 0x%08x before serial %u",
                  (unsigned)holder->word, (unsigned)holder->live.serial);
    else
        ksnprintf(text, size, "0x%08x, where nothing is live now",
                  (unsigned)holder->word);
    return text;
}

static void found_one(const uintptr_t *word, void *is_found)
{
    (void)word;
    *(bool *)is_found = true;
}

enum leads holder_leads(const struct holder *holder, const struct mm_live *live)
{
    uintptr_t offset = holder->value - live->start;
    bool is_found = false;
    const struct mm_wanted wanted = { live->start, live->room, found_one, &is_found };

    mm_refs_in(&wanted, &holder->value, &holder->value + 1);
    return !is_found ? LEADS_ELSEWHERE : offset == 0 ? LEADS_TO_START :
           offset < live->room ? LEADS_TO_MIDDLE : LEADS_TO_PAGE_STRUCT;
}

void holder_json(const struct holder *holder)
{
    char place[PLACE_SIZE];

    kprintf(", \"symbol\": ");
    if (holder->is_root)
        json_string(holder->name);
    else
        kprintf("null");
    if (holder->is_live) {
        kprintf(", \"address\": \"0x%08x\", \"serial\": %u, \"site\": ",
                (unsigned)holder->live.start, (unsigned)holder->live.serial);
        json_string(site_place(holder->live.site, place, sizeof(place)));
        kprintf(", \"offset\": %u", (unsigned)holder->offset);
    } else {
        kprintf(", \"address\": \"0x%08x\", \"serial\": null, \"site\": null, "
                "\"offset\": 0", (unsigned)holder->word);
    }
}
