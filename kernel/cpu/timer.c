/*
 * timer.c - ticks, and what runs at each of them.
 *
 *     PIT --IRQ 0, 100 a second--> tick() --> every handler in the table
 *
 * Handlers run in the interrupt: short, without sleeping, with GFP_ATOMIC.  A
 * handler may add or stop handlers, itself included.  Each runs under a guard of its
 * own (guard.c): one that faults is ended, and taken out.
 *
 * Time is told in ticks alone, so that what the kernel prints does not depend on
 * the speed of the machine.  Ticks are lost if interrupts stay off for more than
 * 10 ms.
 */
#include "kernel/cpu/timer.h"

#include <stddef.h>

#include "drivers/pic.h"
#include "drivers/pit.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/trap.h"
#include "mm/scan/scan.h"

enum { MAX_HANDLERS = 8, ROUNDS = 10000, AROUND = 16 };       /* of a known loop */

static struct handler {
    void (*fn)(void *arg);              /* NULL: the place is free */
    void *arg;
    uint32_t command;                   /* that has added it; 0: the kernel */
} handlers[MAX_HANDLERS] MM_SCANNED;    /* of a free place nothing is left: it is a root */

static volatile uint32_t ticks;
static bool has_tsc;
static uint32_t tsc, tsc_of_tick;       /* at the last tick; how much of it passes in one */

static void take_out(struct handler *handler)
{
    *handler = (struct handler){ .fn = NULL };
}

static void call_handler(void *arg)
{
    const struct handler *handler = arg;

    handler->fn(handler->arg);
}

static void run_guarded(struct handler *handler)
{
    struct handler before = *handler;
    struct guard_end end = guard_call_handler(call_handler, &before, before.command);

    if (!end.ended)
        return;
    if (handler->fn == before.fn)
        take_out(handler);              /* it would fault again */
    guard_handler_ended((uintptr_t)before.fn, before.command, &end);
}

static void measure(void)
{
    uint32_t now = cpu_tsc();

    tsc_of_tick = now - tsc;
    tsc = now;
}

static void tick(void)
{
    ticks++;
    if (has_tsc)
        measure();
    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn != NULL)
            run_guarded(&handlers[i]);
}

void timer_init(void)
{
    has_tsc = cpu_features() & CPUID_1_EDX_TSC;
    irq_handle(PIT_IRQ, tick);
    pit_start(TIMER_HZ);
    pic_enable(PIT_IRQ);
}

bool timer_put_back(void)
{
    if (pit_is_started())
        return false;
    pit_start(TIMER_HZ);
    return true;
}

uint32_t timer_ticks(void)
{
    return ticks;
}

uint32_t timer_tsc_of_tick(void)
{
    return tsc_of_tick;
}

/* Two instructions a round; not inlined, for what is around it must be alike too. */
static __attribute__((noinline)) uint32_t known_loop(void)
{
    uint32_t rounds = ROUNDS, flags = irq_save(), start = cpu_tsc();

    __asm__ volatile("1: decl %0; jnz 1b" : "+r"(rounds) : : "cc");

    uint32_t time = cpu_tsc() - start;

    irq_restore(flags);
    return time;
}

enum timer_tsc timer_tsc_kind(void)
{
    uint32_t first, second, third;

    if (!(cpu_features() & CPUID_1_EDX_TSC))
        return TSC_NONE;
    first = known_loop();
    second = known_loop();
    third = known_loop();
    if (first == 0)
        return TSC_STANDS_STILL;
    return first == second && second == third && first >= 2 * ROUNDS &&
           first <= 2 * ROUNDS + AROUND ? TSC_INSTRUCTIONS : TSC_TIME;
}

static struct handler *free_place(void)
{
    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn == NULL)
            return &handlers[i];
    return NULL;
}

bool timer_every_tick(void (*fn)(void *arg), void *arg)
{
    uint32_t flags = irq_save();
    struct handler *place = free_place();

    if (place != NULL)
        *place = (struct handler){ fn, arg, guard_command() };
    irq_restore(flags);
    return place != NULL;
}

void timer_stop(void (*fn)(void *arg), void *arg)
{
    uint32_t flags = irq_save();

    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn == fn && handlers[i].arg == arg)
            take_out(&handlers[i]);
    irq_restore(flags);
}

unsigned timer_stop_of(uint32_t command, void (*tell)(uintptr_t handler))
{
    uint32_t flags = irq_save();
    unsigned n = 0;

    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn != NULL && handlers[i].command >= command) {
            uintptr_t fn = (uintptr_t)handlers[i].fn;

            take_out(&handlers[i]);
            n++;
            if (tell != NULL)
                tell(fn);
        }
    irq_restore(flags);
    return n;
}

/*
 * The CPU takes no interrupt between sti and the instruction behind it (SDM 2B).
 * Asking for the frame makes the compiler set one up, which it would spare here:
 * so a backtrace from the interrupt shows who sleeps.
 */
void cpu_idle(void)
{
    __asm__ volatile("sti; hlt" : : "r"(__builtin_frame_address(0)) : "memory");
}
