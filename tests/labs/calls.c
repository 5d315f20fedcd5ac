/*
 * calls.c - functions of known length, called in each way that there is, to be traced.
 *
 *     calls count         a leaf of 103 instructions, twice, in one of 10 more and theirs
 *     calls deep N        a recursion
 *     calls jumps         one that goes on to another by a jump, and loops to its begin
 *     calls ends          one that never returns: it faults in its second callee
 *     calls first         one that faults in its very first instruction
 *     calls back          one that shows the calls that led to it
 *     calls int3          a breakpoint of nobody
 */
#include "kernel/backtrace.h"
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
INSTRUCTIONS(cannot_be, void) { __asm__("jmp known_leaf"); }

static volatile uint32_t sum;
static volatile uintptr_t near_null = 16;

static __attribute__((noinline)) void deep(uint32_t n)
{
    if (n > 1)
        deep(n - 1);
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
    }
    if (strcmp(argv[1], "ends") == 0)
        calls_what_faults();
    if (strcmp(argv[1], "first") == 0)
        reads_first(near_null);
    if (strcmp(argv[1], "back") == 0)
        calls_one_that_shows();
    if (strcmp(argv[1], "int3") == 0)
        __asm__ volatile("int3");
    return SHELL_OK;
}
SHELL_COMMAND(calls, "count|deep N|jumps|ends|first|back|int3", "calls to be traced",
              cmd_calls);
