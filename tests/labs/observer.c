/*
 * observer.c - debug code of one's own: an observer that prints what is allocated and
 * freed, from `spy on` to `spy off`.
 *
 *     make run LAB=tests/labs/observer.c
 *     marbles> spy on; kmalloc 100; kfree $1; spy off
 */
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/look/observe.h"

static void saw(const struct mm_event *event, void *arg)
{
    static const char *const what[] = { "allocated", "freeing", "resized", "failed" };
    char caller[80];

    (void)arg;
    kprintf("spy: %s %p, serial %u, %u bytes: %s%s\n", what[event->kind], event->p,
            (unsigned)event->serial, (unsigned)event->bytes, event->call,
            site_caller(event->site, caller, sizeof(caller)));
}

static struct mm_observer spy = { .saw = saw };

static int cmd_spy(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "on") == 0)
        mm_observe(&spy);
    else if (argc == 2 && strcmp(argv[1], "off") == 0)
        mm_unobserve(&spy);
    else
        return shell_usage("on or off");
    return SHELL_OK;
}

SHELL_COMMAND(spy, "on|off", "print each allocation and free", cmd_spy);
