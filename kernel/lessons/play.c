/*
 * play.c - from the begin to the end of a lesson, or of a quiz.
 *
 *     words       whose numbers, and the answers that come with the command
 *     begin       it runs, told or, with -j, only counted
 *     clean up    the heap is as before: what was taken since is given back, lost or not,
 *                 and dials are what they were; if anything is left (nothing is recorded)
 *                 that is said
 *     end         the status: with answers, whether they are right
 */
#include "kernel/lessons/lesson_priv.h"
#include "kernel/memory/held.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/scan/scan.h"
#include "mm/slab.h"

enum { NEARLY_NONE = 64 };              /* pages */

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

/* FNV-1a, as in http://www.isthe.com/chongo/tech/comp/fnv/; xorshift knows no 0. */
uint32_t lesson_random_of(const char *seed)
{
    uint32_t hash = 2166136261u;

    for (; *seed != 0; seed++)
        hash = (hash ^ (uint8_t)*seed) * 16777619u;
    return hash != 0 ? hash : 1;
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

static void clean_up(const struct before *before)
{
    struct mm_stats stats;

    shell_put_back_dials();
    take_back(before->stats.last_serial);
    held_rewind(before->newest);
    stats_get(&stats);
    if (stats.live_objects > before->stats.live_objects)
        lesson_say("%u objects that this lesson has taken are still out.",
                   (unsigned)(stats.live_objects - before->stats.live_objects));
    held_set_last(before->last);
}

void lesson_begin(struct lesson_run *run)
{
    void (*filter)(const char *, size_t) = kprintf_filter;
    struct before before;

    run->random = lesson_random_of(run->seed);
    if (run->json)
        kprintf_filter = drop;
    remember(&before);
    if (before.stats.free_pages < NEARLY_NONE)
        lesson_say("Nearly no memory is left, and things will fail that should not.  After "
                   "`reboot` there is.");
    run->lesson->run(run);
    clean_up(&before);
    kprintf_filter = filter;
}

void lesson_try(const char *line)
{
    struct before before;

    remember(&before);
    lesson_do("%s", line);
    clean_up(&before);
}

int lesson_end(const struct lesson_run *run, bool judged)
{
    shell_meant_reports();
    if (run->json) {
        kprintf("{\"summary\": true, \"lesson\": \"%s\", \"seed\": ", run->lesson->name);
        json_string(run->seed);
        kprintf(", \"right\": %u, \"of\": %u}\n", run->right, run->shown);
    }
    if (run->given > run->asked && !run->left)
        return shell_usage("%u answers, but there are %u questions", run->given, run->asked);
    return run->left || (judged && run->right < run->shown) ? SHELL_FAILED : SHELL_OK;
}
