/*
 * dials.c - setting the dials: which names, which values, and what follows.
 *
 * A dial that is set while mm works holds for what comes: new slabs, new objects.
 * Poison is laid at once over all that is free.  Z changes how a slab is divided, so
 * a cache with objects waits for the last of them to be freed, and that is said.
 *
 * What allocates knows nothing of dials.  As long as one is on, or something is left
 * of one that was, the functions below watch (hooks_priv.h); with the last that is left
 * they stop.  What was overwritten is told before nobody looks any more.
 */
#include "mm/watch/dials.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"
#include "mm/watch/guarded_priv.h"
#include "mm/watch/inject_priv.h"
#include "mm/watch/quarantine_priv.h"
#include "mm/watch/settings_priv.h"
#include "mm/watch/watch_pages_priv.h"
#include "mm/watch/watch_priv.h"

enum { NUMBER_SIZE = 24 };

static void recover_end(void)
{
    quarantine_hide();
    guarded_recover();
    watch_map_all();            /* whatever was being taken away, or given back */
    watch_large_forget();
    watch_paint();
}

static void let_go(void)
{
    quarantine_let_go();
    guarded_let_go();
}

static void settle(const struct object *freed);

static const struct watcher watcher = {
    .dials_of = dials_of,
    .fails = inject_fails,
    .take = watch_take,
    .block_taken = watch_block_taken,
    .resized = watch_resized,
    .may_free = watch_may_free,
    .freeing = watch_freeing,
    .freed = settle,
    .holds_back = quarantine_holds_back,
    .find_guarded = guarded_find,
    .free_guarded = guarded_free,
    .let_go = let_go,
    .pages_taken = watch_pages_taken,
    .pages_freed = watch_pages_freed,
    .slab_made = watch_slab_made,
    .slab_goes = watch_slab_goes,
    .recover_begin = quarantine_show,
    .recover_end = recover_end,
};

/* Is there a heap to act on? */
static bool is_started(void)
{
    return heap.buddy.page != NULL;
}

/* ---- slub_debug --------------------------------------------------------- */

static bool waiting;            /* some cache is to change its red zones when it can */

/* Without slabs it can be divided anew.  False: it has some. */
static bool lay_out_anew(struct kmem_cache *cache, uint8_t flags)
{
    slab_shrink(cache);
    if (cache->slabs)
        return false;
    cache_lay_out(cache, flags);
    return true;
}

