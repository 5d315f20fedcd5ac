/*
 * guard.c - calls that can be ended from outside: a command by a fault in it, by Ctrl-C or
 * by the watchdog; an interrupt handler by a fault.
 *
 *     shell ---guard_call---> watch ---guard_call---> lab ---fault
 *              guards[0]               guards[1]              |
 *                               ^-----------------------------+  only lab ends
 *     interrupt ---guard_call_kernel---> handler ---fault
 *                      guards[2]   ^-----------------+           only the handler ends
 *
 * To end a call is no unwinding.  The CPU goes on behind it (guard_entry.S), with a stack
 * pointer and all else from guards[]; what the call was doing is simply not there any
 * more.  What it held of the kernel is put back by who made the call.
 *
 *     stacks, upwards:   guard page | command stack | guard page | the shell's stack
 *
 * A fault ends the innermost call at once.  Whoever else wants an end waits for the end of
 * an interrupt, when nothing of the kernel is under way but the command itself; and while
 * mm is changing, until it is not: a debug register tells when mm_state is written, if one
 * is free (debug.c); else it is looked at at the next interrupt.  After PATIENCE interrupts
 * that is not waited for any more, and mm is mended.
 *
 * Rules:
 *   - guards lie here, not on the stack of a command, which may be what is broken;
 *   - guards[depth - 1] is the innermost; its ebp is 0 until it can be ended;
 *   - the frames of inner ones lie on the stack that may be broken: one that is ended and
 *     does not come to its end is given up, and the one around it is ended;
 *   - from a call's end until its guard is off interrupts are off: nobody may come back to
 *     a frame that is gone; and by then what a command had set up is stopped, for a handler
 *     that takes longer than a tick lets nothing else run.
 *
 * Task switches: SDM 3A, 7.3.
 */
#include "kernel/cpu/guard.h"

#include <stddef.h>

#include "drivers/pic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/debug.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/paging.h"
#include "kernel/cpu/timer.h"
#include "mm/port.h"

enum { MAX_DEPTH = 12, PATIENCE = 300 };        /* interrupts: 3 s, if nothing is typed */

struct guard {
    uint32_t ebp;               /* of guard_enter's frame, which sets it; 0: not entered */
    uint32_t flags_at_end;      /* set at guard_return */
    uint32_t cr3;               /* before the call */
    uint32_t cr3_at_end, dr7_at_end;    /* set at guard_return; the order is its own */
    uint32_t flags, cr0, cr4;   /* before the call */
    uintptr_t mm_state;
    uint32_t command;           /* its number; 0: a handler */
    bool is_ending;             /* somebody goes on behind it */
};

/* guard_entry.S */
uint32_t guard_enter(struct guard *guard, void (*fn)(void *arg), void *arg,
                     const char *stack);
void guard_leave(uint32_t flags) __attribute__((noreturn));
void guard_leave_task(void) __attribute__((noreturn));
extern const char guard_return[];

static struct guard guards[MAX_DEPTH];
static volatile unsigned depth;
struct guard *volatile guard_innermost;

static const struct guard_hooks *hooks;
static uint32_t commands;               /* so many began since boot */
static struct guard_end last_end;
static bool has_cr4;

/* Who is to be ended. */
static struct {
    uint32_t command;           /* 0: nobody */
    const char *why;
    unsigned waited;            /* interrupts */
} wanted;

void guard_init(const struct guard_hooks *given)
{
    hooks = given;
    has_cr4 = cpu_has_cpuid();
}

static void set_depth(unsigned to)
{
    depth = to;
    guard_innermost = to > 0 ? &guards[to - 1] : NULL;
}

/* ---- who is under way ------------------------------------------------------------ */

bool guard_is_on(void)
{
    for (unsigned level = depth; level > 0; level--)
        if (guards[level - 1].ebp != 0 && !guards[level - 1].is_ending)
            return true;
    return false;
}

uint32_t guard_command(void)
{
    for (unsigned level = depth; level > 0; level--)
        if (guards[level - 1].command != 0)
            return guards[level - 1].command;
    return 0;
}

uint32_t guard_next_command(void)
{
    return commands + 1;
}

uint32_t guard_outermost(void)
{
    return depth > 0 ? guards[0].command : 0;
}

