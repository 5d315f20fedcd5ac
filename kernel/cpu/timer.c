/*
 * timer.c - ticks, and what runs at each of them.
 *
 *     PIT --IRQ 0, 100 a second--> tick() --> every handler in the table
 *
 * Handlers run in the interrupt: short, without sleeping, with GFP_ATOMIC.  A
 * handler may add or stop handlers, itself included.
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
#include "kernel/cpu/trap.h"

enum { MAX_HANDLERS = 8 };

static struct handler {
    void (*fn)(void *arg);              /* NULL: the place is free */
    void *arg;
} handlers[MAX_HANDLERS];

static volatile uint32_t ticks;

static void tick(void)
{
    ticks++;
    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn != NULL)
            handlers[i].fn(handlers[i].arg);
}

void timer_init(void)
{
    irq_handle(PIT_IRQ, tick);
    pit_start(TIMER_HZ);
    pic_enable(PIT_IRQ);
}

uint32_t timer_ticks(void)
{
    return ticks;
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
        *place = (struct handler){ fn, arg };
    irq_restore(flags);
    return place != NULL;
}

void timer_stop(void (*fn)(void *arg), void *arg)
{
    uint32_t flags = irq_save();

    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        if (handlers[i].fn == fn && handlers[i].arg == arg)
            handlers[i].fn = NULL;
    irq_restore(flags);
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
