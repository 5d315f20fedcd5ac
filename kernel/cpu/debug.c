/*
 * debug.c - stops at a write, behind an instruction, at an int3.
 *
 *     debug registers    one of four holds an address: a debug exception behind each write
 *     eflags.TF          one behind each instruction
 *     int3               a byte of code that is a breakpoint exception
 *
 * All three are exceptions of which somebody here knows; those that nobody has asked for
 * are bugs, and reported like any other.  They are dealt with on the stack of who was
 * stopped, as interrupts are: so one may come in the midst of another's work.  While nobody
 * asks for any, trap_entry.S does not come here.
 *
 * A TF in eflags holds until an interrupt or an exception, and again behind it.  An
 * interrupt's handler is stepped through all the same, for trap.c sets TF around it; and
 * behind a guarded call guard.c does.  It may be kept where nobody looks: by pushfl, which
 * is mended, and in frames of what is interrupted.  So until the command is over one that
 * comes later is put off in silence.
 *
 * SDM 3B, 17.2 (debug registers), 17.3 (exceptions).
 */
#include "kernel/cpu/debug.h"

#include <stddef.h>

#include "kernel/cpu/cpu.h"

enum { PUSHFL = 0x9c };         /* an instruction */
enum { DR7_EXACT = 3 << 8, DR7_GLOBAL = 2, DR7_WRITES = 1, DR6_STEP = 1 << 14 };

static struct watch {
    uint32_t addr;
    unsigned bytes;
    debug_fn *fn;               /* NULL: the register is free */
} watches[DEBUG_REGISTERS];
static debug_fn *step;
static debug_fn *suspended;             /* step, until what a fault ends has ended */
static uint32_t stepped_from;           /* eip */
static bool has_stepped;                /* since this command began */
static bool is_paused;                  /* until debug_step_back, or debug_step_again */
static bool (*on_breakpoint)(struct trap_frame *frame);

static bool is_suspended;               /* by a report: DR7 is 0 */

bool debug_is_on;               /* trap_entry.S asks */

/* In one store: a write may be told of in between. */
static void turn(void)
{
    bool is_on = has_stepped || on_breakpoint != NULL;

    for (unsigned n = 0; n < DEBUG_REGISTERS; n++)
        is_on |= watches[n].fn != NULL;
    debug_is_on = is_on;
}

/* ---- writes ---------------------------------------------------------------------- */

/* Enabled, and in four bits more what is watched: writes, of so many bytes. */
static uint32_t control_of(unsigned n)
{
    uint32_t length = watches[n].bytes - 1;

    return (uint32_t)DR7_GLOBAL << 2 * n | (DR7_WRITES | length << 2) << (16 + 4 * n);
}

static uint32_t control(void)
{
    uint32_t dr7 = 0;

    for (unsigned n = 0; n < DEBUG_REGISTERS; n++)
        if (watches[n].fn != NULL)
            dr7 |= DR7_EXACT | control_of(n);
    return dr7;
}

static void load(void)
{
    cpu_set_dr7(0);
    cpu_set_dr0_to_3(watches[0].addr, watches[1].addr, watches[2].addr, watches[3].addr);
    cpu_set_dr7(control());
}

static void set_watch(unsigned n, struct watch watch)
{
    uint32_t flags = irq_save();

    cpu_set_dr7(0);                     /* these may be what is watched */
    watches[n] = watch;
    turn();
    load();
    irq_restore(flags);
}

int debug_watch(const volatile void *addr, unsigned bytes, debug_fn *fn)
{
    unsigned n = 0;

    while (n < DEBUG_REGISTERS && watches[n].fn != NULL)
        n++;
    if (n == DEBUG_REGISTERS)
        return -1;
    set_watch(n, (struct watch){ (uint32_t)(uintptr_t)addr, bytes, fn });
    return (int)n;
}

void debug_unwatch(int number)
{
    if (number >= 0)
        set_watch((unsigned)number, (struct watch){ .fn = NULL });
}

bool debug_put_back(uint32_t dr7, bool is_handler)
{
    bool is_ours = is_suspended;

    is_suspended = false;
    has_stepped = step != NULL || (has_stepped && is_handler);
    turn();
    load();
    return !is_ours && ((dr7 ^ control()) & DR7_ENABLED) != 0;
}

