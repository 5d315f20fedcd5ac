/*
 * probe.c - which functions are called, and when they return, without a compiler's help.
 *
 * A function that is to be noticed has int3 for its first byte.  Off, not a byte of the
 * kernel differs from its file.  On, this comes of a call:
 *
 *     call slab_refill ---> int3: entered.  Its return address, in the slot to which esp
 *                           |     points, is kept here, and probe_return stands there
 *                           |     instead; on in the copy of its first instruction
 *                           copy: | push %ebp | jmp behind it |
 *                           ...
 *                           ret ---> probe_return: int3: left.  On where it was called
 *
 *     calls[]:  | slot, return address, function, time | ... | innermost |
 *
 * A function that goes on to another by a jump leaves its slot to it: then two of calls[]
 * have one slot, and one return ends both.  It reads as a call, as it is written.
 *
 * Calls that never return (their command was ended) stay behind.  They are known by their
 * slot: it lies deeper in the stack than that of a call which is made later; and a stack
 * that serves others, the report's and the commands', is left for theirs.  And where the
 * first instruction is a loop's, too, int3 comes again without a call: in the same slot.
 *
 * One on a stack that is nobody's, a lab's own, is counted and not followed.
 *
 * Time is net: what the exceptions take, from the int3 to where the CPU goes on, is not in
 * it.  Their two ends lie around the rdtsc of hit(), so they are measured beforehand, by
 * functions of known length.  Under QEMU's -icount shift=0 it is the exact number of
 * instructions, the ret included, and those of handlers that came in between.
 *
 * Rules:
 *   - the code is written in probe_set.c alone;
 *   - nothing that hit() calls may be noticed: the files of which that is so are listed in
 *     functions.c;
 *   - who reads return addresses asks probe_return_of() (kernel/backtrace.c does).
 *
 * It is Linux's kprobes, boosted, and function_graph in one
 * (Documentation/trace/kprobes.rst, fgraph.c).
 */
#include "kernel/trace/probe.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/debug.h"
#include "kernel/image.h"
#include "kernel/trace/calls.h"
#include "kernel/trace/probe_set.h"
#include "mm/port.h"

enum { TRIES = 8 };

static struct call {
    uintptr_t *slot, back;      /* where its return address was, and which */
    uint32_t function;
    bool is_root;
    uint64_t begin;
} calls[PROBE_DEPTH];
static unsigned depth, roots;   /* roots: so many of these are */

static bool is_on, only_below, has_tsc;
static uint32_t too_deep, under_way;

/* Time that is nobody's, so far; and of an exception what lies outside of hit(). */
static uint64_t away;
static uint32_t cost_enter, cost_leave;
static uint32_t measured;       /* how long the last call took while it is measured */
static bool is_measuring;

/* Where calls return to; and functions of 3 and of 7 instructions. */
static __attribute__((naked, used)) void probe_return(void) { __asm__("int3"); }

static __attribute__((naked, used)) void probe_known(void)
{
    __asm__("pushl %ebp; popl %ebp; ret");
}

static __attribute__((naked, used)) void probe_calls(void)
{
    __asm__("pushl %ebp; call probe_known; popl %ebp; ret");
}

static inline uint64_t now(void)
{
    return has_tsc ? cpu_tsc_whole() : 0;
}

/* ---- calls ----------------------------------------------------------------------- */

/* From the outermost on: commands are run by the shell, reports are of both. */
enum stack { NO_STACK, BOOT_STACK, COMMAND_STACK, REPORT_STACK };

static enum stack stack_of(const uintptr_t *slot)
{
    uintptr_t at = (uintptr_t)slot;

    return address_between(at, boot_stack, boot_stack_top)        ? BOOT_STACK
           : address_between(at, command_stack, boot_stack_guard) ? COMMAND_STACK
           : address_between(at, report_stack, report_stack_top)  ? REPORT_STACK : NO_STACK;
}

/* Has that call come to its end by other ways, when one with this slot is under way? */
static bool is_gone(const struct call *call, const uintptr_t *slot)
{
    enum stack own = stack_of(call->slot), others = stack_of(slot);

    return own != others ? own > others : call->slot < slot;
}

static void drop_last(void)
{
    depth--;
    roots -= calls[depth].is_root;
}

static void drop_gone(const uintptr_t *slot)
{
    while (depth > 0 && is_gone(&calls[depth - 1], slot))
        drop_last();
    while (depth > 0 && calls[depth - 1].slot == slot && *slot != (uintptr_t)probe_return)
        drop_last();
}

/* What the report of a fault calls is nobody's call. */
static bool is_noted(const struct probe *probe, const uintptr_t *slot)
{
    return stack_of(slot) != REPORT_STACK &&
           (!only_below || probe->is_root || roots > 0 || mm_state & MM_IRQ);
}

/* Not by a call, but by a jump of its own? */
static bool is_again(const struct probe *probe, const uintptr_t *slot)
{
    const struct call *last = &calls[depth - 1];

    return depth > 0 && last->slot == slot && last->function == probe->at;
}

