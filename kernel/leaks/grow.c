/*
 * grow.c - leaks grow: what only ever grows.  A leak that still has a pointer.
 *
 *     sample         1      2      3      4
 *     net.c:40     100    140    180    220    more each time: it only grows
 *     list.c:20    700    900    300    800    it fell: the series begins anew at 300
 *
 * A sample is taken at each `leaks mark`, `leaks` and `leaks grow`, so under `watch` each
 * second, if anything was taken or given back since the one before.  Of each line of code
 * are kept how much it has now, and how much it had where its series began:
 *
 *   G1  a series begins with the first sample in which the line has anything, and anew with
 *       one in which it has less than before;
 *   G2  a line only grows if its series has grown at least twice, and at every sample.
 *
 * A cache that fills grows too, but not for ever: what stays the same at one sample does
 * not only grow any more.  How fast: bytes a second, since its series began; but not within
 * its first second, nor where nobody sits (make exec), where each run prints the same.
 *
 * Cost: a walk through what is live for each sample, and for each row the lines before it.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/cpu/timer.h"
#include "kernel/line/tty.h"
#include "kernel/memory/sites.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { SERIES = 256, PLACE_SIZE = 96, TEXT_SIZE = 32, TAKER_COLUMN = 48 };

static struct series {
    const struct alloc_site *site;      /* NULL: behind the last */
    uint32_t objects, first_objects;    /* now, and where it began */
    size_t bytes, first_bytes;
    uint32_t began;             /* tick */
    uint32_t samples, grew;     /* since it began; at how many of them it had more */
    uint32_t sample;            /* the last in which it was found */
} series[SERIES];

static uint32_t sample;         /* the number of the last one */
static uint32_t untold;         /* lines without a place, at that */
static uint32_t seen_serial, seen_frees, first_tick;

/* ---- samples --------------------------------------------------------------------- */

static struct series *series_of(const struct alloc_site *site)
{
    for (unsigned i = 0; i < SERIES; i++) {
        if (series[i].site == NULL)
            series[i] = (struct series){ .site = site };
        if (series[i].site == site)
            return &series[i];
    }
    return NULL;
}

/* G1 */
static void begin(struct series *one, uint32_t objects, size_t bytes)
{
    one->first_objects = objects;
    one->first_bytes = bytes;
    one->began = timer_ticks();
    one->samples = one->grew = 0;
}

static void add(struct series *one, uint32_t objects, size_t bytes)
{
    if (one->objects == 0 || bytes < one->bytes) {
        begin(one, objects, bytes);
    } else {
        one->samples++;
        one->grew += bytes > one->bytes;
    }
    one->objects = objects;
    one->bytes = bytes;
    one->sample = sample;
}

static bool take(const struct alloc_site *site, void *arg)
{
    struct series *one = series_of(site);

    (void)arg;
    if (one != NULL)
        add(one, site->objects, site->bytes);
    else
        untold++;
    return true;
}

/* Nothing of these lines is live any more. */
static void end_others(void)
{
    for (unsigned i = 0; i < SERIES && series[i].site != NULL; i++)
        if (series[i].sample != sample)
            add(&series[i], 0, 0);
}

void grow_sample(void)
{
    struct mm_stats stats;
    uint32_t frees;

    stats_get(&stats);
    frees = (uint32_t)(stats.kfrees + stats.pages_freed);
    if (sample > 0 && stats.last_serial == seen_serial && frees == seen_frees)
        return;
    if (sample++ == 0)
        first_tick = timer_ticks();
    untold = 0;
    if (!sites_walk_kinds(UINT32_MAX, 0, take, NULL)) {
        sample--;               /* a walk is under way: not now */
        return;
    }
    end_others();
    seen_serial = stats.last_serial;
    seen_frees = frees;
}

/* ---- what they say --------------------------------------------------------------- */

/* G2 */
static bool only_grows(const struct series *one)
{
    return one->grew >= 2 && one->grew == one->samples;
}

bool grow_only(const struct alloc_site *site)
{
    for (unsigned i = 0; i < SERIES && series[i].site != NULL; i++)
        if (series[i].site == site)
            return only_grows(&series[i]);
    return false;
}

static size_t grown_bytes(const struct series *one)
{
    return one->bytes - one->first_bytes;
}

static bool is_rate_known(const struct series *one)
{
    return tty_attended && timer_ticks() - one->began >= TIMER_HZ;
}

/* Bytes a second, if that is known. */
static uint32_t rate(const struct series *one)
{
    uint32_t ticks = timer_ticks() - one->began;
    size_t grown = grown_bytes(one);

    return (uint32_t)(grown < UINT32_MAX / TIMER_HZ ? grown * TIMER_HZ / ticks
                                                    : grown / (ticks / TIMER_HZ));
}

