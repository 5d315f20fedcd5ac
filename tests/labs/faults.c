/*
 * faults.c - the mistakes that a CPU notices, one command each word.
 *
 *     marbles> fault null-read
 *
 * Each mistake has a function of its own, never inlined, so that the report can be
 * held against its name.  `volatile` and the empty asm keep the compiler from
 * seeing the mistake, for it would leave it out.
 */
#include "kernel/image.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define FAULT __attribute__((noinline)) static void

/* A pointer that the compiler knows nothing about. */
static volatile int *hidden(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile int *)address;
}

FAULT fault_divide(void)
{
    int low = 1, high = 0;

    __asm__ volatile("idivl %2" : "+a"(low), "+d"(high) : "r"(0) : "cc");
}

FAULT fault_opcode(void)
{
    __asm__ volatile("ud2");
}

FAULT fault_null_read(void)
{
    kprintf("%d\n", *hidden(0));
}

FAULT fault_null_write(void)
{
    *hidden(8) = 1;
}

FAULT fault_null_call(void)
{
    ((void (*)(void))(uintptr_t)hidden(0))();
    kprintf("it came back\n");
}

FAULT fault_zero_size(void)
{
    *hidden((uintptr_t)kmalloc(0, GFP_KERNEL)) = 1;
}

FAULT fault_text_write(void)
{
    *hidden((uintptr_t)text_start) = 1;
}

FAULT fault_assert(void)
{
    KASSERT(*hidden((uintptr_t)text_start) == 0);
}

__attribute__((noinline)) static int fault_stack(int depth)
{
    volatile char room[512];

    room[0] = (char)depth;
    return depth < 0 ? 0 : fault_stack(depth + 1) + room[0];
}

FAULT fault_stack_overflow(void)
{
    kprintf("%d\n", fault_stack(0));
}

static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
    { "divide", fault_divide },
    { "opcode", fault_opcode },
    { "null-read", fault_null_read },
    { "null-write", fault_null_write },
    { "null-call", fault_null_call },
    { "zero-size", fault_zero_size },
    { "text-write", fault_text_write },
    { "assert", fault_assert },
    { "stack", fault_stack_overflow },
};

static int cmd_fault(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strcmp(argv[1], faults[i].name) == 0) {
            faults[i].make();
            kprintf("nothing happened\n");
            return SHELL_FAILED;
        }
    return shell_usage("one KIND of fault");
}

SHELL_COMMAND(fault, "KIND", "make a mistake that the CPU notices", cmd_fault);
