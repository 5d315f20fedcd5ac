/*
 * hang.c - commands that do not end, each in a way of its own.
 *
 *     marbles> hang loop
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/look/observe.h"
#include "mm/mm.h"

#define HANG __attribute__((noinline)) static void

static volatile uint32_t turns;

HANG hang_loop(void)
{
    for (;;)
        turns++;
}

HANG hang_in_check(void)
{
    for (;;)
        mm_check();
}

HANG hang_taking(void)
{
    for (;;)
        kfree(kmalloc(100, GFP_KERNEL));
}

HANG hang_leaking(void)
{
    for (;;)
        if (kmalloc(2000, GFP_KERNEL | __GFP_NOWARN) == NULL)
            turns++;
}

HANG hang_printing(void)
{
    for (;;)
        kprintf("again and again and again\n");
}

HANG hang_in_commands(void)
{
    for (;;)
        shell_run("check; meminfo");
}

static void never_ends(void *object)
{
    *(char *)object = 0;
    hang_loop();
}

HANG hang_in_constructor(void)
{
    struct kmem_cache *cache = kmem_cache_create("endless", 64, 0, 0, never_ends);

    kprintf("%p\n", kmem_cache_alloc(cache, GFP_KERNEL));
}

HANG hang_with_interrupts_off(void)
{
    irq_disable();
    hang_loop();
}

HANG hang_halted(void)
{
    __asm__ volatile("cli; hlt");
}

static void endless_handler(void *unused)
{
    (void)unused;
    hang_loop();
}

HANG hang_in_handler(void)
{
    timer_every_tick(endless_handler, NULL);
    hang_loop();
}

/* The next tick has come before it returns, so nothing else runs any more. */
static void slow_handler(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10 * 1000 * 1000; i++)
        turns++;
}

HANG hang_in_ticks(void)
{
    timer_every_tick(slow_handler, NULL);
    hang_loop();
}

static void leaking_handler(void *unused)
{
    (void)unused;
    turns += kmalloc(100, GFP_ATOMIC) != NULL;
}

HANG hang_while_handler_leaks(void)
{
    timer_every_tick(leaking_handler, NULL);
    hang_loop();
}

static void count_turns(void *unused)
{
    (void)unused;
    turns++;
}

static void look_on(const struct mm_event *event, void *arg)
{
    turns += event->kind == MM_ALLOCATED && arg == NULL;
}

static struct mm_observer observer = { .saw = look_on };

/* What it has switched is put back. */
HANG hang_with_all_switched(void)
{
    timer_every_tick(count_turns, NULL);
    mm_observe(&observer);
    console_loglevel = 8;
    shell_run("params slub_debug=P,kmalloc-64");
    hang_with_interrupts_off();
}

static const struct {
    const char *name;
    void (*how)(void);
} hangs[] = {
    { "loop", hang_loop },
    { "check", hang_in_check },
    { "taking", hang_taking },
    { "leaking", hang_leaking },
    { "printing", hang_printing },
    { "commands", hang_in_commands },
    { "constructor", hang_in_constructor },
    { "irq-off", hang_with_interrupts_off },
    { "halted", hang_halted },
    { "handler", hang_in_handler },
    { "ticks", hang_in_ticks },
    { "handler-leaks", hang_while_handler_leaks },
    { "switched", hang_with_all_switched },
};

static int cmd_hang(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(hangs) / sizeof(hangs[0]); i++)
        if (strcmp(argv[1], hangs[i].name) == 0) {
            kprintf("it hangs\n");
            hangs[i].how();
        }
    return shell_usage("one KIND of hanging");
}

SHELL_COMMAND(hang, "KIND", "never end", cmd_hang);