/* In digits, or `unknown`. */
static const char *rate_text(const struct series *one, const char *unknown,
                             char text[TEXT_SIZE])
{
    strlcpy(text, unknown, TEXT_SIZE);
    if (is_rate_known(one))
        ksnprintf(text, TEXT_SIZE, "%u", (unsigned)rate(one));
    return text;
}

/* ---- leaks grow ------------------------------------------------------------------ */

/* First what only grows; then by how much it has grown. */
static bool ranks_before(const struct series *a, const struct series *b)
{
    if (only_grows(a) != only_grows(b))
        return only_grows(a);
    if (grown_bytes(a) != grown_bytes(b))
        return grown_bytes(a) > grown_bytes(b);
    return a < b;
}

/* The one that ranks behind that one (NULL: the first), or NULL. */
static const struct series *next_series(const struct series *previous)
{
    const struct series *best = NULL;

    for (const struct series *one = series; one < series + SERIES && one->site; one++)
        if ((previous == NULL || ranks_before(previous, one)) &&
            (best == NULL || ranks_before(one, best)))
            best = one;
    return best;
}

static void print_row(const struct series *one, bool first)
{
    char place[PLACE_SIZE], speed[TEXT_SIZE], grew[TEXT_SIZE];

    if (first)
        kprintf("                                      grew at\n"
                "    bytes objects     grown a second  samples   taken by\n");
    ksnprintf(grew, sizeof(grew), "%u of %u", (unsigned)one->grew, (unsigned)one->samples);
    kprint_wrapped(TAKER_COLUMN, "%9zu %7u %+9d %8s  %-8s  %s func:%s%s", one->bytes,
                   (unsigned)one->objects, (int)grown_bytes(one),
                   rate_text(one, "-", speed), grew,
                   site_place(one->site, place, sizeof(place)), site_function(one->site),
                   only_grows(one) ? ", only grows" : "");
}

static void print_row_json(const struct series *one)
{
    char place[PLACE_SIZE], speed[TEXT_SIZE];

    kprintf("{\"site\": ");
    json_string(site_place(one->site, place, sizeof(place)));
    kprintf(", \"func\": ");
    json_string(site_function(one->site));
    kprintf(", \"objects\": %u, \"bytes\": %zu, \"grown_objects\": %d, "
            "\"grown_bytes\": %zu, \"grew\": %u, \"samples\": %u, \"per_second\": %s, "
            "\"only_grows\": %s}\n", (unsigned)one->objects, one->bytes,
            (int)(one->objects - one->first_objects), grown_bytes(one),
            (unsigned)one->grew, (unsigned)one->samples, rate_text(one, "null", speed),
            only_grows(one) ? "true" : "false");
}

static void print_samples(unsigned grow)
{
    uint32_t seconds = (timer_ticks() - first_tick) / TIMER_HZ;
    char time[TEXT_SIZE] = "";

    if (tty_attended && seconds > 0)
        ksnprintf(time, sizeof(time), " in %u s", (unsigned)seconds);
    kprintf("%u sample%s%s, %u line%s only grow%s%s\n", (unsigned)sample, plural(sample),
            time, grow, plural(grow), grow == 1 ? "s" : "",
            sample < 3 ? ": it takes three (leaks mark, work, leaks mark, work)" : "");
}

static void print_all(bool json)
{
    unsigned rows = 0, grow = 0;

    for (const struct series *one = next_series(NULL); one != NULL && !shell_interrupted();
         one = next_series(one)) {
        grow += only_grows(one);
        if (json)
            print_row_json(one);
        else if (one->grew > 0)
            print_row(one, rows++ == 0);
    }
    if (json) {
        kprintf("{\"summary\": true, \"samples\": %u, \"growing\": %u, \"untold\": %u}\n",
                (unsigned)sample, grow, (unsigned)untold);
        return;
    }
    if (rows == 0)
        kprintf("nothing has grown\n");
    print_samples(grow);
    if (untold > 0)
        kprintf("%u more line%s found no place: there are %d\n", (unsigned)untold,
                plural(untold), SERIES);
}

void grow_print(void)
{
    const struct series *one = next_series(NULL);
    char place[PLACE_SIZE], speed[TEXT_SIZE] = "";
    unsigned lines = 0;

    for (const struct series *next = one; next != NULL && only_grows(next);
         next = next_series(next))
        lines++;
    if (lines == 0)
        return;
    site_place(one->site, place, sizeof(place));
    if (is_rate_known(one))
        ksnprintf(speed, sizeof(speed), ", by %u bytes a second", (unsigned)rate(one));
    if (lines == 1)
        kprint_wrapped(2, "what %s took only grows%s: leaks grow", place, speed);
    else
        kprint_wrapped(2, "what %u lines took only grows, first %s: leaks grow", lines,
                       place);
}

int leaks_grow(int argc, char **argv, bool json)
{
    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    grow_sample();
    print_all(json);
    return SHELL_OK;
}
