/*
 * places.c - calls whose places a backtrace must tell: one command each word.
 *
 *     marbles> place call
 *
 * The lines that are asked for have a comment, by which the test finds them.
 */
#include "kernel/backtrace.h"
#include "kernel/shell.h"
#include "kernel/string.h"

#define PLACE __attribute__((noinline)) static void

PLACE place_call(void)
{
    kprintf("__FILE__ %s\n", __FILE__);
    backtrace_print();                  /* a call */
    kprintf("behind it\n");             /* where it returns to */
}

static inline __attribute__((always_inline)) void inner(void)
{
    backtrace_print();                  /* an inlined call */
}

PLACE place_inlined(void)
{
    inner();
    kprintf("behind it\n");
}

/*
 * What ends hlt finds as the next instruction the first of another function, which has no
 * frame.
 */
void place_wait(void);
__asm__(".text\n"
        ".globl place_wait\n"
        ".type place_wait, @function\n"
        "place_wait: sti\n"
        "hlt\n"
        ".size place_wait, . - place_wait\n"
        ".type place_first, @function\n"
        "place_first: ret\n"
        ".size place_first, . - place_first\n");

PLACE place_interrupt(void)
{
    kprintf("until Ctrl-C\n");
    while (!shell_interrupted())
        place_wait();                   /* interrupted there */
}

static const struct {
    const char *name;
    void (*fn)(void);
} places[] = {
    { "call", place_call },
    { "inlined", place_inlined },
    { "interrupt", place_interrupt },
};

static int cmd_place(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(places) / sizeof(places[0]); i++)
        if (strcmp(argv[1], places[i].name) == 0) {
            places[i].fn();             /* from the table */
            return SHELL_OK;
        }
    return shell_usage("one KIND of place");
}

SHELL_COMMAND(place, "KIND", "a backtrace from there", cmd_place);
