/*
 * play.c - from the begin to the end of a lesson, or of a quiz.
 *
 *     words       whose numbers, and the answers that come with the command
 *     prepare     dials are as at a fresh boot, and those that were not wait until it is over;
 *                 with too little memory it refuses
 *     begin       it runs, told or, with -j, only counted
 *     clean up    the heap is as before: what was taken since is given back, lost or not,
 *                 and dials are what they were; if anything is left (a quiz without records)
 *                 that is said
 *     end         the status: with answers, whether they are right
 */
#include "kernel/lessons/lesson_priv.h"
#include "kernel/memory/held.h"
#include "kernel/memory/report.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/scan/scan.h"
#include "mm/slab.h"

enum { NEEDED_KB = 1024, WHY_SIZE = 200, DIALS_SIZE = 200 };

static const char *const usual_seed = "class";

/* ---- words ------------------------------------------------------------------------- */

bool lesson_add_answer(struct lesson_run *run, const char *answer)
{
    if (run->given == LESSON_QUESTIONS || strlen(answer) >= LESSON_ANSWER_SIZE)
        return false;
    strlcpy(run->answers[run->given++], answer, LESSON_ANSWER_SIZE);
    return true;
}

int lesson_take_words(struct lesson_run *run, int argc, char **argv)
{
    run->seed = argc > 0 ? argv[0] : usual_seed;
    if (strlen(run->seed) >= LESSON_SEED_SIZE)
        return shell_usage("SEED: \"%s\" is too long", run->seed);
    for (int i = 1; i < argc; i++)
        if (!lesson_add_answer(run, argv[i]))
            return shell_usage("ANSWER: \"%s\" is too long, or one too many", argv[i]);
    return SHELL_OK;
}

const char *lesson_quote(const char *word)
{
    return strchr(word, ' ') != NULL ? "\"" : "";
}

/* FNV-1a, as in http://www.isthe.com/chongo/tech/comp/fnv/; xorshift knows no 0. */
uint32_t lesson_random_of(const char *seed)
{
    uint32_t hash = 2166136261u;

    for (; *seed != 0; seed++)
        hash = (hash ^ (uint8_t)*seed) * 16777619u;
    return hash != 0 ? hash : 1;
}

/* ---- refusing ------------------------------------------------------------------------ */

/* As JSON, or as a sentence; false. */
static bool refuse(const struct lesson_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool refuse(const struct lesson_run *run, const char *fmt, ...)
{
    char why[WHY_SIZE];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (run->json) {
        kprintf("{\"error\": ");
        json_string(why);
        kprintf("}\n");
    } else {
        kprint_wrapped(0, "%s: %s", shell_running->name, why);
    }
    return false;
}

/* Is all here that it takes to measure anything? */
static bool can_run(const struct lesson_run *run, bool rested)
{
    struct mm_stats stats;
    unsigned free_kb;

    mm_reclaim();
    stats_get(&stats);
    free_kb = (unsigned)stats.free_pages * (PAGE_SIZE / 1024);
    if (free_kb < NEEDED_KB)
        return refuse(run, "it needs %u kB of memory, and %u kB are free; what is lost only "
                      "`reboot` brings back", NEEDED_KB, free_kb);
    if (!rested)
        return refuse(run, "red zones stand around objects that are still out, and with them it "
                      "would measure something else: give these back, or `reboot`");
    return true;
}

bool lesson_has_records(const struct lesson_run *run)
{
    return mm_records || refuse(run, "kmemleak=off keeps no records, so it can neither find what "
                                "is lost nor give back what it takes: boot without it");
}

/* ---- begin and end ------------------------------------------------------------------ */

static void drop(const char *text, size_t length)
{
    (void)text, (void)length;
}

/* What a lesson has lost on purpose it has no pointer to: the records have. */
static void take_back(uint32_t began)
{
    struct mm_live live;
    struct mm_what what;

    for (uintptr_t from = 0; mm_scan_next(from, &live); from = live.start + 1) {
        if (live.serial <= began)
            continue;
        mm_what_is((const void *)live.start, &what);
        if (what.kind == MM_USED_PAGES)
            free_pages(live.start, what.order);
        else
            kfree((void *)live.start);
    }
}

/* What there was before, and what the shell held. */
struct before {
    struct mm_stats stats;
    uint32_t newest, last;
};

static void remember(struct before *before)
{
    stats_get(&before->stats);
    before->newest = held_newest();
    before->last = held_last();
    shell_wipe_stack();
}

/* Before dials are put back: they may wait for objects. */
static void clean_up(const struct before *before)
{
    struct mm_stats stats;

    take_back(before->stats.last_serial);
    held_rewind(before->newest);
    stats_get(&stats);
    if (stats.live_objects > before->stats.live_objects)
        lesson_say("%u objects that this lesson has taken are still out.",
                   (unsigned)(stats.live_objects - before->stats.live_objects));
    held_set_last(before->last);
}

static void end_paging(struct lesson_run *run)
{
    if (run->paged)
        shell_page_end();
    run->paged = false;
}

bool lesson_prepare(struct lesson_run *run)
{
    char dials[DIALS_SIZE];
    bool rested = dials_rest(dials, sizeof(dials));

    if (!can_run(run, rested)) {
        shell_put_back_dials();
        return false;
    }
    run->paged = !run->json && shell_page_begin();
    if (dials[0] != 0 && !run->json)
        kprint_wrapped(0, "%s wait%s until the %s is over.", dials,
                       strstr(dials, ", ") == NULL ? "s" : "", shell_running->name);
    return true;
}

void lesson_begin(struct lesson_run *run)
{
    void (*filter)(const char *, size_t) = kprintf_filter;
    struct before before;

    run->random = lesson_random_of(run->seed);
    if (run->json)
        kprintf_filter = drop;
    remember(&before);
    run->before = before.stats;
    run->lesson->run(run);
    lesson_check_told(run);
    clean_up(&before);
    shell_put_back_dials();
    kprintf_filter = filter;
    if (run->left)
        end_paging(run);                /* what is said now is wanted */
}

void lesson_try(const char *line)
{
    char dials[DIALS_SIZE];
    struct before before;

    remember(&before);
    lesson_do("%s", line);
    clean_up(&before);
    dials_rest(dials, sizeof(dials));
}

int lesson_end(struct lesson_run *run, bool judged)
{
    end_paging(run);
    shell_meant_reports();
    if (run->json) {
        kprintf("{\"summary\": true, \"lesson\": \"%s\", \"seed\": ", run->lesson->name);
        json_string(run->seed);
        kprintf(", \"right\": %u, \"of\": %u}\n", run->right, run->shown);
    }
    if (run->stopped)
        return SHELL_USAGE;
    if (run->given > run->asked && !run->left)
        return shell_usage("%u answers, but there are %u questions", run->given, run->asked);
    return run->left || run->shown == 0 || (judged && run->right < run->shown) ? SHELL_FAILED
                                                                               : SHELL_OK;
}
