/*
 * dials.c - setting the dials: which names, which values, which caches.
 *
 *     slub_debug=ZP,kmalloc-64,task*;U
 *                \_________________/ \_ and U for all others
 *                 Z and P for these two
 *
 * The text of slub_debug is kept, so that a cache made later asks it too: the last
 * block that names the cache counts, else the last that names none (as Linux's
 * parse_slub_debug_flags does it).
 *
 * A dial that is set while mm works holds for what comes: new slabs, new objects.
 * Poison is laid at once over all that is free.  Z changes how a slab is divided, so
 * it waits for a cache without objects, and says so.
 *
 * mm_state has MM_DIALS as long as any dial is on: that is all the short ways see.
 */
#include "mm/dials_priv.h"

enum { SPEC_SIZE = 128, NUMBER_SIZE = 24 };

struct dials dials;

static char slub_debug[SPEC_SIZE];      /* the text given; "" is off */
static bool started;                    /* there is a heap to act on */

/* ---- slub_debug ---------------------------------------------------------------- */

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

/* Does the pattern up to its end match?  A * stands for the rest. */
static bool matches(const char *pattern, const char *end, const char *name)
{
    for (; pattern < end; pattern++, name++) {
        if (*pattern == '*')
            return true;
        if (*pattern != *name)
            return false;
    }
    return *name == '\0';
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

        if (matches(list, next, name))
            return true;
        list = next;
    }
    return false;
}

uint8_t dials_of(const char *name)
{
    uint8_t all = 0, own = 0;
    bool named = false;

    for (const char *at = slub_debug; *at; at += *at == ';') {
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

/* All caches as slub_debug says now; NULL, or what could not be done. */
static const char *apply(void)
{
    const char *problem = NULL;

    for (unsigned i = FIRST_KMALLOC_CACHE; i < MAX_CACHES; i++) {
        if (!caches[i].self)
            continue;

        const char *p = cache_set_dials(&caches[i], dials_of(caches[i].name));

        problem = p ? p : problem;
    }
    return problem;
}

static const char *set_slub_debug(const char *value)
{
    const char *spec = *value ? value : "FZPU";
    const char *problem = malformed(spec);

    if (problem)
        return problem;
    memcpy(slub_debug, spec, strlen(spec) + 1);
    if (!started)
        return NULL;
    quarantine_limit(0);                /* so that an empty cache is one */
    return apply();
}

/* ---- the others ------------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const char *set_switch(bool *on, const char *value)
{
    bool is_on = same(value, "") || same(value, "1") || same(value, "on");

    if (!is_on && !same(value, "0") && !same(value, "off"))
        return "it is on or off";
    *on = is_on;
    return NULL;
}

static const char *set_debug_pagealloc(const char *value)
{
    bool before = dials.debug_pagealloc;
    const char *problem = set_switch(&dials.debug_pagealloc, value);

    if (!problem && !before && dials.debug_pagealloc && started)
        watch_poison_pages();
    return problem;
}

/* Decimal, with K or M. */
static const char *set_quarantine(const char *value)
{
    size_t bytes = 0;
    const char *at = value;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (bytes > SIZE_MAX / 16)
            return "it is too large";
        bytes = bytes * 10 + (size_t)(*at - '0');
    }

    unsigned shift = (*at | 0x20) == 'k' ? 10 : (*at | 0x20) == 'm' ? 20 : 0;

    if (at == value || at[shift != 0])
        return "it is a number of bytes, such as 64K; 0 is off";
    if (bytes > SIZE_MAX >> shift)
        return "it is too large";
    if (!mm_records && bytes)
        return "it needs the records of kmemleak=on";
    dials.quarantine = bytes << shift;
    quarantine_limit(dials.quarantine);
    return NULL;
}

/* ---- all of them -------------------------------------------------------------------- */

static bool slub_debug_is_on(void)
{
    uint8_t flags = 0;

    for (const char *at = slub_debug; *at; at += *at == ';') {
        for (; *at && *at != ',' && *at != ';'; at++)
            flags |= flag_of(*at);
        at = end_of(at, ';');
    }
    return flags != 0;
}

/* Some dial is on, or something is left of one that was. */
static bool any_is_on(void)
{
    if (dials.init_on_alloc || dials.init_on_free || dials.debug_pagealloc ||
        dials.page_owner || dials.quarantine || quarantine_count() || slub_debug_is_on())
        return true;
    for (unsigned i = 0; i < MAX_CACHES; i++)
        if (caches[i].dials)
            return true;
    return false;
}

static void tell_state(void)
{
    if (started && any_is_on())
        mm_state |= MM_DIALS;
    else
        mm_state &= ~(uint32_t)MM_DIALS;
}

static const char *set(const char *name, const char *value)
{
    if (same(name, "slub_debug") || same(name, "slab_debug"))
        return set_slub_debug(value);
    if (same(name, "init_on_alloc"))
        return set_switch(&dials.init_on_alloc, value);
    if (same(name, "init_on_free"))
        return set_switch(&dials.init_on_free, value);
    if (same(name, "page_owner"))
        return set_switch(&dials.page_owner, value);
    if (same(name, "debug_pagealloc"))
        return set_debug_pagealloc(value);
    if (same(name, "quarantine"))
        return set_quarantine(value);
    return "there is no such dial";
}

const char *mm_set_dial(const char *name, const char *value)
{
    const char *problem;

    if (started && !mm_enter())
        return "the allocator is busy";
    if (started)
        mm_state |= MM_DIALS;   /* an interrupt in between takes the long way */
    problem = set(name, value);
    tell_state();
    if (started)
        mm_leave();
    return problem;
}

void dials_start(void)
{
    started = true;
    if (dials.debug_pagealloc)
        watch_poison_pages();
    tell_state();
}

void mm_reset_dials(void)
{
    static const char *const names[] = { "init_on_alloc", "init_on_free", "quarantine",
                                         "debug_pagealloc", "page_owner" };

    mm_set_dial("slub_debug", "-");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        mm_set_dial(names[i], "0");
    slub_debug[0] = '\0';
}

/* ---- for a listing ------------------------------------------------------------------ */

static const char *in_digits(size_t n)
{
    static char text[NUMBER_SIZE];
    char *at = text + sizeof(text) - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return at;
}

const char *mm_dial(const char *name)
{
    if (same(name, "slub_debug") || same(name, "slab_debug"))
        return slub_debug;
    if (same(name, "quarantine"))
        return dials.quarantine ? in_digits(dials.quarantine) : "";
    if (same(name, "init_on_alloc"))
        return dials.init_on_alloc ? "1" : "";
    if (same(name, "init_on_free"))
        return dials.init_on_free ? "1" : "";
    if (same(name, "debug_pagealloc"))
        return dials.debug_pagealloc ? "on" : "";
    if (same(name, "page_owner"))
        return dials.page_owner ? "on" : "";
    return "";
}
