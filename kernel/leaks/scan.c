/*
 * scan.c - looking for leaks: which words are roots.
 *
 *     variables of labs and lessons, and those marked MM_SCANNED    linker.ld
 *     $1, $2 ... that are not freed                              kernel/memory/held.h
 *     the stack, from the outermost command to the one that      shell.h
 *       has called this one
 *
 * No others: what the allocator, the page tables or the log keep is not somebody's pointer,
 * and would only hide leaks.  At the prompt no stack is a root; a lab that calls
 * shell_run("leaks") has its own locals looked at.
 *
 * Interrupts are off meanwhile.  Ctrl-C waits, and ticks of the timer are lost: both are
 * over when the scan is, and how many ticks it were is told, if it took 0.1 s and more.
 *
 * What was found is told thing by thing, and printing takes long: so mm is left, and
 * interrupts are on, whenever something is printed.  A driver's handler that allocates
 * meanwhile is served as ever.  It may be told that memory is exhausted, but is not looked
 * for leaks then: that would sort anew what is being told.
 */
#include "kernel/leaks/scan.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/image.h"
#include "kernel/line/tty.h"
#include "kernel/memory/held.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/shell/hooks.h"
#include "kernel/string.h"
#include "mm/look/observe.h"

/*
 * Reports are the same in each run: what took less is not told apart, and where nobody sits
 * (make exec) no time is told.
 */
enum { TICK_MICROSECONDS = 1000000 / TIMER_HZ, SHORT_MICROSECONDS = 100000, TIME_SIZE = 40 };

/* mm's own variable is no root, but who looks on is not lost.  Nobody else reads this. */
static MM_SCANNED struct mm_observer *volatile observer;

/* ---- roots ------------------------------------------------------------------------ */

void scan_each_root(void (*fn)(enum root_kind kind, const void *start, const void *end,
                               void *arg), void *arg)
{
    const void *stack, *stack_end;

    observer = mm_newest_observer();
    fn(ROOT_VARIABLES, roots_data_start, roots_data_end, arg);
    fn(ROOT_VARIABLES, roots_bss_start, roots_bss_end, arg);
    for (struct held *held = held_next(NULL); held != NULL; held = held_next(held))
        if (!held->freed)
            fn(ROOT_HELD, &held->address, &held->address + 1, arg);
    if (shell_callers_stack(&stack, &stack_end))
        fn(ROOT_STACK, stack, stack_end, arg);
}

static void refs_in(enum root_kind kind, const void *start, const void *end, void *wanted)
{
    (void)kind;
    mm_refs_in(wanted, start, end);
}

void scan_refs(struct mm_wanted *wanted)
{
    uint32_t flags = irq_save();

    scan_each_root(refs_in, wanted);
    mm_refs_in_heap(wanted);
    irq_restore(flags);
}

/* ---- what is live ------------------------------------------------------------------ */

bool scan_find(uintptr_t address, struct mm_live *live)
{
    uint32_t flags = irq_save();
    bool found = mm_scan_find((const void *)address, live);

    irq_restore(flags);
    return found;
}

bool scan_find_serial(uint32_t serial, struct mm_live *live)
{
    uintptr_t from = 0;
    bool found;

    do {
        uint32_t flags = irq_save();

        found = mm_scan_next(from, live);
        irq_restore(flags);
        if (found)
            from = live->start + 1;
    } while (found && live->serial != serial);
    return found;
}

void scan_each(scan_fn *look, scan_fn *tell, void *arg)
{
    struct mm_live live = { .start = 0 };
    uintptr_t from = 0;
    bool found, is_told;

    do {
        uint32_t flags = irq_save();

        found = mm_scan_next(from, &live);
        is_told = found && look(&live, arg);
        irq_restore(flags);
        from = live.start + 1;
    } while (found && (!is_told || tell(&live, arg)));
}

/* ---- scanning ---------------------------------------------------------------------- */

static void mark_from(enum root_kind kind, const void *start, const void *end, void *arg)
{
    (void)kind;
    (void)arg;
    mm_scan_root(start, end);
}

