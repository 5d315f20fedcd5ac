/*
 * cmd_watch.c - watch, clear, history: what has to do with the screen and the keys.
 *
 *     every 1 s, q or Enter ends: meminfo          row 0, by cursor home
 *     MemTotal:         64104 kB                   as it was: nothing is sent
 *     MemFree:          63656 kB                   another one: it is written over, and
 *                                                  what is behind it erased: no flicker
 *
 * What stands in a row is known by a sum over its bytes (FNV-1a), of 32 bits.  If anything
 * else was printed meanwhile, nobody knows what stands where: then all is sent anew.
 *
 * A listing with more rows or longer ones than the screen is cut, for what scrolls
 * does not stay in place; the last row says what is.  A terminal that never told its
 * size gets the listings one below the other.  With nobody there (run=) watch runs its
 * command once.
 */
#include "kernel/console.h"
#include "kernel/cpu/timer.h"
#include "kernel/line/history.h"
#include "kernel/line/tty.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/shell/chart.h"
#include "kernel/string.h"

enum { MAX_SECONDS = 24 * 60 * 60, TEXT_SIZE = 80 };

/* ---- watch --------------------------------------------------------------- */

enum { ROW_SIZE = 512, MAX_ROWS = 200 };        /* beyond it is sent as it comes */

static struct frame {
    unsigned rows, column;
    unsigned long_rows;         /* that were cut at the right edge */
    unsigned width, height;     /* of the window, when it was shown */
    enum sequence sequence;
} frame;

static struct row {
    char text[ROW_SIZE];
    size_t length;
    bool is_begun;              /* the row has some that was sent before */
} row;                          /* the one that is being written */

static uint32_t on_screen[MAX_ROWS];    /* sums of what stands in each row; 0: unknown */
static bool is_chart;
static uint32_t writes, others; /* how often its output was taken; and others */

/* What was printed elsewhere since boot. */
static uint32_t printed_by_others(void)
{
    return tty_printed() - writes - chart_swallowed();
}

static uint32_t sum_of_row(void)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < row.length; i++)
        sum = (sum ^ (uint8_t)row.text[i]) * 16777619u;
    return row.is_begun || sum == 0 ? 0 : sum;
}

static void send_row(void)
{
    console_write(row.text, row.length);
    row.length = 0;
    row.is_begun = true;
}

/* Behind a full row the cursor still waits on its last column, which would be erased. */
static void end_row(void)
{
    uint32_t sum = sum_of_row();
    bool is_alone = printed_by_others() == others;
    bool is_known = frame.rows < MAX_ROWS && sum != 0 && is_alone;

    if (!is_known || on_screen[frame.rows] != sum) {
        send_row();
        if (frame.column < tty.width)
            console_write("\x1b[K", 3);
    }
    if (frame.rows < MAX_ROWS)
        on_screen[frame.rows] = sum;
    console_write("\n", 1);
}

static void begin_row(void)
{
    frame.rows++;
    frame.column = 0;
    row.length = 0;
    row.is_begun = false;
}

static void add_to_row(char c)
{
    if (row.length == ROW_SIZE)
        send_row();
    row.text[row.length++] = c;
}

static void show_in_place(const char *text, size_t length)
{
    writes++;
    for (; length > 0; length--, text++) {
        bool has_room = frame.rows + 1 < tty.height;

        if (*text == '\n') {
            if (has_room)
                end_row();
            begin_row();
        } else if (terminal_in_sequence(&frame.sequence, *text) ||
                   ++frame.column <= tty.width) {
            if (has_room)
                add_to_row(*text);
        } else if (frame.column == tty.width + 1) {
            frame.long_rows += has_room;
        }
    }
}

/* The last row of the screen is kept for this. */
static void show_what_is_cut(void)
{
    char text[TEXT_SIZE];
    unsigned below = frame.rows < tty.height ? 0 : frame.rows - (tty.height - 1);

    if (below == 0 && frame.long_rows == 0)
        return;
    ksnprintf(text, tty.width < TEXT_SIZE ? tty.width : TEXT_SIZE,
              "-- cut: %u row%s below, %u long row%s --", below, plural(below),
              frame.long_rows, plural(frame.long_rows));
    terminal_puts(&tty, text);
}

static void begin_frame(int argc, char **argv, uint32_t seconds)
{
    bool resized = tty.width != frame.width || tty.height != frame.height;

    if (resized || printed_by_others() != others)
        memset(on_screen, 0, sizeof(on_screen));
    others = printed_by_others();
    frame = (struct frame){ .width = tty.width, .height = tty.height };
    row = (struct row){ .length = 0 };
    terminal_puts(&tty, resized ? "\x1b[H\x1b[2J" : "\x1b[H");
    kprintf_filter = show_in_place;
    kprintf("every %u s, q or Enter ends:", (unsigned)seconds);
    for (int i = 0; i < argc; i++)
        kprintf(" %s", argv[i]);
    kprintf("\n");
}

