/*
 * chart.c - watch chart KEY CMD: a number of a listing, over time.
 *
 *     CMD -j --> kprintf_filter = take: "free_kb": 13052 --> sample[] --> rows
 *
 *          13140 |*                       a column a sample, the newest at the right;
 *          12264 | |                      a step that is longer than a row is joined
 *          11388 | **                     by a line
 *            ... |   *
 *                a column is 1 s, the newest at the right
 *
 * A row has what is nearest to the number beside it.  The lowest is 0, and the highest the
 * most of what is shown, to within half a step: what looks like nothing is nothing.
 *
 * Every listing has -j, so every number that the kernel tells can be drawn.  Which there are
 * is told for a key that none has: those of numbers in its first row.
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
    uint32_t seconds;           /* from one sample to the next */
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

/* ---- the keys of numbers, for who has asked for another one ------------------------- */

enum { KEY_SIZE = 32, KEYS_SIZE = 600 };

static struct keys {
    char word[KEY_SIZE];        /* the last one in quotes */
    unsigned length;
    bool is_inside;             /* of quotes */
    char last;                  /* that is no blank */
    bool is_over;               /* the first row has ended */
    char found[KEYS_SIZE];      /* "total_kb free_kb" */
} keys;

static void add_key(void)
{
    size_t used = strlen(keys.found);

    keys.word[keys.length] = 0;
    ksnprintf(keys.found + used, sizeof(keys.found) - used, "%s%s", used > 0 ? " " : "",
              keys.word);
}

static void look_for_keys(char c)
{
    bool is_begin = c == '"' && !keys.is_inside;

    if (keys.last == ':' && c >= '0' && c <= '9' && !keys.is_inside)
        add_key();
    if (is_begin)
        keys.length = 0;
    else if (keys.is_inside && c != '"' && keys.length + 1 < KEY_SIZE)
        keys.word[keys.length++] = c;
    if (c == '"' && keys.last != '\\')
        keys.is_inside = !keys.is_inside;
    keys.last = c != ' ' ? c : keys.last;
    keys.is_over = c == '\n';
}

static void take_keys(const char *text, size_t length)
{
    swallowed++;
    for (; length > 0 && !keys.is_over; length--, text++)
        look_for_keys(*text);
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

/* What a sign of a bar stands for, so that the most has so many. */
static uint32_t step(unsigned count)
{
    return most() / count + 1;
}

/* From one row to the next: the most is in the highest. */
static uint32_t height_of_rows(void)
{
    uint32_t least = most() / (ROWS - 1) + (most() % (ROWS - 1) != 0);

    return least > 0 ? least : 1;
}

static bool is_between(unsigned row, unsigned a, unsigned b)
{
    return (row > a && row < b) || (row > b && row < a);
}

/* The row whose label is nearest; 0 is the lowest.  Half a step is added without overflow. */
static unsigned row_of(uint32_t value, uint32_t step)
{
    return value / step + (value % step > step / 2);
}

static char sign_at(unsigned i, unsigned row, uint32_t step)
{
    unsigned now = row_of(sample(i), step);
    unsigned before = i > 0 ? row_of(sample(i - 1), step) : now;

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
    uint32_t height = height_of_rows();

    kprintf("%s of %s: %u, of %u sample%s\n", chart.key, command,
            (unsigned)sample(shown_samples() - 1), chart.count, plural(chart.count));
    for (unsigned row = ROWS; row-- > 0; )
        draw_row(row, height);
    kprintf("%*s  a column is %u s, the newest at the right\n", LABEL, "",
            (unsigned)chart.seconds);
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

void chart_begin(const char *key, uint32_t seconds)
{
    chart = (struct chart){ .key = key, .seconds = seconds };
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

/* What it prints goes there alone. */
static int run(int argc, char **argv, void (*taker)(const char *text, size_t length))
{
    void (*filter)(const char *text, size_t length) = kprintf_filter;
    int status;

    kprintf_filter = taker;
    status = run_with_json(argc, argv);
    kprintf_filter = filter;
    return status;
}

/* If there never was one the key is wrong, and which there are is told; else it may come. */
static int say_there_is_none(int argc, char **argv)
{
    if (chart.count > 0) {
        kprintf("%s -j has no number \"%s\" now\n", argv[0], chart.key);
        return SHELL_FAILED;
    }
    keys = (struct keys){ .length = 0 };
    run(argc, argv, take_keys);
    shell_usage("KEY: \"%s\" is no number in what %s -j prints", chart.key, argv[0]);
    if (keys.found[0] != 0)
        kprint_wrapped(2, "these are: %s", keys.found);
    return SHELL_USAGE;
}

int chart_take(int argc, char **argv, bool as_row)
{
    int status;

    search = (struct search){ .state = NO_NUMBER };
    status = run(argc, argv, take);

    if (status == SHELL_USAGE || status == SHELL_UNKNOWN)
        return shell_run_words(argc, argv);     /* it says what is wrong */
    if (search.state != IS_FOUND)
        return say_there_is_none(argc, argv);
    chart.sample[chart.count++ % SAMPLES] = search.value;
    if (as_row)
        draw_bar();
    else
        draw(argv[0]);
    return status;
}
