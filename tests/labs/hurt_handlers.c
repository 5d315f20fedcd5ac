/*
 * hurt_handlers.c - mistakes in interrupt handlers.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/cpu/trap.h"
#include "kernel/line/readline.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "tests/labs/hurt.h"

/* A way irq_NAME: the body in a handler of the timer, once. */
#define IN_HANDLER(name, body)                      \
    HURT(do_##name) body                            \
    HURT(irq_##name) { hurt_in_handler(do_##name); }

static void nothing(void) { __asm__ volatile(""); }

IN_HANDLER(null, { *word(0) = 1; })
IN_HANDLER(opcode, { __asm__ volatile("ud2"); })
IN_HANDLER(recursion, { hurt_recursion(); })
IN_HANDLER(panic, { panic("from a handler"); })
IN_HANDLER(loop, { for (;;) nothing(); })
IN_HANDLER(loop_irq_on, { irq_enable(); for (;;) nothing(); })
IN_HANDLER(idle, { cpu_idle(); })
IN_HANDLER(kernel, { kfree(kmalloc(64, GFP_KERNEL)); })
IN_HANDLER(atomic, { kfree(kmalloc(64, GFP_ATOMIC)); })
IN_HANDLER(print, { kprintf("from a handler\n"); })
IN_HANDLER(check, { kprintf("%s\n", mm_check() == NULL ? "whole" : "broken"); })
IN_HANDLER(reclaim, { mm_reclaim(); })
IN_HANDLER(shell, { shell_run("meminfo -j; kmalloc 100; check"); })
IN_HANDLER(hurt, { shell_run("hurt null_write"); })

IN_HANDLER(double_free, {
    void *object = kmalloc(64, GFP_ATOMIC);

    kfree(object);
    kfree(object);
})

IN_HANDLER(readline, {
    char line[64];

    readline("handler> ", line, sizeof(line));
})

/* ---- handlers that stay --------------------------------------------------------- */

static void at_each_null(void *unused) { *word((uintptr_t)unused) = 1; }
HURT(stays_null) { timer_every_tick(at_each_null, NULL); }

static void at_each_count(void *counter) { ++*(volatile int *)counter; }

HURT(stays_dangling)
{
    int local = 0;

    timer_every_tick(at_each_count, &local);
}

HURT(stays_too_many)
{
    for (unsigned i = 0; i < 20; i++)
        timer_every_tick(at_each_count, hidden((uintptr_t)&hurt_sink));
}

HURT(stays_wild) { timer_every_tick((void (*)(void *))hidden(0x41414141), NULL); }

/* It takes longer than a tick, and nothing else gets to run. */
static void at_each_spin(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 20 * 1000 * 1000; i++)
        nothing();
}

static void at_each_lines(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 200; i++)
        kprintf("line %u of a handler that says a lot, as a first driver does\n", i);
}

HURT(stays_slow) { timer_every_tick(at_each_spin, NULL); }
HURT(stays_slow_twice) { stays_slow(); timer_every_tick(at_each_spin, hidden(1)); }
HURT(stays_loud) { timer_every_tick(at_each_lines, NULL); }

/* On the shell's stack: when it does so the command has returned. */
static void at_each_deeper(void *unused)
{
    static unsigned ticks;

    (void)unused;
    if (shell_running == NULL && ++ticks > 10)
        hurt_recursion();
}

HURT(stays_recursion) { timer_every_tick(at_each_deeper, NULL); }

static void *volatile taken;

static void at_each_leak(void *unused)
{
    (void)unused;
    taken = kmalloc(1000, GFP_ATOMIC);
}

HURT(stays_leaking) { timer_every_tick(at_each_leak, NULL); }

HURT(irq_wild)
{
    irq_handle(0, (void (*)(void))hidden(0xdeadbeef));
    for (;;)
        nothing();
}
/* ---- lines that the kernel needs ------------------------------------------------- */

enum { TIMER = 0, SERIAL = 4 };

HURT(irq_timer_nobody) { irq_handle(TIMER, NULL); }
HURT(irq_timer_mine) { irq_handle(TIMER, nothing); }
HURT(irq_timer_loop) { irq_handle(TIMER, nothing); for (;;) nothing(); }
HURT(irq_timer_fault) { irq_handle(TIMER, NULL); *word(0) = 1; }
HURT(irq_serial_nobody) { irq_handle(SERIAL, NULL); }
HURT(irq_serial_mine) { irq_handle(SERIAL, nothing); }
HURT(irq_serial_loop) { irq_handle(SERIAL, nothing); for (;;) nothing(); }
HURT(irq_serial_fault) { irq_handle(SERIAL, NULL); *word(0) = 1; }
HURT(irq_both_mine) { irq_handle(TIMER, nothing); irq_handle(SERIAL, nothing); }
HURT(irq_both_loop) { irq_both_mine(); for (;;) nothing(); }
HURT(irq_9999) { irq_handle(9999, do_null); }

/* A handler that allocates, in the midst of a command that does. */
static void at_each_atomic(void *unused)
{
    (void)unused;
    kfree(kmalloc(64, GFP_ATOMIC));
}

HURT(irq_while_busy)
{
    uint32_t begin = timer_ticks();

    timer_every_tick(at_each_atomic, NULL);
    while (timer_ticks() - begin < 50)
        kfree(kmalloc(100, GFP_KERNEL));
    timer_stop(at_each_atomic, NULL);
}

const struct hurt_way hurt_handlers[] = {
    WAY(irq_null), WAY(irq_opcode), WAY(irq_recursion), WAY(irq_panic), WAY(irq_loop),
    WAY(irq_loop_irq_on), WAY(irq_idle), WAY(irq_kernel), WAY(irq_atomic),
    WAY(irq_print), WAY(irq_check), WAY(irq_reclaim), WAY(irq_shell), WAY(irq_hurt),
    WAY(irq_double_free), WAY(irq_readline), WAY(stays_null), WAY(stays_dangling),
    WAY(stays_too_many), WAY(stays_wild), WAY(stays_leaking), WAY(stays_recursion), WAY(stays_slow), WAY(stays_slow_twice), WAY(stays_loud), WAY(irq_wild),
    WAY(irq_timer_nobody), WAY(irq_timer_mine), WAY(irq_timer_loop),
    WAY(irq_timer_fault), WAY(irq_serial_nobody), WAY(irq_serial_mine),
    WAY(irq_serial_loop), WAY(irq_serial_fault), WAY(irq_both_mine), WAY(irq_both_loop), WAY(irq_9999), WAY(irq_while_busy), { NULL, NULL },
};
