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
 * play.c begins and ends it, and cleans up.
 *
 * Predict, observe, explain: White and Gunstone, Probing Understanding (1992).
 */
#include "kernel/lessons/lesson.h"

#include "kernel/lessons/lesson_priv.h"
#include "kernel/line/readline.h"
#include "kernel/line/tty.h"
#include "kernel/memory/held.h"
#include "kernel/memory/stats.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"

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
    char line[LINE_SIZE] = "", *words[] = { line, NULL };
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
uint32_t lesson_draw(uint32_t *random, uint32_t low, uint32_t high)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return low + *random % (high - low + 1);
}

uint32_t lesson_number(struct lesson_run *run, uint32_t low, uint32_t high)
{
    return lesson_draw(&run->random, low, high);
}

/* ---- the bag --------------------------------------------------------------------- */

static void repeat(char *text, char c, unsigned n)
{
    memset(text, c, n);
    text[n] = 0;
}

/*
 * Each marble in the bag is one of BAG_WIDTH parts of memory, or less; outside, an object that
 * was taken since this lesson began, by whomever.
 */
void lesson_bag(const struct lesson_run *run)
{
    char in[BAG_WIDTH + 1], out[FEW + 1];
    const struct mm_stats *before = &run->before;
    struct mm_stats now;
    unsigned full, more;
    size_t bytes;

    stats_get(&now);
    full = now.total_pages == 0 ? 0 :
           (now.free_pages * BAG_WIDTH + now.total_pages - 1) / now.total_pages;
    more = now.live_objects > before->live_objects ? now.live_objects - before->live_objects : 0;
    bytes = now.live_bytes > before->live_bytes ? now.live_bytes - before->live_bytes : 0;
    repeat(in, 'o', full < BAG_WIDTH ? full : BAG_WIDTH);
    repeat(out, 'o', more < FEW ? more : FEW);
    kprintf("  the bag  (%-*s)  %u kB free\n", BAG_WIDTH, in,
            (unsigned)now.free_pages * (PAGE_SIZE / 1024));
    kprintf("  outside   %s%s\n", out, more > FEW ? " ..." : "");
    kprint_wrapped(0, "  since the lesson began: %u taken - %u given back = %u out, %zu byte%s",
                   (unsigned)(now.kmallocs - before->kmallocs),
                   (unsigned)(now.kfrees - before->kfrees), more, bytes, plural(bytes));
}

/* ---- asking ---------------------------------------------------------------------- */

static bool is_unknown(const char *answer)
{
    return answer[0] == 0 || strcmp(answer, "?") == 0;
}

static bool is_number(const char *answer, uint64_t *number)
{
    return parse_size(answer, number) && *number <= UINT32_MAX;
}

/* Of a choice its letter, or any word; else a number.  False: that was said. */
static bool is_answer(const struct lesson_run *run, const char *answer)
{
    uint64_t number;

    if (is_unknown(answer) || run->kind == LESSON_WORD)
        return true;
    if (run->kind == LESSON_NUMBER && is_number(answer, &number))
        return true;
    if (run->kind == LESSON_NUMBER) {
        kprintf("  a number, such as 100, or ? (Enter alone): I do not know\n");
        return false;
    }
    if (answer[1] == 0 && (answer[0] | 0x20) >= 'a' &&
        (answer[0] | 0x20) < 'a' + (int)run->choices)
        return true;
    kprintf("  one of the letters a %s %c, or ? (Enter alone): I do not know\n",
            run->choices == 2 ? "or" : "to", 'a' + (int)run->choices - 1);
    return false;
}

