/*
 * nested.c - calls under guard while an interrupt handler has one of its own.
 *
 *     marbles> nested 200
 *     200 ticks, and each call was alone
 *
 *     call --> guard_call( nothing ) --> is all as it was?  --> the next call
 *               ^
 *     tick -----+--> handler, under its guard
 *
 * A call is hardly longer than what its guard does, so of some ticks one comes wherever
 * it can come: while the guard is set up as well, or put away.  None may take the
 * other's place: else the call "puts back" what was so in the handler, which is interrupts
 * off, and an mm that takes itself to be in an interrupt.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "mm/port.h"

static void nothing(void *unused)
{
    (void)unused;
}

static bool is_as_it_was(void)
{
    return !(mm_state & MM_IRQ) && cpu_flags() & EFLAGS_IF;
}

/* Calls of different lengths: else the ticks would come at the same places each time. */
static void idle_for(uint32_t rounds)
{
    while (rounds-- > 0)
        __asm__ volatile("");
}

static int tell(uint32_t first, bool is_whole)
{
    mm_irq_end();
    irq_enable();
    timer_stop(nothing, NULL);
    if (is_whole)
        kprintf("%u ticks, and each call was alone\n",
                (unsigned)(timer_ticks() - first));
    else
        kprintf("nested: a call has put back what was so in a handler\n");
    return is_whole ? SHELL_OK : SHELL_FAILED;
}

static int cmd_nested(int argc, char **argv)
{
    uint32_t first = timer_ticks(), ticks;

    if (argc != 2 || !shell_number(argv[1], "TICKS", &ticks))
        return shell_usage("for how many TICKS");
    if (!timer_every_tick(nothing, NULL)) {
        kprintf("nested: no place left at the timer\n");
        return SHELL_FAILED;
    }
    for (uint32_t n = 0; is_as_it_was() && timer_ticks() - first < ticks; n++) {
        idle_for(n % 61);
        guard_call(nothing, NULL);
    }
    return tell(first, is_as_it_was());
}

SHELL_COMMAND(nested, "TICKS", "calls under guard, and handlers in between", cmd_nested);