static void enter(const struct trap_frame *frame, const struct probe *probe, uint64_t begin)
{
    uintptr_t *slot = (uintptr_t *)(frame + 1);

    if (stack_of(slot) != NO_STACK)     /* on a lab's own: whose calls are gone is unknown */
        drop_gone(slot);
    if (!is_noted(probe, slot) || is_again(probe, slot))
        return;
    if (depth == PROBE_DEPTH || stack_of(slot) == NO_STACK) {
        too_deep++;
        return;
    }
    if (!is_measuring)
        calls_entered(probe->at, probe_return_of(slot), depth, frame->eflags);
    calls[depth++] = (struct call){ slot, *slot, probe->at, probe->is_root, begin - away };
    roots += probe->is_root;
    *slot = (uintptr_t)probe_return;
}

/* Where rdtsc is time, exceptions may have taken less than was measured. */
static uint32_t net_of(uint64_t time)
{
    if ((int64_t)time < 0)
        return 0;
    return time < CALL_LONGEST ? (uint32_t)time : CALL_LONGEST;
}

/* It has returned; so have those that left it their slot. */
static bool leave(struct trap_frame *frame, uint64_t begin)
{
    const uintptr_t *slot = (const uintptr_t *)(frame + 1) - 1;
    uintptr_t back = (uintptr_t)probe_return;

    while (depth > 0 && is_gone(&calls[depth - 1], slot))
        drop_last();
    while (depth > 0 && calls[depth - 1].slot == slot && back == (uintptr_t)probe_return) {
        const struct call *call = &calls[depth - 1];

        measured = net_of(begin - away - call->begin);
        back = call->back;
        drop_last();
        if (!is_measuring)
            calls_left(call->function, measured, depth, frame->eflags);
    }
    frame->eip = (uint32_t)back;
    return back != (uintptr_t)probe_return;
}

/*
 * A function that aligns its stack has a copy of its return address in its frame: it is that
 * of the innermost call whose slot is there or farther out.
 */
uintptr_t probe_return_of(const uintptr_t *slot)
{
    for (unsigned i = depth; *slot == (uintptr_t)probe_return && i > 0; i--)
        if (!is_gone(&calls[i - 1], slot) && calls[i - 1].back != (uintptr_t)probe_return)
            return calls[i - 1].back;
    return probe_behind_copy((uint32_t)*slot);
}

/* ---- exceptions ------------------------------------------------------------------ */

static bool returned(struct trap_frame *frame, uint64_t begin)
{
    bool is_known = leave(frame, begin);

    away += now() - begin + cost_leave;
    return is_known;
}

/* An int3; or what else came, maybe in a copy or at probe_return, and is to be reported. */
static bool hit(struct trap_frame *frame)
{
    uint64_t begin = now();
    uint32_t at = frame->eip - 1;
    const struct probe *probe;

    if (frame->vector != TRAP_BREAKPOINT) {
        frame->eip = (uint32_t)probe_return_of((const uintptr_t *)&frame->eip);
        return false;
    }
    if (at == (uintptr_t)probe_return)
        return returned(frame, begin);
    probe = probe_at(at);
    if (probe == NULL)
        return false;
    enter(frame, probe, begin);
    frame->eip = (uint32_t)(uintptr_t)probe->copy;
    away += now() - begin + cost_enter - probe->goes_away;
    return true;
}

/* ---- on and off ------------------------------------------------------------------ */

/* The shortest of some: under -icount all are alike. */
static uint32_t cost_of(void (*function)(void), uint32_t instructions)
{
    uint32_t least = UINT32_MAX;

    for (unsigned i = 0; i < TRIES; i++) {
        function();
        least = measured < least ? measured : least;
    }
    return least > instructions ? least - instructions : 0;
}

static void measure(void)
{
    bool below = only_below;

    is_measuring = true;
    only_below = false;
    cost_enter = cost_leave = 0;
    cost_enter = cost_of(probe_known, 3);
    cost_leave = cost_of(probe_calls, 7);
    only_below = below;
    is_measuring = false;
}

bool probe_on(bool below)
{
    uint32_t flags;

    if (is_on || !probe_add((uintptr_t)probe_known, false) ||
        !probe_add((uintptr_t)probe_calls, false) || !debug_on_breakpoint(hit))
        return false;
    flags = irq_save();
    has_tsc = cpu_features() & CPUID_1_EDX_TSC;
    only_below = below;
    depth = roots = too_deep = 0;
    is_on = true;
    backtrace_return_of = probe_return_of;
    probe_plant();
    if (has_tsc)
        measure();
    irq_restore(flags);
    return true;
}

static void count_under_way(const uintptr_t *frame)
{
    drop_gone(frame);
    under_way = depth;
}

/* Calls that are under way return as if nobody had noticed them. */
void probe_off(void)
{
    uint32_t flags = irq_save();

    if (is_on) {
        probe_take_out();
        count_under_way(__builtin_frame_address(0));
        for (; depth > 0; depth--)
            if (*calls[depth - 1].slot == (uintptr_t)probe_return)
                *calls[depth - 1].slot = calls[depth - 1].back;
        backtrace_return_of = NULL;
        debug_on_breakpoint(NULL);
        is_on = false;
    }
    irq_restore(flags);
}

bool probe_is_on(void)
{
    return is_on;
}

unsigned probe_under_way(void)
{
    uint32_t flags = irq_save();

    if (is_on)
        count_under_way(__builtin_frame_address(0));
    irq_restore(flags);
    return under_way;
}

uint32_t probe_too_deep(void)
{
    return too_deep;
}
