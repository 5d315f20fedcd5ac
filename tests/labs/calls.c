/*
 * calls.c - functions of known length, called in each way that there is, to be traced.
 *
 *     calls count         a leaf of 103 instructions, twice, in one of 10 more and theirs
 *     calls deep N        a recursion
 *     calls jumps         one that goes on to another by a jump, and loops to its begin;
 *                         one that is a ret alone
 *     calls stack         two on a stack of the lab's own
 *     calls sleep N       one that waits so many ticks
 *     calls spin          a leaf, for ever
 *     calls ends [N]      one that never returns: it faults in its second callee, N deep
 *     calls first         one that faults in its very first instruction
 *     calls back          one that shows the calls that led to it
 *     calls int3          a breakpoint of nobody
 */
#include "kernel/backtrace.h"
#include "kernel/cpu/timer.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"

/* Nothing but these instructions: the last is its ret, or a jump. */
#define INSTRUCTIONS(name, ...)                                               \
    static __attribute__((naked, noinline, used)) void name(__VA_ARGS__)

INSTRUCTIONS(known_leaf, void)
{
    __asm__("pushl %ebp; movl %esp, %ebp; .rept 99; nop; .endr; popl %ebp; ret");
}

INSTRUCTIONS(known_twice, void)
{
    __asm__("pushl %ebp; movl %esp, %ebp; pushl %ebx; call known_leaf; nop;"
            "call known_leaf; popl %ebx; nop; popl %ebp; ret");
}

INSTRUCTIONS(jumps_on, void) { __asm__("testl %esp, %esp; jmp known_leaf"); }
INSTRUCTIONS(loops_to_its_begin, uint32_t n) { __asm__("1: decl %eax; jnz 1b; ret"); }
INSTRUCTIONS(reads_first, uintptr_t at) { __asm__("movl (%eax), %eax; ret"); }
INSTRUCTIONS(just_returns, void) { __asm__("ret"); }
INSTRUCTIONS(waits_for_an_interrupt, void) { __asm__("sti; hlt; ret"); }
INSTRUCTIONS(cannot_be, void) { __asm__("jmp known_leaf"); }

static volatile uint32_t sum;
static volatile uintptr_t near_null = 16;

static __attribute__((noinline)) void deep(uint32_t n)
{
    if (n > 1)
        deep(n - 1);
    sum += n;
}

/* Its name fills a row, when it is deep enough. */
static __attribute__((noinline)) void deep_and_with_a_name_as_long_as_few_are(uint32_t n)
{
    if (n > 1)
        deep_and_with_a_name_as_long_as_few_are(n - 1);
    else
        *(volatile uint32_t *)near_null = 1;
    sum += n;
}

static __attribute__((noinline)) void faults(void)
{
    known_leaf();
    *(volatile uint32_t *)near_null = 1;
}

static __attribute__((noinline)) void calls_what_faults(void)
{
    faults();
    sum++;
}

static __attribute__((used)) uint32_t own_stack[256];

static __attribute__((noinline, used)) void on_own_stack(void)
{
    known_leaf();
    sum++;
}

INSTRUCTIONS(goes_to_own_stack, void)
{
    __asm__("pushl %ebp; movl %esp, %ebp; leal own_stack + 1024, %esp; call on_own_stack;"
            "movl %ebp, %esp; popl %ebp; ret");
}

static __attribute__((noinline)) void sleeps(uint32_t n)
{
    uint32_t begin = timer_ticks();

    while (timer_ticks() - begin < n)
        waits_for_an_interrupt();
}

static void spin(void)
{
    kprintf("spins\n");
    for (;;)
        known_leaf();
}

static __attribute__((noinline)) void shows_calls(void)
{
    backtrace_print();
    sum++;
}

static __attribute__((noinline)) void calls_one_that_shows(void)
{
    shows_calls();
    sum++;
}

static int cmd_calls(int argc, char **argv)
{
    uint32_t n = 0;

    if (argc < 2 || (argc > 2 && !shell_number(argv[2], "N", &n)))
        return SHELL_USAGE;
    if (strcmp(argv[1], "count") == 0)
        known_twice();
    if (strcmp(argv[1], "deep") == 0)
        deep(n);
    if (strcmp(argv[1], "jumps") == 0) {
        jumps_on();
        loops_to_its_begin(5);
        cannot_be();
        just_returns();
    }
    if (strcmp(argv[1], "ends") == 0)
        n > 0 ? deep_and_with_a_name_as_long_as_few_are(n) : calls_what_faults();
    if (strcmp(argv[1], "stack") == 0)
        goes_to_own_stack();
    if (strcmp(argv[1], "sleep") == 0)
        sleeps(n);
    if (strcmp(argv[1], "spin") == 0)
        spin();
    if (strcmp(argv[1], "first") == 0)
        reads_first(near_null);
    if (strcmp(argv[1], "back") == 0)
        calls_one_that_shows();
    if (strcmp(argv[1], "int3") == 0)
        __asm__ volatile("int3");
    return SHELL_OK;
}
SHELL_COMMAND(calls, "count|deep N|jumps|ends [N]|stack|sleep N|spin|first|back|int3",
              "calls to be traced",
              cmd_calls);
