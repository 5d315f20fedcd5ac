/*
 * hurt_shell.c - commands within commands, their words, the kernel's own calls, and the
 * ports of the devices.
 */
#include "drivers/io.h"
#include "kernel/line/readline.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "tests/labs/hurt.h"

/* ---- commands within commands --------------------------------------------------- */

HURT(runs_itself) { shell_run("hurt runs_itself"); }
HURT(runs_itself_by_more) { shell_run("more more more hurt runs_itself_by_more"); }
HURT(run_null) { shell_run(hidden(0)); }
HURT(run_wild) { shell_run(hidden(0xdeadbeef)); }
HURT(run_without_function) { shell_run("no_function"); }
HURT(exit_odd) { shell_run("exit 99"); shell_run("exit -1"); }

static void run_many(char c)
{
    char *line = kmalloc(100000, GFP_KERNEL);

    memset(line, c, 99999);
    line[99999] = 0;
    shell_run(line);
    kfree(line);
}

HURT(run_long) { run_many('a'); }
HURT(run_empty_many) { run_many(';'); }

SHELL_COMMAND(no_function, "", "a command that has no function", NULL);

/* ---- words ---------------------------------------------------------------------- */

static int read_words(int argc, char **argv)
{
    for (int i = 0; i < argc + 40; i++)
        kprintf("%d %p %s\n", i, (void *)argv[i], argv[i]);
    return SHELL_OK;
}

static int write_words(int argc, char **argv)
{
    hurt_fill(argv[argc - 1], 600, 'A');
    argv[0] = NULL;
    return SHELL_OK;
}

static int return_odd(int argc, char **argv)
{
    return argv[argc] == NULL ? 0x12345678 : SHELL_OK;
}

SHELL_COMMAND(read_words, "", "read past the words", read_words);
SHELL_COMMAND(write_words, "", "write past the words", write_words);
SHELL_COMMAND(return_odd, "", "return what is no status", return_odd);

HURT(words_read) { shell_run("read_words"); }
HURT(words_written) { shell_run("write_words"); }
HURT(status_odd) { shell_run("return_odd"); }

/* ---- readline ------------------------------------------------------------------- */

HURT(readline_null) { readline("null> ", hidden(0), 10); }

HURT(readline_nested)
{
    char line[10];

    readline("more> ", line, sizeof(line));
}

HURT(readline_no_room)
{
    char line[1];

    readline("zero> ", line, 0);
}

/* ---- last words ----------------------------------------------------------------- */

HURT(panics) { panic("a student's panic: %d", 5); }
HURT(asserts) { KASSERT(hurt_sink == 1 && "a text, \"quoted\", and 100% of it"); }

HURT(panics_at_length)
{
    char text[600];

    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    panic("%s", text);
}

/* ---- devices -------------------------------------------------------------------- */

enum { UART = 0x3f8, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4 };
enum { KEYBOARD = 0x64, TEST_EXIT = 0xf4 };

HURT(keyboard_reset) { outb(KEYBOARD, 0xfe); }

HURT(read_ports)
{
    for (uint16_t port = 0; port < 0x400; port++)
        if (port != TEST_EXIT)
            hurt_sink = inb(port);
}

HURT(uart_divisor_latch) { outb(UART + UART_LCR, 0x80); }
HURT(uart_no_interrupts) { outb(UART + UART_IER, 0); }
HURT(uart_no_interrupts_loop) { uart_no_interrupts(); for (;;) hurt_sink++; }
HURT(uart_all_interrupts_loop) { outb(UART + UART_IER, 0x0f); for (;;) hurt_sink++; }
HURT(uart_divisor_latch_loop) { uart_divisor_latch(); for (;;) hurt_sink++; }
HURT(uart_loopback) { outb(UART + UART_MCR, 0x1b); }
HURT(uart_no_fifo) { outb(UART + UART_FCR, 0); }
HURT(uart_break) { outb(UART + UART_LCR, 0x43); }

HURT(uart_slow)
{
    outb(UART + UART_LCR, 0x83);
    outb(UART, 0xff);
    outb(UART + UART_IER, 0xff);
    outb(UART + UART_LCR, 3);
}

const struct hurt_way hurt_shell[] = {
    WAY(runs_itself), WAY(runs_itself_by_more), WAY(run_null), WAY(run_wild),
    WAY(run_without_function), WAY(exit_odd), WAY(run_long), WAY(run_empty_many),
    WAY(words_read), WAY(words_written), WAY(status_odd), WAY(readline_null),
    WAY(readline_nested), WAY(readline_no_room), WAY(panics), WAY(asserts),
    WAY(panics_at_length), WAY(keyboard_reset), WAY(read_ports),
    WAY(uart_divisor_latch), WAY(uart_no_interrupts), WAY(uart_no_interrupts_loop),
    WAY(uart_all_interrupts_loop), WAY(uart_divisor_latch_loop), WAY(uart_loopback),
    WAY(uart_no_fifo), WAY(uart_break), WAY(uart_slow), { NULL, NULL },
};
