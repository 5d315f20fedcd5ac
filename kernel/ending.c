/*
 * ending.c - when the running command is to be ended from outside: Ctrl-C, the watchdogs.
 *
 *     Ctrl-C          asks: a command that asks shell_interrupted() ends by itself
 *       + GRACE       and one that has not by then is shown, and ended, as it is at a
 *                     second Ctrl-C
 *       at the prompt it stops handlers that commands have left, if these have taken all
 *                     the time there is for so long
 *     watchdog=N      a command that runs longer than N seconds is shown, and ended
 *     interrupts off  nothing of this happens, for it happens at the end of interrupts:
 *                     but a device that nobody has fed for 4 s raises an NMI, which is an
 *                     exception, and so ends what runs (make run: QEMU's ib700)
 *
 * How a command is ended, and how it waits for mm, is told in kernel/cpu/guard.c.  A line's
 * outermost command is what is ended: whoever types Ctrl-C wants none of it.
 *
 * A command may have taken the timer, the serial line's interrupts or both: so at each
 * interrupt what was typed is looked for, and GRACE is counted in interrupts.
 */
#include "kernel/ending.h"

#include <stddef.h>

#include "drivers/pic.h"
#include "drivers/pit.h"
#include "drivers/watchdog.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/debug.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/lines.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/symbols.h"

enum { GRACE = TIMER_HZ / 4 };          /* interrupts: 0.25 s, if nothing is typed */
enum { MAX_SECONDS = 24 * 60 * 60, NAME_SIZE = 80 };

static const char *(*running)(void);
static uint32_t limit;                  /* of a command, in ticks; 0: none */

/* The command that is judged. */
static struct {
    uint32_t number, began;             /* guard_outermost(); in ticks */
    unsigned waited;                    /* interrupts, since Ctrl-C came */
    bool is_told;
    /* At the prompt: */
    unsigned hogged;                    /* interrupts behind which a tick waits, in a row */
    bool asked;                         /* by Ctrl-C meanwhile */
    int heard;                          /* how many Ctrl-C are known of */
} judged;

static bool set_watchdog(const char *value)
{
    uint64_t seconds;

    if (!parse_size(value, &seconds) || seconds > MAX_SECONDS)
        return false;
    limit = (uint32_t)seconds * TIMER_HZ;
    return true;
}

KERNEL_PARAM(watchdog, "SECONDS", "end a command that runs longer (0: none is)",
             set_watchdog);

void ending_init(const char *(*name)(void))
{
    running = name;
    watchdog_init(cpu_is_qemu());
}

/* Has Ctrl-C been typed so long ago, or so often, that asking is over? */
static bool is_interrupted(void)
{
    int times = console_interrupted();

    judged.heard = times;
    judged.waited = times > 0 ? judged.waited + 1 : 0;
    return times > 1 || judged.waited > GRACE;
}

static void tell_stopped(uintptr_t handler)
{
    char name[NAME_SIZE];

    pr_err("Ctrl-C: handlers leave the prompt no time; not called any more: %s",
           symbol_format(handler, name, sizeof(name)));
}

/*
 * Nothing of a command is under way but what it has set up.  Where the next tick waits at
 * the end of each, for GRACE of them, that leaves the prompt no time.
 */
static void judge_prompt(void)
{
    int times = console_interrupted();

    judged.hogged = pic_is_waiting(PIT_IRQ) ? judged.hogged + 1 : 0;
    judged.asked = judged.hogged > 0 && (judged.asked || times > judged.heard);
    judged.heard = times;
    if (!judged.asked || judged.hogged < GRACE)
        return;
    judged.hogged = 0;
    timer_stop_of(1, tell_stopped);
    irq_drop_of(1, tell_stopped);
}

/* Where it is, once: the end may wait for mm, and then comes elsewhere. */
static void tell(const struct trap_frame *frame, bool is_overtime)
{
    char place[LINE_TEXT_SIZE];
    uintptr_t where = debug_where(frame);

    if (judged.is_told)
        return;
    judged.is_told = true;
    line_format(where, where, place, sizeof(place));
    if (is_overtime)
        pr_err("watchdog: %s has run for %u s, and is now in %s", running(),
               (unsigned)(limit / TIMER_HZ), place);
    else
        pr_err("Ctrl-C: %s is now in %s", running(), place);
    pr_err("called from:");
    backtrace_log_from(where, frame->esp_at_push + 5 * sizeof(uint32_t), frame->ebp);
}

static bool is_overtime(void)
{
    return limit != 0 && timer_ticks() - judged.began >= limit;
}

void ending_judge(const struct trap_frame *frame)
{
    uint32_t command = guard_outermost();

    watchdog_feed();
    console_look();
    if (command != judged.number) {
        judged.number = command;
        judged.began = timer_ticks();
        judged.waited = judged.hogged = 0;
        judged.is_told = judged.asked = false;
    }
    if (command == 0) {
        judge_prompt();
        return;
    }

    bool interrupted = is_interrupted(), overtime = !interrupted && is_overtime();

    if (interrupted || overtime) {
        tell(frame, overtime);
        guard_want(command, interrupted ? "Ctrl-C" : "the watchdog");
    }
}
