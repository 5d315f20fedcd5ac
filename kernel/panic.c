/*
 * panic.c - reports that end a command, or the kernel: what, where, and by whose call.
 *
 *     page fault: write to 0x00000000, which is not mapped        fault.c
 *       a NULL pointer was used: did an allocation fail, and nobody check it?
 *       in receive+0x1e/0x80 (kernel/lessons/drain.c:60)
 *       in an interrupt handler
 *       eax 00000000  ebx ...
 *     called from:
 *       0x00103a51 tick+0x31/0x70 (kernel/cpu/timer.c:40)
 *       ...
 *       0x00523110: a live object: slot 2 ...                      whose address it was
 *
 *     exception, oops()   what is under guard ends (guard.h), and nothing else; if nothing
 *                         is, or with panic_on_oops=1, the kernel stops
 *     panic()             the kernel stops
 *
 * When it stops with commands given by run= nobody is there to read and to press keys, so
 * QEMU is ended, with a status that no command gives; with panic=N the machine starts again
 * after N seconds, as Linux does.
 *
 * Rules:
 *   - a report believes nothing: what it reads lies on a known stack;
 *   - a fault inside a report ends it with one line, and then what the report was to end;
 *     there is no third.
 */
#include "kernel/panic.h"

#include "drivers/pit.h"
#include "drivers/power.h"
#include "drivers/watchdog.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/image.h"
#include "kernel/lines.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { TEXT_SIZE = 80 };

static const struct panic_hooks *hooks;

void panic_init(const struct panic_hooks *given)
{
    hooks = given;
}

/* ---- parameters ------------------------------------------------------------------ */

static bool panic_on_oops, panic_on_warn;
static int restart_after;               /* seconds; 0: never, below: at once */

static bool set_flag(const char *value, bool *flag)
{
    *flag = strcmp(value, "1") == 0;
    return *flag || strcmp(value, "0") == 0;
}

static bool set_panic_on_oops(const char *value)
{
    return set_flag(value, &panic_on_oops);
}

static bool set_panic_on_warn(const char *value)
{
    return set_flag(value, &panic_on_warn);
}

static bool set_panic(const char *value)
{
    uint64_t seconds;
    bool at_once = value[0] == '-';

    if (!parse_size(value + at_once, &seconds) || seconds > 24 * 60 * 60)
        return false;
    restart_after = at_once ? -(int)seconds : (int)seconds;
    return true;
}

KERNEL_PARAM(panic_on_oops, "0|1", "stop at a fault, for GDB and dumps (0)",
             set_panic_on_oops);
KERNEL_PARAM(panic_on_warn, "0|1", "stop behind a BUG that was told (0)",
             set_panic_on_warn);
KERNEL_PARAM(panic, "SECONDS", "start again so long after a stop, -1: at once (0: never)",
             set_panic);

/* ---- stopping -------------------------------------------------------------------- */

static void restart(void) __attribute__((noreturn));
static void restart(void)
{
    if (restart_after > 0) {
        pr_emerg("The kernel has stopped.  It starts again in %d s.", restart_after);
        console_write("", 0);
        pit_start(TIMER_HZ);
        pit_wait((unsigned)restart_after * TIMER_HZ);
    }
    power_reboot();
}

/* By whose console it is read is not known: make gdb has set panic_on_oops. */
static void tell_ways_out(void)
{
    const char *leave = !cpu_is_qemu()  ? ""
                        : panic_on_oops ? "Ctrl-A X, or Ctrl-] (make gdb), leaves."
                                        : "in QEMU, Ctrl-A and then X leaves.";

    pr_emerg("The kernel has stopped.%s%s%s", power_can_reboot() ? "  R restarts it" : "",
             power_can_reboot() ? leave[0] != 0 ? "; " : "." : "  ", leave);
    console_write("", 0);
}

/* The report is out, and nothing is lost yet: make gdb has a breakpoint here. */
__attribute__((noinline)) void panic_stopped(void)
{
    __asm__ volatile("");
}

static void stop(void) __attribute__((noreturn));
static void stop(void)
{
    bool is_run = params_run()[0] != 0;

    console_write("", 0);               /* the last line ends */
    if (!is_run && restart_after == 0)
        tell_ways_out();
    panic_stopped();
    if (is_run)
        power_fail();
    if (restart_after != 0)
        restart();
    if (is_run)
        tell_ways_out();
    power_stop();
}

static unsigned reports;                /* under way */
static int loglevel_before;

/* Does something end by it, and not the kernel? */
static bool goes_on(void)
{
    return guard_is_on() && !panic_on_oops;
}

/* The report is over.  It returns if something is to be ended by it. */
static void end(void)
{
    reports = 0;
    console_loglevel = loglevel_before;
    printk_hold(guard_is_on());
    if (!goes_on())
        stop();
    watchdog_start();
}

/* Last words go past more and watch; muted: past what was not shown at all. */
static void take_console(bool muted)
{
    if (!muted && kprintf_filter != NULL && kprintf_filter != kprintf_pager)
        console_control("\x1b[J", 3);   /* watch overwrites: nothing old stays below */
    kprintf_filter = NULL;
    printk_hold(false);
}

