/*
 * calls.c - the newest calls of functions and their returns, in a ring.
 *
 * As the ring of events (ring.c): the oldest are overwritten, and who reads by numbers
 * notices.  But this one is written where no function may be called that is noticed itself:
 * see probe.c, by which each row comes.
 */
#include "kernel/trace/calls.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "mm/port.h"

enum { ROOM = 2048 };

static struct traced_call ring[ROOM];
static uint32_t written, forgotten;     /* numbers: the next one, the first that counts */

static void note(uint32_t function, uint32_t value, unsigned depth, uint32_t eflags,
                 bool is_left)
{
    struct traced_call *call = &ring[written++ % ROOM];

    call->function = function;
    call->value = value;
    call->ticks = timer_ticks();
    call->task = shell_running != NULL ? shell_running->name : "shell";
    call->command = (uint16_t)guard_command();
    call->depth = (uint8_t)depth;
    call->is_left = is_left;
    call->in_interrupt = mm_state & MM_IRQ;
    call->irqs_off = !(eflags & EFLAGS_IF);
}

void calls_entered(uint32_t function, uintptr_t from, unsigned depth, uint32_t eflags)
{
    note(function, (uint32_t)from, depth, eflags, false);
}

void calls_left(uint32_t function, uint32_t time, unsigned depth, uint32_t eflags)
{
    note(function, time, depth, eflags, true);
}

void calls_clear(void)
{
    forgotten = written;
}

uint32_t calls_begin(void)
{
    return forgotten;
}

bool calls_next(uint32_t *number, struct traced_call *call)
{
    uint32_t flags = irq_save();
    bool is_there;

    if (*number < forgotten)
        *number = forgotten;
    if (written > ROOM && *number < written - ROOM)
        *number = written - ROOM;
    is_there = *number < written;
    if (is_there)
        *call = ring[*number % ROOM];
    irq_restore(flags);
    return is_there;
}

uint32_t calls_written(void)
{
    return written;
}

uint32_t calls_room(void)
{
    return ROOM;
}
