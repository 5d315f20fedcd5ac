/*
 * log.c - printk as code written for Linux uses it, and formats; for tests/qemu.
 */
#define pr_fmt(fmt) "log: " fmt

#include "kernel/printk.h"
#include "kernel/shell.h"

static int cmd_log(int argc, char **argv)
{
    pr_info("one\n");
    pr_info("two");
    pr_err("three\nfour\n\nsix\n");
    printk(KERN_NOTICE "go");
    pr_cont("es ");
    printk(KERN_CONT "on %d\n", argc);
    pr_info("ends");
    kprintf("between\n");
    pr_cont("cont\n");
    pr_debug("debug\n");
    printk("plain\n");
    pr_info("last");
    return 0;
}

static int cmd_names(int argc, char **argv)
{
    kprintf("%pS %ps %ps\n", cmd_names, cmd_names, argv);
    return argc == 0;
}

SHELL_COMMAND(names, "", "print addresses by name", cmd_names);
SHELL_COMMAND(log, "", "write to the log", cmd_log);
