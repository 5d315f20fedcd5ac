/*
 * cmd_system.c - the machine: params, dmesg, uptime, backtrace, and the ways out.
 *
 * Each is a few lines around what another file does; what they show is told there.
 */
#include "drivers/power.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/cpu/timer.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"

/* ---- params ------------------------------------------------------------- */

static void print_param(const struct kernel_param *param, bool json)
{
    const char *equals = param->value_name[0] != 0 ? "=" : "";

    if (!json) {
        int written = kprintf("%s%s%s", param->name, equals, param->value_name);

        kprintf("%*s%s", written < 36 ? 36 - written : 2, "", param->help);
        if (param->get != NULL && param->get()[0] != 0)
            kprintf(" (now %s)", param->get());
        kprintf("\n");
        return;
    }
    kprintf("{\"name\": \"%s\", \"value\": ", param->name);
    json_string(param->value_name);
    kprintf(", \"help\": ");
    json_string(param->help);
    if (param->get != NULL) {
        kprintf(", \"now\": ");
        json_string(param->get());
    }
    kprintf("}\n");
}

/* NAME=VALUE, of those that can be changed at run time. */
static int set_param(char *text)
{
    char *value = strchr(text, '=');

    if (value != NULL)
        *value++ = 0;
    for (const struct kernel_param *param = params_begin(); param < params_end();
         param++) {
        if (strcmp(param->name, text) != 0)
            continue;
        if (param->get == NULL) {
            kprintf("params: %s is read at boot: reboot with it\n", text);
            return SHELL_FAILED;
        }
        if (!param->set(value != NULL ? value : ""))
            return SHELL_FAILED;
        kprintf("%s=%s\n", text, param->get()[0] != 0 ? param->get() : "off");
        return SHELL_OK;
    }
    return shell_usage("no parameter is called \"%s\"", text);
}

static int cmd_params(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc == 2)
        return set_param(argv[1]);
    for (const struct kernel_param *param = params_begin(); param < params_end();
         param++)
        print_param(param, json);
    if (json) {
        kprintf("{\"given\": ");
        json_string(params_line());
        kprintf("}\n");
    } else {
        kprintf("given: %s\n", params_line()[0] != 0 ? params_line() : "none");
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", params, "[NAME=VALUE] [-j]",
    "kernel parameters, and what was given",
    "Parameters stand on the kernel's command line and are named as in Linux:\n"
    "    make run CMDLINE=\"mem=16M kmemleak=off\"\n"
    "Some can be set at the prompt as well: red zones and poison for kmalloc-64, say.\n"
    "    params slub_debug=ZP,kmalloc-64",
    cmd_params);

/* ---- dmesg, uptime, backtrace ------------------------------------------- */

static int cmd_dmesg(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    printk_dump_log();
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", dmesg, "", "the kernel's log",
    "Every line that printk wrote, with seconds since boot, those too that\n"
    "loglevel= or quiet kept from the console.",
    cmd_dmesg);

static int cmd_uptime(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    uint32_t ticks = timer_ticks();

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    kprintf(json ? "{\"seconds\": %u.%02u, \"ticks\": %u, \"lost_input\": %u}\n"
                 : "up %u.%02u s, %u timer ticks; %u bytes of input lost\n",
            (unsigned)(ticks / TIMER_HZ),
            (unsigned)(ticks % TIMER_HZ * 100 / TIMER_HZ), (unsigned)ticks,
            (unsigned)console_overruns());
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", uptime, "[-j]", "time and timer ticks since boot", NULL,
    cmd_uptime);

static int cmd_backtrace(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    backtrace_print();
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", backtrace, "", "the calls that led here",
    "From this command outwards, as function+offset/size: the offset is where the\n"
    "call returns to.  Reports of faults show the same.",
    cmd_backtrace);

/* ---- the ways out ------------------------------------------------------- */

static int cmd_exit(int argc, char **argv)
{
    uint32_t status = (uint32_t)shell_status();

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc == 2 && !shell_number(argv[1], "STATUS", &status))
        return SHELL_USAGE;
    if (status > 63)
        return shell_usage("%u is not a status from 0 to 63", (unsigned)status);
    power_exit(status);
}

SHELL_COMMAND_IN("system", exit, "[STATUS]", "end QEMU with a status",
    "Without STATUS: that of the first command since boot that failed, else 0.\n"
    "`make exec` ends with it.  On a machine without QEMU's test exit: poweroff.",
    cmd_exit);

static int cmd_reboot(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    power_reboot();
}

SHELL_COMMAND_IN("system", reboot, "", "start the machine again",
    "All that is live is gone, and so is what has leaked.", cmd_reboot);

static int cmd_poweroff(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    power_off();
}

SHELL_COMMAND_IN("system", poweroff, "", "switch the machine off", NULL, cmd_poweroff);
