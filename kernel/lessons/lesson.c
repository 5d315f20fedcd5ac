/*
 * lesson.c - a lesson that asks before it shows.
 *
 *     say      what will happen
 *     ask      what will be seen?       the answer, before anything has happened
 *     do       it happens               the commands that a student would type
 *     is       what it was              measured, compared, and why
 *
 * No answer is written down anywhere: what is right is what was measured.  The numbers come
 * of a seed, which is the student's name, so everybody has his own, and the teacher runs the
 * same again.  Answers come with the command or, if somebody sits there, are asked for; Enter
 * alone, or ?, is "I do not know", and shows it all the same.
 *
 * Behind it the heap is as before: what was taken since is given back, lost or not, and dials
 * are what they were; if anything is left (nothing is recorded) that is said.
 *
 * Predict, observe, explain: White and Gunstone, Probing Understanding (1992).
 */
#include "kernel/lessons/lesson.h"

#include "kernel/lessons/lesson_priv.h"
#include "kernel/line/readline.h"
#include "kernel/line/tty.h"
#include "kernel/memory/held.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/scan/scan.h"
#include "mm/slab.h"

enum { TEXT_SIZE = 600, LINE_SIZE = 160, BAG_WIDTH = 46, FEW = 46, INDENT = 2 };

/* ---- telling --------------------------------------------------------------------- */

static void say(const char *fmt, va_list args)
{
    char text[TEXT_SIZE];

    kvsnprintf(text, sizeof(text), fmt, args);
    kprint_wrapped(INDENT, "%*s%s", INDENT, "", text);
}

void lesson_say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
}

int lesson_do(const char *fmt, ...)
{
    char line[LINE_SIZE], *words[] = { line, NULL };
    va_list args;

    va_start(args, fmt);
    kvsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    kprintf("> %s\n", line);           /* no prompt: a script may wait for that */
    shell_wipe_stack();
    return shell_try(1, words);
}

unsigned lesson_next_pointer(void)
{
    return held_newest() + 1;
}

/* xorshift32 (Marsaglia 2003). */
uint32_t lesson_number(struct lesson_run *run, uint32_t low, uint32_t high)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 17;
    run->random ^= run->random << 5;
    return low + run->random % (high - low + 1);
}

/* ---- the bag --------------------------------------------------------------------- */

static void repeat(char *text, char c, unsigned n)
{
    memset(text, c, n);
    text[n] = 0;
}

/* Each marble in the bag is one of BAG_WIDTH parts of memory; each outside is an object. */
void lesson_bag(void)
{
    char in[BAG_WIDTH + 1], out[FEW + 1];
    struct mm_stats stats;
    unsigned full;

    stats_get(&stats);
    full = stats.total_pages > 0 ? stats.free_pages * BAG_WIDTH / stats.total_pages : 0;
    repeat(in, 'o', full < BAG_WIDTH ? full : BAG_WIDTH);
    repeat(out, 'o', stats.live_objects < FEW ? stats.live_objects : FEW);
    kprintf("  the bag  (%-*s)  %u kB free\n", BAG_WIDTH, in,
            (unsigned)stats.free_pages * 4);
    kprintf("  outside   %s%s\n", out, stats.live_objects > FEW ? " ..." : "");
    kprintf("            %u taken - %u given back = %u out, %zu byte%s\n",
            (unsigned)stats.kmallocs, (unsigned)stats.kfrees, (unsigned)stats.live_objects,
            stats.live_bytes, plural(stats.live_bytes));
}

/* ---- asking ---------------------------------------------------------------------- */

static bool is_unknown(const char *answer)
{
    return answer[0] == 0 || strcmp(answer, "?") == 0;
}

/* Of a choice its letter; else a number, of which the shell says what is wrong. */
static bool is_answer(const struct lesson_run *run, const char *answer)
{
    uint32_t number;

    if (is_unknown(answer))
        return true;
    if (run->choices == 0)
        return shell_number(answer, "answer", &number);
    if (answer[1] == 0 && (answer[0] | 0x20) >= 'a' &&
        (answer[0] | 0x20) < 'a' + (int)run->choices)
        return true;
    kprintf("  one of the letters a %s %c, or ? (Enter alone): I do not know\n",
            run->choices == 2 ? "or" : "to", 'a' + (int)run->choices - 1);
    return false;
}

/* Who sits there is asked until it is one; Ctrl-C leaves. */
static bool take_typed(struct lesson_run *run, char *answer)
{
    do {
        if (!readline("  your guess> ", answer, LESSON_ANSWER_SIZE)) {
            run->left = true;
            return false;
        }
    } while (!is_answer(run, answer));
    return true;
}

