/*
 * chart.c - watch chart KEY CMD: a number of a listing, over time.
 *
 *     CMD -j --> kprintf_filter = take: "free_kb": 13052 --> sample[] --> rows
 *
 *          13140 |*                       a column a sample, the newest at the right;
 *          12264 | |                      a step that is longer than a row is joined
 *          11388 | **                     by a line
 *            ... |   *
 *
 * Every listing has -j, so every number that the kernel tells can be drawn.  The lowest
 * row is 0, the highest the most of what is shown: what looks like nothing is nothing.
 *
 * What the command prints is not stored: the key is looked for as it comes by.  Numbers
 * beyond 32 bits are taken for the largest that there is.
 */
#include "kernel/shell/chart.h"

#include "kernel/shell.h"
#include "kernel/shell/words.h"
#include "kernel/string.h"

enum { SAMPLES = 60, ROWS = 16, BAR = 60, LABEL = 10 };

static struct chart {
    const char *key;
    uint32_t sample[SAMPLES];
    unsigned count;             /* of all since it began; the last SAMPLES are kept */
} chart;

/* ---- the number, as it comes by ----------------------------------------------------- */

static struct search {
    unsigned matched;           /* so much of "KEY": and a blank has come by */
    enum { NO_NUMBER, AT_NUMBER, IN_NUMBER, IS_FOUND } state;
    uint32_t value;
} search;

static uint32_t swallowed;

uint32_t chart_swallowed(void)
{
    return swallowed;
}

/* Of "KEY": and a blank; 0 is behind it. */
static char pattern(unsigned i)
{
    size_t length = strlen(chart.key);

    if (i == 0)
        return '"';
    return i <= length ? chart.key[i - 1] : i < length + 4 ? "\": "[i - length - 1] : 0;
}

static void look_for_key(char c)
{
    search.matched = c == pattern(search.matched) ? search.matched + 1 : c == '"';
    if (pattern(search.matched) == 0)
        search = (struct search){ .state = AT_NUMBER };
}

static void read_number(char c)
{
    if (c >= '0' && c <= '9') {
        uint32_t digit = (uint32_t)(c - '0');

        search.state = IN_NUMBER;
        search.value = search.value > (UINT32_MAX - digit) / 10 ? UINT32_MAX
                                                                : search.value * 10 + digit;
    } else {
        search.state = search.state == IN_NUMBER ? IS_FOUND : NO_NUMBER;
    }
}

static void take(const char *text, size_t length)
{
    swallowed++;
    for (; length > 0 && search.state != IS_FOUND; length--, text++)
        if (search.state == NO_NUMBER)
            look_for_key(*text);
        else
            read_number(*text);
}

/* ---- drawn ---------------------------------------------------------------------------- */

static unsigned shown_samples(void)
{
    return chart.count < SAMPLES ? chart.count : SAMPLES;
}

/* The i-th of those that are shown, from the oldest on. */
static uint32_t sample(unsigned i)
{
    return chart.sample[(chart.count - shown_samples() + i) % SAMPLES];
}

static uint32_t most(void)
{
    uint32_t most = 0;

    for (unsigned i = 0; i < shown_samples(); i++)
        if (sample(i) > most)
            most = sample(i);
    return most;
}

/* What a row, or a sign of a bar, stands for, so that the most is among so many. */
static uint32_t step(unsigned count)
{
    return most() / count + 1;
}

static bool is_between(unsigned row, unsigned a, unsigned b)
{
    return (row > a && row < b) || (row > b && row < a);
}

/* Row 0 is the lowest: values from 0 to below a step. */
static char sign_at(unsigned i, unsigned row, uint32_t step)
{
    unsigned now = sample(i) / step;
    unsigned before = i > 0 ? sample(i - 1) / step : now;

    return now == row ? '*' : is_between(row, now, before) ? '|' : ' ';
}

static void draw_row(unsigned row, uint32_t step)
{
    char text[SAMPLES + 1];
    unsigned end = 0;

    for (unsigned i = 0; i < shown_samples(); i++) {
        text[i] = sign_at(i, row, step);
        if (text[i] != ' ')
            end = i + 1;
    }
    kprintf("%*u |%.*s\n", LABEL, (unsigned)(row * step), (int)end, text);
}

static void draw(const char *command)
{
    uint32_t height = step(ROWS);

    kprintf("%s of %s: %u, of %u sample%s\n", chart.key, command,
            (unsigned)sample(shown_samples() - 1), chart.count, plural(chart.count));
    for (unsigned row = ROWS; row-- > 0; )
        draw_row(row, height);
}

/* Time goes down; the scale is that of the rows so far. */
static void draw_bar(void)
{
    uint32_t value = sample(shown_samples() - 1);

    kprintf("%*u |", LABEL, (unsigned)value);
    for (uint32_t i = value / step(BAR); i > 0; i--)
        kprintf("#");
    kprintf("\n");
}

/* ---- taking --------------------------------------------------------------------------- */

void chart_begin(const char *key)
{
    chart = (struct chart){ .key = key };
}

/* With -j behind it; one word may be a whole line. */
static int run_with_json(int argc, char **argv)
{
    char json[] = "-j", line[MAX_TEXT], *words[MAX_WORDS + 1];

    for (int i = 0; i < argc; i++)
        words[i] = argv[i];
    words[argc] = json;
    if (argc > 1)
        return shell_run_words(argc + 1, words);
    ksnprintf(line, sizeof(line), "%s -j", argv[0]);
    return shell_run(line);
}

/* What it prints goes to the search alone. */
static int run(int argc, char **argv)
{
    void (*filter)(const char *text, size_t length) = kprintf_filter;
    int status;

    search = (struct search){ .state = NO_NUMBER };
    kprintf_filter = take;
    status = run_with_json(argc, argv);
    kprintf_filter = filter;
    return status;
}

/* If there never was one the key is wrong; else it may come again. */
static int say_there_is_none(const char *command)
{
    if (chart.count == 0)
        return shell_usage("KEY: \"%s\" is no number in what %s -j prints", chart.key,
                           command);
    kprintf("%s -j has no number \"%s\" now\n", command, chart.key);
    return SHELL_FAILED;
}

int chart_take(int argc, char **argv, bool as_row)
{
    int status = run(argc, argv);

    if (status == SHELL_USAGE || status == SHELL_UNKNOWN)
        return shell_run_words(argc, argv);     /* it says what is wrong */
    if (search.state != IS_FOUND)
        return say_there_is_none(argv[0]);
    chart.sample[chart.count++ % SAMPLES] = search.value;
    if (as_row)
        draw_bar();
    else
        draw(argv[0]);
    return status;
}
