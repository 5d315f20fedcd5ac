/*
 * fault.c - an exception in words: what was tried, and what lies there.
 *
 *     page fault: write to 0x00000010, which is not mapped
 *       ZERO_SIZE_PTR was used, which kmalloc(0) gives (or NULL + 16)
 *
 * It reads the CPU's words alone, and tables that nobody can write; so it can be believed
 * whatever else is broken.
 *
 * Error codes of page faults: SDM 3A, 4.7; exceptions: 6.15.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/image.h"
#include "kernel/memmap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"

enum { EXCEPTIONS = TRAP_FIRST_IRQ };
enum { PF_PRESENT = 1, PF_WRITE = 2, FIRST_MIB = 1 << 20 };

static const char *const names[EXCEPTIONS] = {
    "divide error: by zero, or the result is too large", "debug exception",
    "non-maskable interrupt", "breakpoint (int3), which nobody has set", "overflow",
    "bound range exceeded",
    "invalid opcode: the CPU knows no such instruction", "no coprocessor",
    "double fault", "coprocessor segment overrun", "invalid TSS",
    "segment not present", "stack segment fault", "general protection fault",
    "page fault", "exception 15", "x87 floating-point error", "alignment check",
    "machine check", "SIMD floating-point error", "virtualization exception",
    "control protection exception", "exception 22", "exception 23", "exception 24",
    "exception 25", "exception 26", "exception 27",
    "hypervisor injection exception", "VMM communication exception",
    "security exception", "exception 31",
};

/* At the prompt handlers run on the shell's, and a report has one of its own. */
static bool is_below_stack(uintptr_t addr, uintptr_t esp)
{
    return address_between(addr, command_stack_guard, command_stack) ||
           address_between(addr, report_stack_guard, report_stack) ||
           (address_between(addr, boot_stack_guard, boot_stack) &&
            address_between(esp, boot_stack_guard, boot_stack_top));
}

/* Above the stack of commands, and below the shell's, which esp is not on. */
static bool is_between_stacks(uintptr_t addr)
{
    return address_between(addr, boot_stack_guard, boot_stack);
}

/* In the first MiB, which nobody uses. */
static void explain_near_null(uintptr_t addr)
{
    if (addr == (uintptr_t)ZERO_SIZE_PTR)
        pr_emerg("  ZERO_SIZE_PTR was used, which kmalloc(0) gives (or NULL + 16)");
    else if (addr == 0)
        pr_emerg("  a NULL pointer was used: did an allocation fail, and nobody "
                 "check it?");
    else
        pr_emerg("  a NULL pointer was used, %u byte%s behind it: did an allocation "
                 "fail, and nobody check it?", (unsigned)addr, plural(addr));
}

static void explain_place(uintptr_t addr)
{
    const char *poison = mm_poison_name(addr);
    struct symbol symbol;

    if (poison != NULL)
        pr_emerg("  a pointer that was read from %s", poison);
    else if (symbol_find(addr, &symbol))
        pr_emerg("  there: %s, %s", memmap_region(addr), symbol.name);
    else
        pr_emerg("  there: %s", memmap_region(addr));
}

static bool explain_page_fault(uintptr_t addr, const struct trap_frame *frame,
                               uint32_t esp,
                               bool (*tell_fault)(uintptr_t, bool, uintptr_t))
{
    uint32_t error = frame->error, eip = frame->eip;
    bool told = tell_fault != NULL && !(error & PF_PRESENT) && addr >= FIRST_MIB &&
                tell_fault(addr, error & PF_WRITE, eip);
    const char *access = error & PF_WRITE ? "write to"
                         : addr == eip ? "execution of" : "read from";

    pr_emerg("page fault: %s 0x%08x, which is %s", access, (unsigned)addr,
             error & PF_PRESENT ? "read-only" : "not mapped");
    if (is_below_stack(addr, esp))
        pr_emerg("  stack overflow: this is the guard page below the stack");
    else if (is_between_stacks(addr))
        pr_emerg("  the guard page above the stack: was a local array overrun?");
    else if (addr < FIRST_MIB)
        explain_near_null(addr);
    else if (!told)
        explain_place(addr);
    return told;
}

/* A double fault: of the page fault whose report found no stack. */
bool fault_sets_cr2(const struct trap_frame *frame)
{
    return frame->vector == TRAP_PAGE_FAULT || frame->vector == TRAP_DOUBLE_FAULT;
}

bool fault_address(const struct trap_frame *frame, uintptr_t *addr)
{
    *addr = cpu_cr2();
    return frame->vector == TRAP_PAGE_FAULT;
}

/* The CPU could not push the first one: where it should have is where no stack is. */
static void explain_double_fault(uint32_t esp)
{
    uintptr_t addr = cpu_cr2();

    if (is_below_stack(addr, esp)) {
        pr_emerg("stack overflow: 0x%08x is in the guard page below the stack",
                 (unsigned)addr);
        return;
    }
    pr_emerg("double fault: a fault, and the stack to report it on is not there");
    pr_emerg("  esp is 0x%08x: %s", (unsigned)esp, memmap_region(esp));
}

bool fault_explain(const struct trap_frame *frame, uint32_t esp,
                   bool (*tell_fault)(uintptr_t addr, bool is_write, uintptr_t eip))
{
    uintptr_t addr = cpu_cr2();

    if (frame->vector == TRAP_PAGE_FAULT)
        return explain_page_fault(addr, frame, esp, tell_fault);
    if (frame->vector == TRAP_DOUBLE_FAULT)
        explain_double_fault(esp);
    else if (frame->vector == TRAP_NMI)
        pr_emerg("watchdog: no timer interrupt for 4 seconds; here it stands:");
    else if (frame->error != 0)
        pr_emerg("%s, error code 0x%x", names[frame->vector % EXCEPTIONS],
                 (unsigned)frame->error);
    else
        pr_emerg("%s", names[frame->vector % EXCEPTIONS]);
    return false;
}