/* What is below is erased.  The window may be another size by the next frame. */
static void end_frame(void)
{
    show_what_is_cut();
    terminal_puts(&tty, "\x1b[J");
    for (unsigned i = frame.rows; i < MAX_ROWS; i++)
        on_screen[i] = 0;
    terminal_ask(&tty);
}

static int run_once(int argc, char **argv, bool in_place)
{
    return is_chart ? chart_take(argc, argv, !in_place) : shell_run_words(argc, argv);
}

static int show_frame(int argc, char **argv, uint32_t seconds)
{
    bool in_place = tty.width != 0;

    if (in_place)
        begin_frame(argc, argv, seconds);

    int status = run_once(argc, argv, in_place);

    kprintf_filter = NULL;
    if (in_place)
        send_row();                     /* that has no newline */
    if (in_place && status != SHELL_FAULT)      /* a report stands there */
        end_frame();
    return status;
}

/* A key that begins the next line is for the prompt. */
static bool key_ends(uint32_t ticks)
{
    uint32_t begin = timer_ticks(), gone;
    int key = KEY_NONE;

    while (key == KEY_NONE && !shell_interrupted() &&
           (gone = timer_ticks() - begin) < ticks)
        key = tty_key(ticks - gone);
    tty_give_back(key);
    return key != KEY_NONE || shell_interrupted();
}

static int watch(int argc, char **argv, uint32_t seconds)
{
    int status;

    frame.width = 0;
    if (tty.width == 0)
        kprintf("every %u s, q or Enter ends\n", (unsigned)seconds);
    do
        status = show_frame(argc, argv, seconds);
    while (status != SHELL_USAGE && status != SHELL_UNKNOWN && status != SHELL_FAULT &&
           !shell_interrupted() && !key_ends(seconds * TIMER_HZ));
    if (tty.width != 0)
        kprintf("\n");                  /* behind the picture */
    return status;
}

static int cmd_watch(int argc, char **argv)
{
    uint64_t seconds;
    bool given = argc > 1 && parse_size(argv[1], &seconds);
    int first = given ? 2 : 1;

    if (!given)
        seconds = 1;
    is_chart = argc > first && strcmp(argv[first], "chart") == 0;
    if (is_chart && argc == first + 1)
        return shell_usage("KEY is missing");
    if (is_chart)
        chart_begin(argv[first + 1], (uint32_t)seconds);
    first += is_chart ? 2 : 0;
    if (argc <= first)
        return shell_usage("CMD is missing");
    if (seconds == 0 || seconds > MAX_SECONDS)
        return shell_usage("SECONDS: %s is not from 1 to %d", argv[1], MAX_SECONDS);
    if (!tty_attended || kprintf_filter != NULL)
        return run_once(argc - first, argv + first, false);
    return watch(argc - first, argv + first, (uint32_t)seconds);
}

SHELL_COMMAND_IN("system", watch, "[SECONDS] [chart KEY] CMD ...",
    "repeat a listing in place",
    "Every SECONDS (1), until q or Enter; what else is typed ends it as well and\n"
    "goes to the prompt.  In run= it runs once.\n"
    "    watch meminfo\n"
    "    watch 5 \"buddyinfo; slabinfo\"\n"
    "chart KEY: the number under that key in what CMD -j prints, as a line over time.\n"
    "    drain start 20; watch chart free_kb meminfo; drain stop",
    cmd_watch);

/* ---- clear, history ------------------------------------------------------ */

static int cmd_clear(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    if (tty_attended && !tty.dumb)
        terminal_puts(&tty, "\x1b[H\x1b[2J");
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", clear, "", "clear the screen", NULL, cmd_clear);

static int cmd_history(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    const struct history *history = readline_history();

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    for (unsigned back = HISTORY_LINES; back > 0; back--) {
        const char *line = history_line(history, back);

        if (line == NULL)
            continue;
        if (!json) {
            kprintf("%5u  %s\n", history->count - back + 1, line);
            continue;
        }
        kprintf("{\"number\": %u, \"line\": ", history->count - back + 1);
        json_string(line);
        kprintf("}\n");
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", history, "[-j]", "the lines typed before",
    "The last 64.  Up and Down bring them back, Ctrl-R looks for one.", cmd_history);
