/*
 * settings.c - what the dials are set to, and which caches slub_debug means.
 *
 *     slub_debug=ZP,kmalloc-64,task*;U
 *                \_________________/ \_ and U for all others
 *                 Z and P for these two
 *
 * The text of slub_debug is kept, so that a cache made later asks it too: the last
 * block that names the cache counts, else the last that names none (as Linux's
 * parse_slub_debug_flags does it).
 */
#include "mm/watch/settings_priv.h"

#include "mm/slot_priv.h"
#include "mm/watch/inject_priv.h"

struct settings settings;

static uint8_t flag_of(char letter)
{
    switch (letter | 0x20) {
    case 'f': return DIAL_F;
    case 'z': return DIAL_Z;
    case 'p': return DIAL_P;
    case 'u': return DIAL_U;
    default: return 0;
    }
}

/* Each * stands first for nothing, and for a character more whenever the rest fails. */
bool settings_match(const char *pattern, const char *end, const char *name)
{
    const char *behind_star = NULL, *rest = NULL;

    while (*name) {
        if (pattern < end && *pattern == '*') {
            behind_star = ++pattern;
            rest = name;
        } else if (pattern < end && *pattern == *name) {
            pattern++;
            name++;
        } else if (behind_star) {
            pattern = behind_star;
            name = ++rest;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

const char *settings_digits(const char *at, size_t *number)
{
    for (*number = 0; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (size_t)(*at - '0'), number))
            return NULL;
    return at;
}

static const char *end_of(const char *at, char also)
{
    while (*at && *at != ';' && *at != also)
        at++;
    return at;
}

/* Is the cache in the list ",NAME,NAME" that ends at `end`? */
static bool is_listed(const char *list, const char *end, const char *name)
{
    while (list < end) {
        const char *next = end_of(++list, ',');

        if (settings_match(list, next, name))
            return true;
        list = next;
    }
    return false;
}

uint8_t dials_of(const char *name)
{
    uint8_t all = 0, own = 0;
    bool named = false;

    for (const char *at = settings.slub_debug; *at; at += *at == ';') {
        const char *list = end_of(at, ','), *end = end_of(at, ';');
        uint8_t flags = 0;

        for (; at < list; at++)
            flags |= flag_of(*at);
        if (list == end)
            all = flags;
        else if (is_listed(list, end, name))
            own = flags, named = true;
        at = end;
    }
    return named ? own : all;
}

static const char *malformed(const char *spec)
{
    if (strlen(spec) >= SPEC_SIZE)
        return "it is longer than 127 characters";
    for (const char *at = spec; *at; at += *at == ';') {
        for (; *at && *at != ',' && *at != ';'; at++) {
            if (!flag_of(*at) && *at != '-')
                return "its letters are F, Z, P, U, or - for none";
            if (flag_of(*at) == DIAL_U && !mm_records)
                return "U needs the records of kmemleak=on";
        }
        at = end_of(at, ';');
    }
    return NULL;
}

const char *settings_slub_debug(const char *text)
{
    const char *problem = malformed(text);

    if (!problem)
        memcpy(settings.slub_debug, text, strlen(text) + 1);
    return problem;
}

static bool slub_debug_is_on(void)
{
    uint8_t flags = 0;

    for (const char *at = settings.slub_debug; *at; at += *at == ';') {
        for (; *at && *at != ',' && *at != ';'; at++)
            flags |= flag_of(*at);
        at = end_of(at, ';');
    }
    return flags != 0;
}

bool settings_every_call(void)
{
    return settings.kfence == 1 || settings.init_on_alloc || settings.init_on_free ||
           settings.debug_pagealloc || settings.page_owner || settings.quarantine ||
           slub_debug_is_on() || inject_is_on();
}