/* The answer to question number run->asked; those that came with the command were tried. */
static bool take_answer(struct lesson_run *run)
{
    char *answer = run->answers[run->asked];

    if (run->asked < run->given) {
        if (!is_answer(run, answer))
            answer[0] = 0;
        kprintf("  your guess> %s\n", answer);
    } else if (!tty_attended || run->json) {
        answer[0] = 0;
    } else if (!take_typed(run, answer)) {
        return false;
    }
    run->asked++;
    return true;
}

static bool ask(struct lesson_run *run, const char *fmt, va_list args)
{
    char text[TEXT_SIZE];

    if (run->asked == LESSON_QUESTIONS)
        return false;
    kvsnprintf(text, sizeof(text), fmt, args);
    kprintf("\n");
    kprint_wrapped(3, "%u. %s", run->asked + 1, text);
    return true;
}

bool lesson_ask(struct lesson_run *run, const char *fmt, ...)
{
    va_list args;
    bool asked;

    va_start(args, fmt);
    asked = ask(run, fmt, args);
    va_end(args);
    run->choices = 0;
    return asked && take_answer(run);
}

/* One a line, with its letter; how many. */
static unsigned print_choices(const char *choices)
{
    unsigned count = 0;
    size_t length;

    for (const char *at = choices; *at != 0; at += length + (at[length] == '|')) {
        for (length = 0; at[length] != 0 && at[length] != '|'; )
            length++;
        kprint_wrapped(6, "   %c) %.*s", 'a' + (int)count++, (int)length, at);
    }
    return count;
}

bool lesson_choose(struct lesson_run *run, const char *choices, const char *fmt, ...)
{
    va_list args;
    bool asked;

    va_start(args, fmt);
    asked = ask(run, fmt, args);
    va_end(args);
    if (asked)
        run->choices = print_choices(choices);
    return asked && take_answer(run);
}

/* ---- comparing ------------------------------------------------------------------- */

static bool is_right(const struct lesson_run *run, const char *answer, uint32_t measured)
{
    uint32_t said;

    if (is_unknown(answer))
        return false;
    if (run->choices > 0)
        return (uint32_t)((answer[0] | 0x20) - 'a') == measured;
    return shell_number(answer, "answer", &said) && said == measured;
}

static void print_row(const struct lesson_run *run, const char *answer, const char *is,
                      bool right)
{
    void (*filter)(const char *, size_t) = kprintf_filter;

    kprintf_filter = NULL;
    kprintf("{\"lesson\": \"%s\", \"seed\": ", run->lesson->name);
    json_string(run->seed);
    kprintf(", \"question\": %u, \"said\": ", run->asked);
    json_string(answer);
    kprintf(", \"is\": \"%s\", \"right\": %s}\n", is, right ? "true" : "false");
    kprintf_filter = filter;
}

static void compare(struct lesson_run *run, uint32_t measured)
{
    const char *answer = run->answers[run->asked - 1];
    bool right = is_right(run, answer, measured);
    char is[LESSON_ANSWER_SIZE];

    ksnprintf(is, sizeof(is), run->choices > 0 ? "%c" : "%u",
              run->choices > 0 ? 'a' + measured : measured);
    run->right += right;
    run->shown++;
    if (run->json)
        print_row(run, answer, is, right);
    else if (is_unknown(answer))
        kprintf("-> it is %s.\n", is);
    else
        kprintf("-> you said %s, %s it is %s: %s.\n", answer, right ? "and" : "but", is,
                right ? "right" : "look again");
}

void lesson_is(struct lesson_run *run, uint32_t measured, const char *fmt, ...)
{
    va_list args;

    compare(run, measured);
    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
}

/* ---- from the begin to the end --------------------------------------------------- */

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

static void clean_up(const struct mm_stats *before, uint32_t newest)
{
    struct mm_stats stats;

    shell_put_back_dials();
    held_give_back(newest, before->last_serial);
    take_back(before->last_serial);
    stats_get(&stats);
    if (stats.live_objects > before->live_objects)
        lesson_say("%u objects that this lesson has taken are still out.",
                   (unsigned)(stats.live_objects - before->live_objects));
}

void lesson_begin(struct lesson_run *run)
{
    void (*filter)(const char *, size_t) = kprintf_filter;
    uint32_t newest = held_newest(), last = held_last();
    struct mm_stats before;

    stats_get(&before);
    if (run->json)
        kprintf_filter = drop;
    kprintf("Lesson %u: %s  (numbers of: %s)\n", run->lesson->number, run->lesson->title,
            run->seed);
    if (tty_attended && run->given == 0)
        kprintf("Guess before you look.  Enter alone: I do not know; Ctrl-C leaves.\n");
    kprintf("\n");
    shell_wipe_stack();
    run->lesson->run(run);
    clean_up(&before, newest);
    held_set_last(last);
    kprintf_filter = filter;
}
