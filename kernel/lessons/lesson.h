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
#include "mm/mm.h"

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

/* The answers of a whole quiz are words of one line, of which there are 32 (MAX_WORDS). */
enum { LESSON_QUESTIONS = 28, LESSON_ANSWER_SIZE = 24, LESSON_SEED_SIZE = 32 };

enum lesson_kind { LESSON_NUMBER, LESSON_CHOICE, LESSON_WORD };

/* One under way.  Who only draws numbers, as a lab does, sets `random`, and nothing else. */
struct lesson_run {
    const struct lesson *lesson;
    const char *seed;
    uint32_t random;            /* of the seed */
    /* What was answered, and by whom: the first `given` came with the command. */
    char answers[LESSON_QUESTIONS][LESSON_ANSWER_SIZE];
    unsigned given, asked, right, shown;
    unsigned told;              /* of which question it was said what is right, the last */
    bool json, left;
    bool paged;                 /* a screen at a time, from lesson_prepare() to lesson_end() */
    bool stopped;               /* by a word that cannot be the answer that it came as */
    struct mm_stats before;     /* the heap when it began: what it takes is counted from there */
    enum lesson_kind kind;      /* of the last question, */
    unsigned choices;           /*   and how many letters it has */
    const char *about;          /*   and in a quiz its name */
    const char *then;           /* what ! tries, or NULL */
};

/* What a run of that seed begins with, `random`: all that lesson_number needs. */
uint32_t lesson_random_of(const char *seed);

/* One of low .. high, by the seed: another one at each call, the same in each run. */
uint32_t lesson_number(struct lesson_run *run, uint32_t low, uint32_t high);

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