/* These dials from now on; NULL, or why not all of them. */
static const char *set_cache(struct kmem_cache *cache, uint8_t wanted)
{
    uint8_t flags = cache_possible_dials(cache, wanted);
    bool poison = flags & DIAL_P && !(cache->dials & DIAL_P);
    const char *problem = NULL;

    if ((flags ^ cache->dials) & DIAL_Z) {
        if (lay_out_anew(cache, flags))
            return NULL;
        flags = (uint8_t)((flags & ~DIAL_Z) | (cache->dials & DIAL_Z));
        problem = "it is set; caches with objects change their red zones (Z) when the "
                  "last of these is freed";
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
    waiting = problem != NULL;
    return problem;
}

/* Caches that waited and have no objects any more: whether others still wait. */
static bool apply_to_empty(void)
{
    bool wait = false;

    for (unsigned i = FIRST_KMALLOC_CACHE; i < MAX_CACHES; i++) {
        struct kmem_cache *cache = &caches[i];

        if (!cache->name)
            continue;

        uint8_t flags = cache_possible_dials(cache, dials_of(cache->name));

        if ((flags ^ cache->dials) & DIAL_Z)
            wait |= !cache_is_empty(cache) || !lay_out_anew(cache, flags);
    }
    return wait;
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
    bool needs_records;
} switches[] = {
    { "init_on_alloc", &settings.init_on_alloc, "1", false },
    { "init_on_free", &settings.init_on_free, "1", false },
    { "debug_pagealloc", &settings.debug_pagealloc, "on", false },
    { "page_owner", &settings.page_owner, "on", true },
};

static const char needs_records[] = "it needs the records of kmemleak=on";

enum { NR_SWITCHES = sizeof(switches) / sizeof(switches[0]) };

static const struct dial_switch *find_switch(const char *name)
{
    for (size_t i = 0; i < NR_SWITCHES; i++)
        if (same_name(name, switches[i].name))
            return &switches[i];
    return NULL;
}

/* What was handed out before may hold what was in its memory: mm_uncleared_until(). */
static void note_clearing(const struct dial_switch *dial, bool is_on)
{
    if (dial->is_on == &settings.init_on_alloc && is_on && !settings.init_on_alloc)
        settings.cleared_after = is_started() ? heap.serial : 0;
    if (dial->is_on == &settings.init_on_free && is_on != settings.init_on_free)
        settings.frees_clear_all = is_on && !is_started();
}

static const char *set_switch(const struct dial_switch *dial, const char *value)
{
    bool poisoned = settings.debug_pagealloc;
    bool is_on = same_name(value, "") || same_name(value, "1") ||
                 same_name(value, "on");

    if (!is_on && !same_name(value, "0") && !same_name(value, "off"))
        return "it is on or off";
    if (is_on && dial->needs_records && !mm_records)
        return needs_records;
    note_clearing(dial, is_on);
    *dial->is_on = is_on;
    if (is_started() && settings.debug_pagealloc && !poisoned)
        watch_poison_pages();
    else if (is_started() && !settings.debug_pagealloc)
        watch_show_pages();
    return NULL;
}

static const char *set_kfence(const char *value)
{
    size_t every;
    const char *end = settings_digits(value, &every);

    if (!end || every > UINT32_MAX)
        return "it is too large";
    if (end == value || *end)
        return "it is a number: 1 guards each object, N one of N refills, 0 none";
    if (every && !mm_records)
        return needs_records;
    if (every && is_started() && !mm_map_hook)
        return "nobody is there who could take a page away";
    guarded_set((uint32_t)every);
    return NULL;
}

/* Decimal, with K or M. */
static const char *set_quarantine(const char *value)
{
    size_t bytes;
    const char *at = settings_digits(value, &bytes);

    if (!at)
        return "it is too large";

    unsigned shift = (*at | 0x20) == 'k' ? 10 : (*at | 0x20) == 'm' ? 20 : 0;

    if (at == value || at[shift != 0])
        return "it is a number of bytes, such as 64K; 0 is off";
    if (bytes > SIZE_MAX >> shift)
        return "it is too large";
    if (!mm_records && bytes)
        return needs_records;
    settings.quarantine = bytes << shift;
    quarantine_limit(settings.quarantine);
    return NULL;
}

static const char *set_fail_nth(const char *value)
{
    size_t nth;
    const char *end = settings_digits(value, &nth);

    if (!end || nth > UINT32_MAX)
        return "it is too large";
    if (end == value || *end)
        return "it is a number: 1 fails the next allocation, 0 none";
    inject_nth((uint32_t)nth);
    return NULL;
}

/* ---- all of them -------------------------------------------------------- */

/* Every call is to be watched: a dial is on, or something is left of one that was. */
static bool is_every_call_watched(void)
{
    if (settings_every_call() || heap.quarantined || watch_large_is_left())
        return true;
    for (unsigned i = 0; i < MAX_CACHES; i++)
        if (caches[i].dials)
            return true;
    return false;
}

static bool is_any_guarded(void)
{
    return settings.kfence || heap.guarded_pages;
}

/* Watch what must be watched from now on. */
static void watch(void)
{
    bool all = is_every_call_watched();

    heap.injects = inject_is_on();
    mm_watch_with(all || is_any_guarded() ? &watcher : NULL, all);
}

/* Only the last of its kind can change what is watched, or be what a cache waits for. */
static bool may_settle(const struct object *freed)
{
    switch (freed->kind) {
    case MM_SLAB_LIVE:
        return cache_is_empty(freed->slot.cache) || quarantine_has_emptied();
    case MM_GUARDED:
        return cache_is_empty(freed->slot.cache) || !heap.guarded_pages;
    case MM_LARGE:
        return !watch_large_is_left();
    default:
        return false;
    }
}

/* That was freed: is it time for a cache that waits, or for the short ways? */
static void settle(const struct object *freed)
{
    if (!may_settle(freed))
        return;
    if (freed->kind != MM_LARGE && waiting)
        waiting = apply_to_empty();
    if (!settings_every_call() && (heap.watches_all || !is_any_guarded()))
        watch();
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
    if (same_name(name, "kfence.every"))
        return set_kfence(value);
    if (same_name(name, "fail-nth"))
        return set_fail_nth(value);
    if (inject_value(name))
        return inject_set(name, value);
    return dial ? set_switch(dial, value) : "there is no such dial";
}

void dials_start(void)
{
    waiting = false;
    watch_large_forget();
    if (settings.debug_pagealloc)
        watch_poison_pages();
    guarded_set(settings.kfence);
    inject_start();
    heap.injects = inject_is_on();
    mm_watch_with(settings_every_call() || settings.kfence ? &watcher : NULL,
                  settings_every_call());
}

const char *mm_set_dial(const char *name, const char *value)
{
    const char *problem;

    if (!is_started())
        return set(name, value);
    if (mm_state & MM_IRQ || !mm_enter(NULL))       /* mm_state changes hands: enter.c */
        return "the allocator is busy";
    mm_watch_with(&watcher, true);
    watch_look_at_all();        /* who looks now may not look later */
    problem = set(name, value);
    if (waiting)
        waiting = apply_to_empty();     /* some were held in quarantine */
    watch();
    mm_leave();
    return problem;
}

bool mm_dials_are_on(void)
{
    return mm_watcher != NULL;
}

uint32_t mm_uncleared_until(void)
{
    if (settings.frees_clear_all)
        return 0;
    return settings.init_on_alloc ? settings.cleared_after : UINT32_MAX;
}

void mm_reset_dials(void)
{
    mm_set_dial("slub_debug", "-");
    mm_set_dial("quarantine", "0");
    mm_set_dial("kfence.every", "0");
    mm_set_dial("failslab", "0");
    mm_set_dial("fail_page_alloc", "0");
    mm_set_dial("fail-nth", "0");
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
    if (same_name(name, "kfence.every"))
        return settings.kfence ? in_digits(settings.kfence) : "";
    if (same_name(name, "fail-nth"))
        return inject_nth_set() ? in_digits(inject_nth_set()) : "";
    if (inject_value(name))
        return inject_value(name);
    return dial && *dial->is_on ? dial->on : "";
}
