/*
 * hurt.c - ways in which a C program can hurt its kernel, one word each.
 *
 *     marbles> hurt null_write
 *
 * `hurt` alone lists them.  Each says its name, and is made in a function of that name;
 * one that comes to its end says "came back".  What the kernel makes of each is in
 * tests/qemu/test_hurt.py.  The ways are in the files beside this one, by what they hurt.
 */
#include "tests/labs/hurt.h"

#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

volatile unsigned hurt_sink;

static const struct hurt_way *const ways[] = {
    hurt_pointers, hurt_stacks, hurt_instructions, hurt_loops, hurt_handlers,
    hurt_objects, hurt_frees, hurt_calls, hurt_books, hurt_kernel, hurt_texts,
    hurt_shell,
};

char *hurt_object(size_t n)
{
    char *object = kmalloc(n, GFP_KERNEL);

    kprintf("%p\n", (void *)object);
    return object;
}

void hurt_fill(const volatile void *at, size_t n, int value)
{
    for (volatile uint8_t *p = hidden((uintptr_t)at); n-- > 0; p++)
        *p = (uint8_t)value;
}

void hurt_noise(const volatile void *at, size_t n)
{
    static uint32_t seed = 1;

    for (volatile uint8_t *p = hidden((uintptr_t)at); n-- > 0; p++) {
        seed = seed * 1664525 + 1013904223;
        *p = (uint8_t)(seed >> 24);
    }
}

/* ---- in the handler of the timer ------------------------------------------------ */

static void (*volatile next)(void);

static void at_tick(void *unused)
{
    void (*fn)(void) = next;

    (void)unused;
    next = NULL;
    if (fn != NULL)
        fn();
}

void hurt_in_handler(void (*fn)(void))
{
    uint32_t begin = timer_ticks();

    next = fn;
    timer_every_tick(at_tick, NULL);
    while (timer_ticks() - begin < 5)
        cpu_idle();
    timer_stop(at_tick, NULL);
}

/* ---- the command ---------------------------------------------------------------- */

static int cmd_hurt(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        for (const struct hurt_way *way = ways[i]; way->name != NULL; way++) {
            if (argc == 1)
                kprintf("%s\n", way->name);
            if (argc != 2 || strcmp(argv[1], way->name) != 0)
                continue;
            kprintf("hurt %s\n", way->name);
            way->make();
            kprintf("came back\n");
            return SHELL_OK;
        }
    return argc == 1 ? SHELL_OK : shell_usage("one WAY");
}

SHELL_COMMAND(hurt, "[WAY]", "hurt the kernel", cmd_hurt);