/* ---- steps and breakpoints ------------------------------------------------------- */

static void go_one(struct trap_frame *frame)
{
    stepped_from = frame->eip;
    frame->eflags |= EFLAGS_TF;
}

bool debug_step(struct trap_frame *frame, debug_fn *fn)
{
    if (step != NULL)
        return false;
    step = fn;
    has_stepped = true;
    turn();
    go_one(frame);
    return true;
}

void debug_step_end(struct trap_frame *frame)
{
    step = NULL;
    frame->eflags &= ~(uint32_t)EFLAGS_TF;
}

/* Its own code is stepped from here on; none of that is a pushfl. */
void debug_step_again(void)
{
    is_paused = false;
    if (step == NULL)
        return;
    stepped_from = (uint32_t)(uintptr_t)debug_step_again;
    cpu_set_flags(cpu_flags() | EFLAGS_TF);
}

bool debug_step_here(debug_fn *fn)
{
    if (step != NULL)
        return false;
    step = fn;
    has_stepped = true;
    turn();
    debug_step_again();
    return true;
}

void debug_step_stop(void)
{
    step = suspended = NULL;
    cpu_set_flags(cpu_flags() & ~(uint32_t)EFLAGS_TF);
}

/* The popfl is stepped still. */
void debug_step_pause(void)
{
    is_paused = step != NULL;
    if (is_paused)
        cpu_set_flags(cpu_flags() & ~(uint32_t)EFLAGS_TF);
}

void debug_step_back(struct trap_frame *frame)
{
    is_paused = false;
    if (step != NULL)
        step(frame);
    if (step != NULL)
        go_one(frame);
    else if (has_stepped)
        frame->eflags &= ~(uint32_t)EFLAGS_TF;
}

bool debug_on_breakpoint(bool (*fn)(struct trap_frame *frame))
{
    if (fn != NULL && on_breakpoint != NULL)
        return false;
    on_breakpoint = fn;
    turn();
    return true;
}

uintptr_t debug_where(const struct trap_frame *frame)
{
    struct trap_frame copy = *frame;

    if (on_breakpoint != NULL)
        on_breakpoint(&copy);
    return copy.eip;
}

/* ---- exceptions ------------------------------------------------------------------ */

/* TF is on in no flags that were pushed. */
static void stepped(struct trap_frame *frame)
{
    const uint8_t *instruction = (const uint8_t *)(uintptr_t)stepped_from;
    uint32_t *top = (uint32_t *)(frame + 1);

    if (step == NULL || is_paused) {
        frame->eflags &= ~(uint32_t)EFLAGS_TF;
        return;
    }
    if (*instruction == PUSHFL)
        *top &= ~(uint32_t)EFLAGS_TF;
    step(frame);
    if (step != NULL)
        go_one(frame);
}

/* Of one instruction several may come at once. */
bool debug_exception(struct trap_frame *frame)
{
    uint32_t dr6 = cpu_dr6();
    bool known = false;

    if (frame->vector == TRAP_BREAKPOINT)
        return on_breakpoint != NULL && on_breakpoint(frame);
    cpu_set_dr6(0);
    for (unsigned n = 0; n < DEBUG_REGISTERS; n++)
        if (dr6 >> n & 1 && watches[n].fn != NULL) {
            watches[n].fn(frame);
            known = true;
        }
    if (dr6 & DR6_STEP && has_stepped) {
        stepped(frame);
        known = true;
    }
    return known;
}

/* Whatever stands in step: at the fault of a call to it there is none any more. */
void debug_suspend(struct trap_frame *frame)
{
    debug_fn *fn = step;

    suspended = NULL;
    is_suspended = true;
    cpu_set_dr7(0);
    cpu_set_dr6(0);
    debug_step_end(frame);
    if (fn != NULL)
        fn(frame);
    suspended = fn;
    if (on_breakpoint != NULL && frame->vector != TRAP_BREAKPOINT)
        on_breakpoint(frame);
}

void debug_resume(void)
{
    step = suspended;
    suspended = NULL;
    has_stepped |= step != NULL;
    turn();
}
