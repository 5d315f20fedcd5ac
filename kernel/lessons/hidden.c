/*
 * hidden.c - lesson 10: hard to find.
 *
 * A server takes a job for each request, and gives it back.  Two lines of it are
 * wrong.  One forgets a job, now and then.  The other keeps each answer on a list,
 * of which nobody ever takes one off.  Both eat memory.  There are four ways to
 * look, of which each knows another part of it:
 *
 *     kmemleak, leaks  what nothing points to: the first, and never the second
 *     parameters       page_owner=on, slub_debug=U: with the calls that led there;
 *                      failslab= to try the paths where memory is short
 *     ftrace           trace: each allocation and free, in their order
 *     one's own code   an observer of 20 lines: it counts what each line has out
 *
 * Try it
 *     lesson hidden YOURNAME
 *     leaks mark; guests 500; leaks since         the same with your eyes
 *     leaks grow                                  what only ever grows
 *
 * Questions
 *   1. The list is reachable.  Is it a leak?  What do users of the machine say?
 *   2. Which of the four would you leave on in a machine that works for others?
 *   3. The observer must not allocate.  Why?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "mm/look/observe.h"
#include "mm/scan/scan.h"
#include "mm/slab.h"

enum { REQUESTS = 1000, JOB = 72, ANSWER = 40 };

struct answer {
    struct answer *next;
    char text[ANSWER];
};

static struct answer *answers;          /* it only grows */
static uint32_t forgets_each, keeps_each;

static __attribute__((noinline)) void serve_one(uint32_t number)
{
    char *job = kzalloc(JOB, GFP_KERNEL);
    struct answer *answer = kzalloc(sizeof(*answer), GFP_KERNEL);

    if (answer != NULL && number % keeps_each == 0) {
        answer->next = answers;
        answers = answer;
    } else {
        kfree(answer);
    }
    if (number % forgets_each != 0)
        kfree(job);
}

/* ---- debug code of one's own: so many of each line are out --------------------------- */

enum { LINES = 2 };

static struct {
    const struct alloc_site *site;
    int out;
} lines[LINES];

static void count(const struct mm_event *event, void *unused)
{
    (void)unused;
    if (event->site == NULL || (event->kind != MM_ALLOCATED && event->kind != MM_FREEING))
        return;
    for (unsigned n = 0; n < LINES && event->kind == MM_ALLOCATED; n++)
        if (lines[n].site == NULL || lines[n].site == event->site) {
            lines[n].site = event->site;
            lines[n].out++;
            return;
        }
    if (event->kind == MM_FREEING)
        lines[event->bytes == JOB ? 0 : 1].out--;
}

static struct mm_observer observer = { .saw = count };

/* ---- the lesson ---------------------------------------------------------------------- */

static void drop_answers(void)
{
    while (answers != NULL) {
        struct answer *next = answers->next;

        kfree(answers);
        answers = next;
    }
}

static bool ask_scan(struct lesson_run *run)
{
    const struct mm_scan *scan = mm_scan_last();

    lesson_say("A server answers %u requests.  It forgets one job in %u, and keeps one answer in "
               "%u on a list, for ever.", REQUESTS, (unsigned)forgets_each, (unsigned)keeps_each);
    if (!lesson_ask(run, "How many objects does `leaks` name as lost?"))
        return false;
    mm_observe(&observer);
    for (uint32_t n = 1; n <= REQUESTS; n++)
        serve_one(n);
    mm_unobserve(&observer);
    lesson_do("leaks");
    lesson_is(run, scan->objects[MM_DEFINITE] + scan->objects[MM_INDIRECT],
              "The jobs.  The answers hang on a list, and are not lost to a scan.");
    return true;
}

static bool ask_growth(struct lesson_run *run)
{
    if (!lesson_choose(run, "kmemleak|a list of live objects by line|both|neither",
                       "By which is the list of answers found, that only ever grows?"))
        return false;
    lesson_do("allocinfo");
    lesson_is(run, 1, "Counting by line finds what is out, whether or not it is lost.  "
              "`leaks since` and `leaks grow` look which of it became more.");
    return true;
}

static void ask_observer(struct lesson_run *run)
{
    if (!lesson_ask(run, "An observer has counted meanwhile, 20 lines of one's own code.  How many "
                    "answers, by its count, are out?"))
        return;
    kprintf("observer: %d jobs and %d answers are out\n", lines[0].out, lines[1].out);
    lesson_is(run, (uint32_t)lines[1].out,
              "Code of one's own knows what no tool does: what was meant.  It is in "
              "kernel/lessons/hidden.c, count().");
}

static void hidden(struct lesson_run *run)
{
    forgets_each = lesson_number(run, 60, 200);
    keeps_each = lesson_number(run, 20, 50);
    lines[0] = lines[1] = (typeof(lines[0])){ NULL, 0 };
    if (ask_scan(run) && ask_growth(run))
        ask_observer(run);
    drop_answers();
}

LESSON(10, hidden, "Hard to find", "kmemleak finds every growth",
       "leaks mark; guests 500; guests leave; leaks since", hidden);