static void add_time(struct scan_report *report, uint32_t passed)
{
    uint32_t tick = timer_tsc_of_tick(), ticks;

    if (tick < TICK_MICROSECONDS)
        return;                         /* it stands still, or there is none */
    ticks = passed / tick;
    report->microseconds += ticks * TICK_MICROSECONDS +
                            passed % tick / (tick / TICK_MICROSECONDS);
    report->lost_ticks += ticks > 1 ? ticks - 1 : 0;    /* the PIC keeps one */
}

static uint32_t newest_before;  /* serial number, at the scan before the last one */

bool scan_is_newer(const struct mm_live *live)
{
    return live->serial > newest_before;
}

bool scan_from(const struct scan_range *more, unsigned count, struct mm_scan *found)
{
    uint32_t newest = mm_scan_last()->serial;

    if (!mm_scan_begin())
        return false;
    newest_before = newest;
    scan_each_root(mark_from, NULL);
    for (unsigned i = 0; i < count; i++)
        mm_scan_root(more[i].start, more[i].end);
    *found = *mm_scan_end();
    return true;
}

static uint32_t looked_for;     /* the command that has looked: the number of the next one */

/* It may still be telling what was found. */
static bool is_being_told(void)
{
    return mm_state & MM_IRQ && shell_running != NULL &&
           looked_for == guard_next_command();
}

bool scan_leaks(struct scan_report *report)
{
    bool has_tsc = timer_tsc_of_tick() != 0, is_done;
    uint32_t flags = irq_save(), start = has_tsc ? cpu_tsc() : 0;

    *report = (struct scan_report){ .microseconds = 0 };
    is_done = scan_from(NULL, 0, &report->found);
    add_time(report, has_tsc ? cpu_tsc() - start : 0);
    looked_for = guard_next_command();
    irq_restore(flags);
    if (!is_done)
        kprintf("leaks: the allocator is busy, and cannot be looked at from here\n");
    return is_done;
}

void scan_look(struct scan_report *report, void (*fn)(void *arg), void *arg)
{
    bool has_tsc = timer_tsc_of_tick() != 0;
    uint32_t flags = irq_save(), start = has_tsc ? cpu_tsc() : 0;

    fn(arg);
    add_time(report, has_tsc ? cpu_tsc() - start : 0);
    irq_restore(flags);
}

/* Below all that the caller has on the stack, registers that it has saved there included. */
static RARE const void *stack_in_use(void)
{
    return __builtin_frame_address(0);
}

/* From the stack of the commands as well, as far as it is in use. */
size_t scan_lost_bytes(void)
{
    struct scan_range stack = { stack_in_use(), boot_stack_guard };
    bool is_theirs = address_between((uintptr_t)stack.start, command_stack,
                                     boot_stack_guard);
    uint32_t flags = irq_save();
    struct mm_scan found;
    bool is_done = !is_being_told() && scan_from(&stack, is_theirs, &found);

    irq_restore(flags);
    return is_done ? found.bytes[MM_DEFINITE] + found.bytes[MM_INDIRECT] : 0;
}

void scan_print(const struct scan_report *report)
{
    const struct mm_scan *found = &report->found;
    bool is_short = report->microseconds < SHORT_MICROSECONDS;
    char time[TIME_SIZE] = "";
    unsigned objects = 0;
    size_t bytes = 0;

    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++) {
        objects += (unsigned)found->objects[kind];
        bytes += found->bytes[kind];
    }
    if (tty_attended)
        ksnprintf(time, sizeof(time), is_short ? ", in less than 0.1 s" : ", in %u us",
                  (unsigned)report->microseconds);
    kprint_wrapped(2, "scanned: %zu bytes in %u root%s, %zu in %u object%s%s",
                   found->root_bytes, (unsigned)found->roots, plural(found->roots), bytes,
                   objects, plural(objects), time);
    if (tty_attended && !is_short)
        kprintf("  interrupts were off for so long: %u tick%s of the timer lost\n",
                (unsigned)report->lost_ticks, plural(report->lost_ticks));
}