/* The depth at which it is the innermost; 0: it is not under way. */
static unsigned depth_of(uint32_t command)
{
    for (unsigned level = depth; level > 0; level--)
        if (guards[level - 1].command == command && guards[level - 1].ebp != 0)
            return level;
    return 0;
}

bool guard_has(uint32_t command)
{
    return command != 0 && depth_of(command) > 0;
}

/* ---- calling --------------------------------------------------------------------- */

/*
 * mm is as before: what was being changed in between is mended, an interrupt is over.  So
 * also behind a call that has returned, for a stray write may have hit the word; but whoever
 * was called while mm was busy may have been called to mend it.
 */
static void put_back_mm(uintptr_t before)
{
    const uintptr_t kept = MM_PUT_OFF | MM_LONG_WAY;

    if (!(before & MM_IRQ))
        mm_irq_end();
    if (mm_state & MM_BUSY && !(before & MM_BUSY))
        hooks->mend();
    else
        mm_state = (before & ~kept) | (mm_state & kept);
}

static void clean_up(const struct guard *guard)
{
    gdt_ready_double_fault();
    if (guard->command != 0)
        pic_end_all();                  /* of a handler that never came to its end */
    if (wanted.command != 0 && !guard_has(wanted.command))
        wanted.command = 0;
}

/* CR3 is as before since guard_return, and no debug register is on. */
static unsigned put_back_registers(const struct guard *guard)
{
    unsigned changed = 0;

    if (!(guard->flags_at_end & EFLAGS_IF) && guard->flags & EFLAGS_IF)
        changed |= GUARD_IRQ_OFF;
    if (debug_put_back(guard->dr7_at_end, guard->command == 0))
        changed |= GUARD_DEBUG;
    if (guard->cr3_at_end != guard->cr3)
        changed |= GUARD_CR3;
    if (cpu_cr0() != guard->cr0) {
        changed |= GUARD_CR0;
        cpu_set_cr0(guard->cr0);
    }
    if (has_cr4 && cpu_cr4() != guard->cr4) {
        changed |= GUARD_CR4;
        cpu_set_cr4(guard->cr4);
    }
    return changed;
}

/* What a command may have changed of what all others need. */
static unsigned put_back_machine(void)
{
    unsigned changed = 0;

    if (gdt_put_back_task())
        changed |= GUARD_TASK;
    if (pic_put_back())
        changed |= GUARD_PIC;
    if (timer_put_back())
        changed |= GUARD_PIT;
    return changed;
}

/*
 * The next place.  Interrupts are off meanwhile: the guard of a handler that came between
 * would stand in the same one.
 */
static struct guard *begin(uint32_t command)
{
    uint32_t flags = irq_save();
    struct guard *place = &guards[depth];

    *place = (struct guard){ .flags = flags, .cr0 = cpu_cr0(), .cr3 = cpu_cr3(),
                             .cr4 = has_cr4 ? cpu_cr4() : 0,
                             .mm_state = mm_state, .command = command };
    set_depth(depth + 1);
    irq_restore(flags);
    return place;
}

static struct guard_end call(void (*fn)(void *arg), void *arg, uint32_t command,
                             const char *stack)
{
    unsigned level = depth;
    struct guard *place = begin(command);
    bool ended = guard_enter(place, fn, arg, stack);    /* interrupts are off behind it */
    struct guard guard = *place;        /* others may come to stand there now */
    struct guard_end end = { .ended = ended, .why = ended ? last_end.why : NULL,
                             .where = ended ? last_end.where : 0,
                             .changed = put_back_registers(&guard) };

    set_depth(level);
    if (ended) {
        hooks->frames_gone();
        clean_up(&guard);
    }
    if (command != 0) {
        end.changed |= put_back_machine();
        end.lines = irq_take_back(command);
    }
    if (ended && command != 0)
        end.handlers = hooks->stop_handlers(command);
    if (ended || !(guard.mm_state & MM_BUSY))
        put_back_mm(guard.mm_state);
    cpu_set_flags(guard.flags);
    if (ended)
        debug_resume();
    debug_step_again();
    return end;
}

static struct guard_end call_without(void (*fn)(void *arg), void *arg)
{
    fn(arg);
    return (struct guard_end){ .ended = false };
}

