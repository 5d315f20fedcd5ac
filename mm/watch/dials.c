/*
 * dials.c - setting the dials: which names, which values, and what follows.
 *
 * A dial that is set while mm works holds for what comes: new slabs, new objects.
 * Poison is laid at once over all that is free.  Z changes how a slab is divided, so
 * it waits for a cache without objects, and says so.
 *
 * What allocates knows nothing of dials.  As long as one is on, or something is left
 * of one that was, the functions below watch (hooks_priv.h).
 */
#include "mm/watch/dials.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"
#include "mm/watch/quarantine_priv.h"
#include "mm/watch/settings_priv.h"
#include "mm/watch/watch_pages_priv.h"
#include "mm/watch/watch_priv.h"

enum { NUMBER_SIZE = 24 };

static void recover_end(void)
{
    quarantine_hide();
    watch_paint();
}

static const struct watcher watcher = {
    .dials_of = dials_of,
    .take = watch_take,
    .block_taken = watch_block_taken,
    .resized = watch_resized,
    .may_free = watch_may_free,
    .freeing = watch_freeing,
    .holds_back = quarantine_holds_back,
    .let_go = quarantine_let_go,
    .pages_taken = watch_pages_taken,
    .pages_freed = watch_pages_freed,
    .slab_made = watch_slab_made,
    .recover_begin = quarantine_show,
    .recover_end = recover_end,
};

/* Is there a heap to act on? */
static bool is_started(void)
{
    return heap.buddy.page != NULL;
}

/* ---- slub_debug --------------------------------------------------------- */

/* These dials from now on; NULL, or why not all of them. */
static const char *set_cache(struct kmem_cache *cache, uint8_t wanted)
{
    uint8_t flags = cache_possible_dials(cache, wanted);
    bool poison = flags & DIAL_P && !(cache->dials & DIAL_P);
    const char *problem = NULL;

    if ((flags ^ cache->dials) & DIAL_Z) {
        slab_shrink(cache);
        if (!cache->slabs) {
            cache_lay_out(cache, flags);
            return NULL;
        }
        flags = (uint8_t)((flags & ~DIAL_Z) | (cache->dials & DIAL_Z));
        problem = "it is set, but red zones (Z) change only in caches without objects: "
                  "some have them";
    }
    cache->dials = flags;
    if (poison)
        watch_poison_free(cache);
    return problem;
}

/* All caches as slub_debug says now; NULL, or what could not be done. */
static const char *apply(void)
{
    const char *problem = NULL;

    for (unsigned i = FIRST_KMALLOC_CACHE; i < MAX_CACHES; i++) {
        if (!caches[i].name)
            continue;

        const char *p = set_cache(&caches[i], dials_of(caches[i].name));

        problem = p ? p : problem;
    }
    return problem;
}

static const char *set_slub_debug(const char *value)
{
    const char *problem = settings_slub_debug(*value ? value : "FZPU");

    if (problem || !is_started())
        return problem;
    quarantine_let_go();                /* so that an empty cache is one */
    return apply();
}

/* ---- the others --------------------------------------------------------- */

/* Those that are on or off, and the word that says on. */
static const struct dial_switch {
    const char *name;
    bool *is_on;
    const char *on;
} switches[] = {
    { "init_on_alloc", &settings.init_on_alloc, "1" },
    { "init_on_free", &settings.init_on_free, "1" },
    { "debug_pagealloc", &settings.debug_pagealloc, "on" },
    { "page_owner", &settings.page_owner, "on" },
};

enum { NR_SWITCHES = sizeof(switches) / sizeof(switches[0]) };

static const struct dial_switch *find_switch(const char *name)
{
    for (size_t i = 0; i < NR_SWITCHES; i++)
        if (same_name(name, switches[i].name))
            return &switches[i];
    return NULL;
}

static const char *set_switch(const struct dial_switch *dial, const char *value)
{
    bool poisoned = settings.debug_pagealloc;
    bool is_on = same_name(value, "") || same_name(value, "1") ||
                 same_name(value, "on");

    if (!is_on && !same_name(value, "0") && !same_name(value, "off"))
        return "it is on or off";
    *dial->is_on = is_on;
    if (settings.debug_pagealloc && !poisoned && is_started())
        watch_poison_pages();
    return NULL;
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
    settings.quarantine = bytes << shift;
    quarantine_limit(settings.quarantine);
    return NULL;
}

/* ---- all of them -------------------------------------------------------- */

/* Some dial is on, or something is left of one that was. */
static bool any_is_on(void)
{
    if (settings_any() || heap.quarantined || watch_large_is_left())
        return true;
    for (unsigned i = 0; i < MAX_CACHES; i++)
        if (caches[i].dials)
            return true;
    return false;
}

static bool is_slub_debug(const char *name)
{
    return same_name(name, "slub_debug") || same_name(name, "slab_debug");
}

static const char *set(const char *name, const char *value)
{
    const struct dial_switch *dial = find_switch(name);

    if (is_slub_debug(name))
        return set_slub_debug(value);
    if (same_name(name, "quarantine"))
        return set_quarantine(value);
    return dial ? set_switch(dial, value) : "there is no such dial";
}

void dials_start(void)
{
    if (settings.debug_pagealloc)
        watch_poison_pages();
    mm_watch_with(settings_any() ? &watcher : NULL);
}

const char *mm_set_dial(const char *name, const char *value)
{
    const char *problem;

    if (!is_started())
        return set(name, value);
    if (mm_state & MM_IRQ || !mm_enter(NULL))       /* mm_state changes hands: enter.c */
        return "the allocator is busy";
    mm_watch_with(&watcher);
    problem = set(name, value);
    mm_watch_with(any_is_on() ? &watcher : NULL);
    mm_leave();
    return problem;
}

bool mm_dials_are_on(void)
{
    return mm_watcher != NULL;
}

void mm_reset_dials(void)
{
    mm_set_dial("slub_debug", "-");
    mm_set_dial("quarantine", "0");
    for (size_t i = 0; i < NR_SWITCHES; i++)
        mm_set_dial(switches[i].name, "0");
    settings.slub_debug[0] = '\0';
}

/* ---- for a listing ------------------------------------------------------ */

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
    const struct dial_switch *dial = find_switch(name);

    if (is_slub_debug(name))
        return settings.slub_debug;
    if (same_name(name, "quarantine"))
        return settings.quarantine ? in_digits(settings.quarantine) : "";
    return dial && *dial->is_on ? dial->on : "";
}
