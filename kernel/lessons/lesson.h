/*
 * lesson.h - a lesson that asks before it shows: see lesson.c.
 *
 *     static void sizes(struct lesson_run *run)
 *     {
 *         uint32_t size = lesson_number(run, 97, 120);
 *
 *         lesson_say("Ask for %u bytes ...", (unsigned)size);
 *         if (!lesson_ask(run, "How many bytes may you use?"))
 *             return;
 *         lesson_do("kmalloc %u", (unsigned)size);
 *         lesson_is(run, measured(), "Requests are rounded up ...");
 *     }
 *     LESSON(2, sizes, "Marbles come in sizes", "one gets what one asks for",
 *            "kmalloc 97; slabinfo", sizes);
 *
 * at file scope of any file of the kernel, or of a lab.  The comment at the top of the file
 * is its handout.
 */
#ifndef KERNEL_LESSONS_LESSON_H
#define KERNEL_LESSONS_LESSON_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/printk.h"

struct lesson_run;

struct lesson {
    unsigned number;            /* the order in which they are told */
    const char *name;
    const char *title;
    const char *belief;         /* which it ends: "one gets what one asks for" */
    const char *then;           /* commands to try behind it, in lines */
    void (*run)(struct lesson_run *run);
    const char *file;           /* __FILE__: of the handout */
} __attribute__((aligned(32)));

#define LESSON(number_, name_, title_, belief_, then_, run_)                    \
    static const struct lesson lesson_of_##name_ __attribute__((section("lessons"), used)) = \
        { number_, #name_, title_, belief_, then_, run_, __FILE__ }

enum { LESSON_SEED_SIZE = 32 };         /* with its 0 */

/*
 * One of low .. high, by the seed: another one at each call, the same in each run.  A lab draws
 * without a run: from a number of its own, which lesson_random_of() begins.
 */
uint32_t lesson_number(struct lesson_run *run, uint32_t low, uint32_t high);
uint32_t lesson_random_of(const char *seed);
uint32_t lesson_draw(uint32_t *random, uint32_t low, uint32_t high);

/* A paragraph, in rows of 80 columns. */
void lesson_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * A question whose answer is a number; or the letter of one of these ("NULL|what it was|
 * something else").  False: the student leaves; return then.
 */
bool lesson_ask(struct lesson_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool lesson_choose(struct lesson_run *run, const char *choices, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * What is right, of the last question: the number that was measured, or of a choice which
 * (0: the first); and why.  LESSON_NOT_NOW, or a choice that there is not: it could not be
 * measured, which is said, and does not count.
 */
#define LESSON_NOT_NOW UINT32_MAX
void lesson_is(struct lesson_run *run, uint32_t measured, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* One whose answer is a word: any of these ("kmemleak|leaks"), of which the first is told. */
bool lesson_ask_word(struct lesson_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
void lesson_is_word(struct lesson_run *run, const char *words, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Show the line and run it, as if it were typed; its status, which is none of the lesson's. */
int lesson_do(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The $number that the next pointer gets which the shell holds. */
unsigned lesson_next_pointer(void);

/* The bag, as the counters have it now: how full it is, and what is out since the begin. */
void lesson_bag(const struct lesson_run *run);

#endif
