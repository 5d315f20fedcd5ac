/*
 * doubt.c - is the word that points to something a pointer at all?
 *
 * A scan takes each word for a pointer whose value is an address of something live.  Two
 * kinds of words have such a value by chance, and hide a leak:
 *
 *     begin  end      the end of a buffer is where its neighbour begins:
 *       |     |       the word beside it, or the word itself, is in that buffer
 *     [buffer][lost]
 *
 *     "$$$$"          from 514 MiB on, four printable characters are an address
 *
 * Nobody can be sure, so the kinds are what they are; but who asks what points to an object
 * (refs, leaks why) is told.
 *
 * A third kind was a pointer once, of who had the memory before: in what was not cleared when
 * it was taken.  Of those only their number can be told, by `leaks`.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/watch/dials.h"

static bool is_printable(uintptr_t value)
{
    for (unsigned byte = 0; byte < sizeof(value); byte++, value >>= 8)
        if ((value & 0xff) < ' ' || (value & 0xff) > '~')
            return false;
    return true;
}

static bool is_within(uintptr_t address, const struct mm_live *live)
{
    return address - live->start < live->asked;
}

enum doubt doubt_of(const struct holder *holder, struct mm_live *ends)
{
    uintptr_t value = holder->value;

    if (is_printable(value))
        return DOUBT_TEXT;
    if (scan_find(value - 1, ends) && ends->start + ends->asked == value &&
        (is_within(holder->word, ends) || is_within(holder->before, ends) ||
         is_within(holder->behind, ends)))
        return DOUBT_END;
    return DOUBT_NONE;
}

const char *doubt_text(const struct holder *holder, char *text, size_t size)
{
    uintptr_t value = holder->value;
    char characters[sizeof(value) + 1] = "";
    struct mm_live ends;

    text[0] = '\0';
    switch (doubt_of(holder, &ends)) {
    case DOUBT_TEXT:
        memcpy(characters, &value, sizeof(value));
        ksnprintf(text, size, ": or is it the text \"%s\"?", characters);
        break;
    case DOUBT_END:
        ksnprintf(text, size, ": or is it the end of 0x%08x (%zu bytes, serial %u)?",
                  (unsigned)ends.start, ends.asked, (unsigned)ends.serial);
        break;
    default:
        break;
    }
    return text;
}

const char *doubt_name(const struct holder *holder)
{
    static const char *const names[] = { [DOUBT_NONE] = "null", [DOUBT_TEXT] = "\"text\"",
                                         [DOUBT_END] = "\"end\"" };
    struct mm_live ends;

    return names[doubt_of(holder, &ends)];
}

/* ---- what was there before ---------------------------------------------------------- */

/* Does each call from that line write to all that it hands out?  Its name says so. */
static bool clears(const struct alloc_site *site)
{
    static const char *const names[] = { "kzalloc", "kcalloc", "kmem_cache_zalloc",
                                         "get_zeroed_page", "kstrdup", "kstrndup",
                                         "kmemdup" };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (site->file != NULL && site->call != NULL && strcmp(site->call, names[i]) == 0)
            return true;
    return false;
}

/* Of serial numbers above that: how many objects are of lines that do not clear. */
static unsigned count_of_others(uint32_t after)
{
    unsigned objects = 0;

    sites_count(UINT32_MAX, after);
    for (const struct alloc_site *site = NULL; (site = mm_next_site(site)) != NULL; )
        if (!clears(site))
            objects += (unsigned)site->objects;
    return objects;
}

void doubts_print(const struct mm_scan *found)
{
    unsigned objects = count_of_others(0) - count_of_others(mm_uncleared_until());
    uint32_t live = 0;

    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++)
        live += found->objects[kind];
    if (live > 1 && objects > 0)
        kprint_wrapped(2, "%u object%s not cleared when taken: an old pointer there may hide "
                       "a leak.  To be sure: params init_on_alloc=1, and once more from "
                       "the start", objects, objects == 1 ? " was" : "s were");
}