/* Without the blanks around it. */
static void trim(char *text)
{
    size_t first = 0, end = strlen(text);

    while (end > 0 && text[end - 1] == ' ')
        text[--end] = 0;
    while (text[first] == ' ')
        first++;
    memmove(text, text + first, end + 1 > first ? end + 1 - first : 1);
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

static void print_question(struct lesson_run *run, const char *text, const char *choices)
{
    kprintf("\n");
    kprint_wrapped(3, "%u. %s", run->asked + 1, text);
    run->choices = print_choices(choices);
}

/* Who sits there is asked until it is one; ! tries, if there is what; Ctrl-C leaves. */
static bool take_typed(struct lesson_run *run, const char *text, const char *choices)
{
    char *answer = run->answers[run->asked];

    while (readline("  your guess> ", answer, LESSON_ANSWER_SIZE)) {
        shell_page_anew();
        trim(answer);
        if (run->then != NULL && strcmp(answer, "!") == 0) {
            lesson_try(run->then);
            print_question(run, text, choices);
        } else if (is_answer(run, answer)) {
            return true;
        }
        if (shell_interrupted())
            break;
    }
    run->left = true;
    return false;
}

/* One that came with the command; false: it cannot be one of this question. */
static bool take_given(struct lesson_run *run)
{
    const char *answer = run->answers[run->asked];
    void (*filter)(const char *, size_t) = kprintf_filter;

    kprintf("  your guess> %s\n", answer);
    if (is_answer(run, answer))
        return true;
    run->stopped = true;
    kprintf_filter = run->json ? NULL : filter;
    kprintf(run->json ? "{\"error\": \"question %u has no such answer\"}\n"
                      : "Stopped at question %u: it has no such answer.\n", run->asked + 1);
    kprintf_filter = filter;
    return false;
}

/* The answer to question number run->asked. */
static bool take_answer(struct lesson_run *run, const char *text, const char *choices)
{
    if (run->asked < run->given) {
        if (!take_given(run))
            return false;
    } else if (!tty_attended || run->json) {
        run->answers[run->asked][0] = 0;
    } else if (!take_typed(run, text, choices)) {
        return false;
    }
    run->asked++;
    return true;
}

/* A mistake of the lesson's author. */
static void complain(const struct lesson_run *run, const char *what)
{
    void (*filter)(const char *, size_t) = kprintf_filter;

    kprintf_filter = NULL;
    kprintf(run->json ? "{\"error\": \"question %u: %s\"}\n" : "lesson: question %u: %s\n",
            run->asked, what);
    kprintf_filter = filter;
}

void lesson_check_told(struct lesson_run *run)
{
    if (run->told < run->asked)
        complain(run, "no lesson_is() stands behind it, so it does not count");
    run->told = run->asked;
}

/* False: there is no question that what is said now belongs to. */
static bool begin_telling(struct lesson_run *run)
{
    if (run->told == run->asked) {
        complain(run, "lesson_is() stands behind no question of its own");
        return false;
    }
    run->told = run->asked;
    return true;
}

static bool ask(struct lesson_run *run, enum lesson_kind kind, const char *choices,
                const char *fmt, va_list args)
{
    char text[TEXT_SIZE] = "";  /* all of it: what is tried may scan, and this is its stack */

    if (run->asked == LESSON_QUESTIONS)
        return false;
    lesson_check_told(run);
    run->left = shell_interrupted();    /* q, or Ctrl-C, at what was shown */
    if (run->left)
        return false;
    kvsnprintf(text, sizeof(text), fmt, args);
    run->kind = kind;
    print_question(run, text, choices);
    return take_answer(run, text, choices);
}

bool lesson_ask(struct lesson_run *run, const char *fmt, ...)
{
    va_list args;
    bool answered;

    va_start(args, fmt);
    answered = ask(run, LESSON_NUMBER, "", fmt, args);
    va_end(args);
    return answered;
}

bool lesson_choose(struct lesson_run *run, const char *choices, const char *fmt, ...)
{
    va_list args;
    bool answered;

    va_start(args, fmt);
    answered = ask(run, LESSON_CHOICE, choices, fmt, args);
    va_end(args);
    return answered;
}

bool lesson_ask_word(struct lesson_run *run, const char *fmt, ...)
{
    va_list args;
    bool answered;

    va_start(args, fmt);
    answered = ask(run, LESSON_WORD, "", fmt, args);
    va_end(args);
    return answered;
}

/* ---- comparing ------------------------------------------------------------------- */

static bool is_right(const struct lesson_run *run, const char *answer, uint32_t measured)
{
    uint64_t said;

    if (is_unknown(answer))
        return false;
    if (run->kind == LESSON_CHOICE)
        return (uint32_t)((answer[0] | 0x20) - 'a') == measured;
    return is_number(answer, &said) && said == measured;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The length of the word, if the text begins with it, in large letters or small ones. */
static size_t begins_with(const char *text, const char *word)
{
    size_t n = 0;

    while (word[n] != 0 && lower(text[n]) == lower(word[n]))
        n++;
    return word[n] == 0 ? n : 0;
}

/* Is it one of "kmemleak|leaks"? */
static bool is_one_of(const char *answer, const char *words)
{
    if (strchr(answer, '|') != NULL)
        return false;
    for (const char *at = words; at != NULL; at = strchr(at, '|')) {
        size_t length;

        at += *at == '|';
        length = begins_with(at, answer);
        if (length > 0 && (at[length] == 0 || at[length] == '|'))
            return true;
    }
    return false;
}

static void print_row(const struct lesson_run *run, const char *answer, const char *is,
                      bool right)
{
    void (*filter)(const char *, size_t) = kprintf_filter;

    kprintf_filter = NULL;
    kprintf("{\"lesson\": \"%s\", \"seed\": ", run->lesson->name);
    json_string(run->seed);
    kprintf(", \"question\": %u, ", run->asked);
    if (run->about != NULL)
        kprintf("\"about\": \"%s\", ", run->about);
    kprintf("\"said\": ");
    json_string(answer);
    kprintf(", \"is\": \"%s\", \"right\": %s}\n", is, right ? "true" : "false");
    kprintf_filter = filter;
}

static void tell(struct lesson_run *run, const char *is, bool right)
{
    const char *answer = run->answers[run->asked - 1];

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

/* It came to nothing that the question has: there was no memory for it, or no record. */
static bool is_measured(const struct lesson_run *run, uint32_t measured)
{
    return measured != LESSON_NOT_NOW &&
           (run->kind != LESSON_CHOICE || measured < run->choices);
}

void lesson_is(struct lesson_run *run, uint32_t measured, const char *fmt, ...)
{
    char is[LESSON_ANSWER_SIZE];
    va_list args;

    if (!begin_telling(run))
        return;
    if (run->kind == LESSON_CHOICE)
        ksnprintf(is, sizeof(is), "%c", 'a' + (int)measured);
    else
        ksnprintf(is, sizeof(is), "%u", (unsigned)measured);
    if (is_measured(run, measured))
        tell(run, is, is_right(run, run->answers[run->asked - 1], measured));
    else
        kprintf("-> it cannot be measured now.\n");
    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
}

void lesson_is_word(struct lesson_run *run, const char *words, const char *fmt, ...)
{
    const char *answer, *end = strchr(words, '|');
    char is[LESSON_ANSWER_SIZE];
    va_list args;

    if (!begin_telling(run))
        return;
    answer = run->answers[run->asked - 1];
    ksnprintf(is, sizeof(is), "%.*s", (int)(end != NULL ? (size_t)(end - words)
                                                        : strlen(words)), words);
    tell(run, is, !is_unknown(answer) && is_one_of(answer, words));
    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
}
