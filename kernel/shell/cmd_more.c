/*
 * cmd_more.c - more: what a command prints, one screen at a time.
 *
 *     kprintf --> kprintf_filter = page --> console
 *                                    |
 *                                    +-- a screen is full: -- more -- and a key
 *
 * The command waits where it prints, so its output may be as long as it likes and
 * nothing has to be stored.  q drops the rest, and tells the command that it
 * may stop, as Ctrl-C does.  Text is no answer: it is the next line, typed ahead, so the
 * rest is shown without a question, and the prompt gets it whole.
 *
 * The log is paged as well, and so are reports: the report of a fault when it is over.
 *
 * A command may page what it prints itself, and say where a new screen begins: a lesson does,
 * at each question.
 *
 * Only for somebody who sits at a terminal that told its height: otherwise, and with
 * -j, the command just runs.
 */
#include <limits.h>

#include "kernel/console.h"
#include "kernel/line/tty.h"
#include "kernel/shell.h"
#include "kernel/string.h"

static const char *const question = "-- more: space, Enter (a line) or q --";

static struct pager {
    unsigned rows, column;      /* since the last key */
    unsigned limit;             /* rows to show before the next one */
    enum sequence sequence;
} pager;

/* A row for the question, and one for a last line that is longer than a row. */
static unsigned screenful(void)
{
    return tty.height - 2;
}

static bool begins_a_line(int key)
{
    return key > ' ' && key <= '~' && key != 'q' && key != 'Q';
}

/* Text that will be wiped: behind it the row is as fresh as it was. */
static void put(const char *text)
{
    console_control(text, strlen(text));
}

static void ask(void)
{
    put(tty.mono ? "" : "\x1b[7m");
    put(question);
    put(tty.mono ? "" : "\x1b[m");
    terminal_ask(&tty);                 /* the window may have changed */

    int key = tty_key(TTY_FOR_EVER);

    while (key == KEY_NONE && !console_interrupted())
        key = tty_key(TTY_FOR_EVER);
    put("\r\x1b[K");
    pager.rows = 0;
    pager.limit = key == KEY_CR || key == KEY_LF || key == KEY_DOWN ? 1
                  : begins_a_line(key) ? UINT_MAX : screenful();
    if (begins_a_line(key))
        tty_give_back(key);
    shell_unwanted = key == 'q' || key == 'Q' || key == KEY_ESCAPE || key == KEY_CTRL_C;
}

/* The row that the character ends, or that is full with it. */
static void count(char c)
{
    if (terminal_in_sequence(&pager.sequence, c))
        return;
    if (c == '\n' || pager.column == tty.width) {
        pager.rows++;
        pager.column = 0;
    }
    if (c != '\n')
        pager.column++;
}

static void page(const char *text, size_t length)
{
    if (pager.column != 0 && !console_line_is_begun())
        count('\n');                    /* somebody else has ended it */
    for (; length > 0 && !shell_interrupted(); length--, text++) {
        if (pager.rows >= pager.limit && pager.column == 0)
            ask();                      /* the question is wiped: not inside a line */
        if (shell_interrupted())
            return;
        console_write(text, 1);
        count(*text);
    }
}

bool shell_page_begin(void)
{
    if (!tty_attended || tty.height <= 2 || kprintf_filter != NULL)
        return false;
    pager = (struct pager){ .limit = screenful() };
    kprintf_filter = kprintf_pager = page;
    return true;
}

void shell_page_anew(void)
{
    pager = (struct pager){ .limit = pager.limit == UINT_MAX ? UINT_MAX : screenful() };
}

void shell_page_end(void)
{
    printk_hold(true);                  /* what of the log waits */
    kprintf_filter = NULL;
    shell_unwanted = false;
}

static bool is_for_a_program(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-j") == 0)
            return true;
    return false;
}

static int cmd_more(int argc, char **argv)
{
    if (argc < 2)
        return shell_usage("CMD is missing");

    bool paged = !is_for_a_program(argc, argv) && shell_page_begin();
    int status = shell_run_words(argc - 1, argv + 1);

    if (paged)
        shell_page_end();
    return status;
}

SHELL_COMMAND_IN("system", more, "CMD ...", "what CMD prints, one screen at a time",
    "Space shows the next screen, Enter the next line, q leaves out the rest.\n"
    "Not for a script: that somebody sits there shows in a pause while typing, so a\n"
    "line that is pasted before anything was typed runs through.\n"
    "    more slabinfo\n"
    "    more \"slabinfo; params\"",
    cmd_more);