struct guard_end guard_call(void (*fn)(void *arg), void *arg)
{
    if (depth == MAX_DEPTH)
        return call_without(fn, arg);
    if (depth > 0)
        return call(fn, arg, ++commands, NULL);
    memset(hooks->stack, 0, (size_t)(hooks->stack_top - hooks->stack));
    return call(fn, arg, ++commands, hooks->stack_top);
}

struct guard_end guard_call_kernel(void (*fn)(void *arg), void *arg)
{
    return depth == MAX_DEPTH ? call_without(fn, arg) : call(fn, arg, 0, NULL);
}

struct guard_end guard_call_handler(void (*fn)(void *arg), void *arg, uint32_t command)
{
    uint32_t running = guard_command();
    bool is_of_another = running == 0 || command < running;
    uint32_t before = hooks->last_serial();
    struct guard_end end = guard_call_kernel(fn, arg);
    uint32_t last = hooks->last_serial();

    if (is_of_another && last != before)
        hooks->taken_meanwhile(command, before + 1, last);
    return end;
}

void guard_handler_ended(uintptr_t fn, uint32_t command, const struct guard_end *end)
{
    hooks->handler_ended(fn);
    guard_want(command, end->why);
}

/* ---- ending ---------------------------------------------------------------------- */

/* The innermost one that can still be ended. */
static void choose_innermost(void)
{
    while (depth > 1 && (guard_innermost->is_ending || guard_innermost->ebp == 0))
        set_depth(depth - 1);
    guard_innermost->is_ending = true;
}

/* The other task is to go on behind the call, as the iret of a nested one makes it. */
static void set_other_task(uint32_t flags)
{
    kernel_tss = (struct tss){
        .cr3 = (uint32_t)(uintptr_t)page_directory,
        .eip = (uint32_t)(uintptr_t)guard_return,
        .eax = true,                    /* it was ended */
        .edx = flags,
        .esp = (uint32_t)(uintptr_t)report_stack_top,
        .eflags = EFLAGS_ALWAYS_ONE,    /* interrupts off */
        .cs = KERNEL_CODE,
        .ds = KERNEL_DATA, .es = KERNEL_DATA, .fs = KERNEL_DATA,
        .gs = KERNEL_DATA, .ss = KERNEL_DATA,
        .io_map = sizeof(struct tss),
    };
    gdt_nest_double_fault();
}

void guard_fault(const char *why, uintptr_t where, uint32_t flags)
{
    irq_disable();
    choose_innermost();
    last_end = (struct guard_end){ .why = why, .where = why != NULL ? where : 0 };
    if (cpu_task() != DOUBLE_FAULT_TSS)
        guard_leave(flags);
    set_other_task(flags);
    guard_leave_task();
}

void guard_want(uint32_t command, const char *why)
{
    if (!guard_has(command) || guard_has(wanted.command))
        return;
    wanted.command = command;
    wanted.why = why;
    wanted.waited = 0;
}

/* The CPU goes back to frame, and so behind the call of the one that is wanted. */
static void end_at(struct trap_frame *frame)
{
    set_depth(depth_of(wanted.command));
    guard_innermost->is_ending = true;
    last_end = (struct guard_end){ .why = wanted.why, .where = debug_where(frame) };
    frame->eip = (uint32_t)(uintptr_t)guard_return;
    frame->eax = true;
    frame->edx = frame->eflags;
    frame->eflags = EFLAGS_ALWAYS_ONE;
}

static int mm_watch = -1;               /* the debug register; -1: none */

static void stop_watching(void)
{
    debug_unwatch(mm_watch);
    mm_watch = -1;
}

/* Somebody is wanted, or was, and mm_state was written. */
static void mm_was_written(struct trap_frame *frame)
{
    bool is_wanted = guard_has(wanted.command);

    if (is_wanted && (mm_state & MM_IRQ || mm_is_changing() || !(frame->eflags & EFLAGS_IF)))
        return;
    stop_watching();
    if (is_wanted)
        end_at(frame);
}

void guard_after_interrupt(struct trap_frame *frame)
{
    hooks->judge(frame);
    if (!guard_is_on() || !guard_has(wanted.command))
        return;
    if (mm_is_changing() && wanted.waited++ < PATIENCE) {
        if (mm_watch < 0)
            mm_watch = debug_watch(&mm_state, sizeof(mm_state), mm_was_written);
        return;
    }
    stop_watching();
    end_at(frame);
}
