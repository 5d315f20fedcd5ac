/*
 * panic.c - the last words of the kernel: what, where, and by whose call.
 *
 *     page fault: write to 0x00000000, which is not mapped
 *       a NULL pointer was used: did an allocation fail, and nobody check it?
 *       in receive+0x1e/0x80
 *       in an interrupt handler
 *       eax 00000000  ebx ...
 *     called from:
 *       0x00103a51 tick+0x31/0x70
 *       ...
 *
 * Then the kernel stops.  With commands given by run= nobody is there to read and
 * to press keys, so QEMU is ended, with a status that no command gives.
 *
 * Rules:
 *   - a report believes nothing: what it reads lies on a known stack;
 *   - a fault inside a report ends it with one line; there is no third.
 *
 * Error codes of page faults: SDM 3A, 4.7; exceptions: 6.15.
 */
#include "kernel/panic.h"

#include "drivers/power.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/image.h"
#include "kernel/memmap.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"

enum { DOUBLE_FAULT = 8, PAGE_FAULT = 14, EXCEPTIONS = 32 };
enum { PF_PRESENT = 1, PF_WRITE = 2, FIRST_MIB = 1 << 20 };
enum { TEXT_SIZE = 80 };

static const char *const names[EXCEPTIONS] = {
    "divide error", "debug exception", "non-maskable interrupt", "breakpoint (int3)",
    "overflow", "bound range exceeded", "invalid opcode", "no coprocessor",
    "double fault", "coprocessor segment overrun", "invalid TSS",
    "segment not present", "stack segment fault", "general protection fault",
    "page fault", "exception 15", "x87 floating-point error", "alignment check",
    "machine check", "SIMD floating-point error", "virtualization exception",
    "control protection exception", "exception 22", "exception 23", "exception 24",
    "exception 25", "exception 26", "exception 27",
    "hypervisor injection exception", "VMM communication exception",
    "security exception", "exception 31",
};

static void (*tell_more)(void);

void panic_init(void (*fn)(void))
{
    tell_more = fn;
}

/* ---- stopping ------------------------------------------------------------ */

static void stop(void) __attribute__((noreturn));
static void stop(void)
{
    console_write("", 0);               /* the last line ends */
    if (params_run()[0] != 0)
        power_fail();
    pr_emerg("The kernel has stopped.%s%s", power_can_reboot() ? "  R restarts it" : "",
             cpu_is_qemu() ? "; in QEMU, Ctrl-A and then X leaves."
                           : power_can_reboot() ? "." : "");
    console_write("", 0);
    power_stop();
}

/* The first comer reports; the second is from inside a report, and is the last. */
static void begin(void)
{
    static unsigned depth;

    irq_disable();
    if (kprintf_filter != NULL)
        console_write("\x1b[J", 3);     /* watch overwrites: nothing old stays below */
    kprintf_filter = NULL;              /* last words go past more and watch */
    printk_hold(false);
    if (depth++ == 0) {
        console_fresh_line();
        return;
    }
    if (depth == 2)
        kprintf("\nanother fault while reporting this one\n");
    if (depth > 2)
        power_stop();
    stop();
}

/* ---- what ---------------------------------------------------------------- */

static bool is_guard_page(uint32_t addr)
{
    return address_between(addr, boot_stack_guard, boot_stack);
}

/* In the first MiB, which nobody uses. */
static void explain_near_null(uint32_t addr)
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

static void explain_page_fault(uint32_t addr, uint32_t eip, uint32_t error)
{
    const char *access = error & PF_WRITE ? "write to"
                         : addr == eip ? "execution of" : "read from";
    const char *poison = mm_poison_name(addr);
    struct symbol symbol;

    pr_emerg("page fault: %s 0x%08x, which is %s", access, (unsigned)addr,
             error & PF_PRESENT ? "read-only" : "not mapped");
    if (is_guard_page(addr))
        pr_emerg("  stack overflow: this is the guard page below the stack");
    else if (addr < FIRST_MIB)
        explain_near_null(addr);
    else if (poison != NULL)
        pr_emerg("  a pointer that was read from %s", poison);
    else if (symbol_find(addr, &symbol))
        pr_emerg("  there: %s, %s", memmap_region(addr), symbol.name);
    else
        pr_emerg("  there: %s", memmap_region(addr));
}

/* A stack overflow comes as a double fault: the CPU could not push the first one. */
static void explain(const struct trap_frame *frame)
{
    uint32_t addr = cpu_cr2();

    if (frame->vector == PAGE_FAULT)
        explain_page_fault(addr, frame->eip, frame->error);
    else if (frame->vector == DOUBLE_FAULT && is_guard_page(addr))
        pr_emerg("stack overflow: 0x%08x is in the guard page below the stack",
                 (unsigned)addr);
    else if (frame->error != 0)
        pr_emerg("%s, error code 0x%x", names[frame->vector % EXCEPTIONS],
                 (unsigned)frame->error);
    else
        pr_emerg("%s", names[frame->vector % EXCEPTIONS]);
}

/* ---- where --------------------------------------------------------------- */

static void print_state(void)
{
    if (tell_more != NULL)
        tell_more();
    if (mm_state & MM_IRQ)
        pr_emerg("  in an interrupt handler");
}

static void print_registers(const struct trap_frame *frame, uint32_t esp)
{
    pr_emerg("  eax %08x  ebx %08x  ecx %08x  edx %08x", (unsigned)frame->eax,
             (unsigned)frame->ebx, (unsigned)frame->ecx, (unsigned)frame->edx);
    pr_emerg("  esi %08x  edi %08x  ebp %08x  esp %08x", (unsigned)frame->esi,
             (unsigned)frame->edi, (unsigned)frame->ebp, (unsigned)esp);
    pr_emerg("  eip %08x  eflags %08x  cr2 %08x", (unsigned)frame->eip,
             (unsigned)frame->eflags, (unsigned)cpu_cr2());
}

void panic_exception(const struct trap_frame *frame, uint32_t esp)
{
    char text[TEXT_SIZE];

    begin();
    explain(frame);
    pr_emerg("  in %s", symbol_format(frame->eip, text, sizeof(text)));
    print_state();
    print_registers(frame, esp);
    kprintf("called from:\n");
    backtrace_print_from(frame->eip, esp, frame->ebp);
    stop();
}

/* ---- panic --------------------------------------------------------------- */

/* The registers that mean something here; the call itself has changed the others. */
static void print_own_registers(void)
{
    uint32_t ebx, esi, edi, ebp, esp;

    __asm__ volatile("movl %%ebx, %0" : "=m"(ebx));
    __asm__ volatile("movl %%esi, %0" : "=m"(esi));
    __asm__ volatile("movl %%edi, %0" : "=m"(edi));
    __asm__ volatile("movl %%ebp, %0" : "=m"(ebp));
    __asm__ volatile("movl %%esp, %0" : "=m"(esp));
    pr_emerg("  ebx %08x  esi %08x  edi %08x  ebp %08x  esp %08x", (unsigned)ebx,
             (unsigned)esi, (unsigned)edi, (unsigned)ebp, (unsigned)esp);
}

void panic(const char *fmt, ...)
{
    char text[2 * TEXT_SIZE];
    va_list args;

    begin();
    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pr_emerg("panic: %s", text);
    print_state();
    print_own_registers();
    kprintf("called from:\n");
    backtrace_print();
    stop();
}