/*
 * The first comer reports; the second is from inside a report, and is the last.  One that
 * may wait is shown by more, a screen at a time, when it is over.
 */
static void begin(bool may_wait)
{
    bool muted = console_is_muted();

    irq_disable();
    if (panic_on_oops || !guard_is_on())
        console_mute(false);            /* it stops behind this: it has to be seen */
    watchdog_stop();                    /* who reads this may take his time */
    if (!may_wait || reports > 0 || kprintf_filter == NULL ||
        kprintf_filter != kprintf_pager)
        take_console(muted);
    if (reports++ == 0) {
        loglevel_before = console_loglevel;
        if (console_loglevel <= LOG_ERR)
            console_loglevel = LOG_ERR + 1;     /* and are shown whole */
        console_fresh_line();
        return;
    }
    if (reports == 2)
        kprintf("\nanother fault while reporting this one\n");
    if (reports > 3)
        power_stop();
    end();
    guard_fault(NULL, 0, EFLAGS_IF);
}

void panic_warned(void)
{
    if (panic_on_warn)
        panic("panic_on_warn is set, and a BUG was told");
}

/* ---- reports --------------------------------------------------------------------- */

static void print_state(void)
{
    if (hooks != NULL)
        hooks->tell_state();
    if (mm_state & MM_IRQ)
        pr_emerg("  in an interrupt handler");
}

static void print_registers(const struct trap_frame *frame, uint32_t esp)
{
    pr_emerg("  eax %08x  ebx %08x  ecx %08x  edx %08x", (unsigned)frame->eax,
             (unsigned)frame->ebx, (unsigned)frame->ecx, (unsigned)frame->edx);
    pr_emerg("  esi %08x  edi %08x  ebp %08x  esp %08x", (unsigned)frame->esi,
             (unsigned)frame->edi, (unsigned)frame->ebp, (unsigned)esp);
    if (fault_sets_cr2(frame))
        pr_emerg("  eip %08x  eflags %08x  cr2 %08x", (unsigned)frame->eip,
                 (unsigned)frame->eflags, (unsigned)cpu_cr2());
    else
        pr_emerg("  eip %08x  eflags %08x", (unsigned)frame->eip,
                 (unsigned)frame->eflags);
}

/* What was touched, and what was executed if that was no code of the kernel's. */
static void tell_whose(const struct trap_frame *frame)
{
    uintptr_t addr;
    bool known = fault_address(frame, &addr);

    if (hooks == NULL)
        return;
    if (known)
        hooks->tell_whose(addr);
    if (!is_kernel_code(frame->eip) && !(known && addr == frame->eip))
        hooks->tell_whose(frame->eip);
}

void panic_exception(const struct trap_frame *frame, uint32_t esp)
{
    char text[LINE_TEXT_SIZE];

    begin(goes_on());

    bool told = fault_explain(frame, esp, hooks != NULL ? hooks->tell_fault : NULL);

    pr_emerg("  in %s", line_format(frame->eip, frame->eip, text, sizeof(text)));
    print_state();
    print_registers(frame, esp);
    pr_err("called from:");
    backtrace_log_from(frame->eip, esp, frame->ebp);
    if (!told)
        tell_whose(frame);
    end();
}

/*
 * Of the function that called the one with this frame.  Of its registers these alone are
 * known: the calls since have changed the others.
 */
static void report(const char *what, bool may_wait, const uintptr_t *frame,
                   const char *fmt, va_list args)
{
    char text[2 * TEXT_SIZE], place[LINE_TEXT_SIZE];
    uintptr_t call = backtrace_return_at(&frame[1]);

    begin(may_wait);
    kvsnprintf(text, sizeof(text), fmt, args);
    pr_emerg("%s: %s", what, text);
    pr_emerg("  in %s", line_format(call, call - 1, place, sizeof(place)));
    print_state();
    pr_emerg("  eip %08x  ebp %08x  esp %08x", (unsigned)call, (unsigned)frame[0],
             (unsigned)(uintptr_t)(frame + 2));
    pr_err("called from:");
    backtrace_log_above(frame);
}

void panic(const char *fmt, ...)
{
    va_list args;

    console_mute(false);
    va_start(args, fmt);
    report("panic", false, __builtin_frame_address(0), fmt, args);
    stop();
}

static void oops_of(const uintptr_t *frame, uint32_t flags, const char *fmt, va_list args)
    __attribute__((noreturn));
static void oops_of(const uintptr_t *frame, uint32_t flags, const char *fmt, va_list args)
{
    report("oops", goes_on(), frame, fmt, args);
    end();
    guard_fault(NULL, 0, flags);
}

void oops_above(const uintptr_t *frame, const char *fmt, ...)
{
    uint32_t flags = cpu_flags();
    va_list args;

    va_start(args, fmt);
    oops_of(frame, flags, fmt, args);
}

void oops(const char *fmt, ...)
{
    uint32_t flags = cpu_flags();
    va_list args;

    va_start(args, fmt);
    oops_of(__builtin_frame_address(0), flags, fmt, args);
}
