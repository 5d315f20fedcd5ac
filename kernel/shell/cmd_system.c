/*
 * cmd_system.c - the machine: params, dmesg, uptime, backtrace, and the ways out.
 *
 * Each is a few lines around what another file does; what they show is told there.
 */
#include "drivers/power.h"
#include "drivers/serial.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/cpu/timer.h"
#include "kernel/line/tty.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { PARAM_SIZE = 160, PARAM_COLUMN = 36 };

/* ---- params ------------------------------------------------------------- */

/* The order of a listing: by file, and there as they are declared. */
static bool comes_before(const struct kernel_param *a, const struct kernel_param *b)
{
    int order = strcmp(a->file, b->file);

    return order != 0 ? order < 0 : a->line < b->line;
}

/* The next one behind `previous` (NULL: the first), or NULL. */
static const struct kernel_param *next_param(const struct kernel_param *previous)
{
    const struct kernel_param *best = NULL;

    for (const struct kernel_param *param = params_begin(); param < params_end(); param++)
        if ((previous == NULL || comes_before(previous, param)) &&
            (best == NULL || comes_before(param, best)))
            best = param;
    return best;
}

/* With its value now, if that can change: always, or only if it is on. */
static void print_param(const struct kernel_param *param, bool always)
{
    char call[PARAM_SIZE], now[PARAM_SIZE] = "";

    ksnprintf(call, sizeof(call), "%s%s%s", param->name,
              param->value_name[0] != 0 ? "=" : "", param->value_name);
    if (param->get != NULL && (always || param->get()[0] != 0))
        ksnprintf(now, sizeof(now), " (now %s)",
                  param->get()[0] != 0 ? param->get() : "off");
    kprint_wrapped(PARAM_COLUMN, "  %-*s%s%s%s", PARAM_COLUMN - 2, call,
                   strlen(call) < PARAM_COLUMN - 2 ? "" : "  ", param->help, now);
}

static void print_param_json(const struct kernel_param *param)
{
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

static void print_params(bool can_be_set)
{
    kprintf(can_be_set ? "Can be set here, by params NAME=VALUE, and at boot:\n"
                       : "Read at boot, from the kernel's command line:\n");
    for (const struct kernel_param *param = NULL; (param = next_param(param)) != NULL; )
        if ((param->get != NULL) == can_be_set)
            print_param(param, false);
}

/* NAME shows it, NAME=VALUE sets it, if that is possible at run time. */
static int one_param(char *text, bool json)
{
    char *value = strchr(text, '=');

    if (value != NULL)
        *value++ = 0;

    const struct kernel_param *param = params_find(text);

    if (param == NULL)
        return shell_usage("no parameter is called \"%s\"", text);
    if (value != NULL && param->get == NULL) {
        kprint_wrapped(0, "params: %s is read at boot: make run CMDLINE=\"%s=%s\"", text,
                       text, value);
        return SHELL_FAILED;
    }
    if (value != NULL && value[0] == 0)
        return shell_usage("%s: VALUE is missing", text);
    if (value != NULL && !param->set(value))
        return SHELL_FAILED;
    if (json)
        print_param_json(param);
    else if (value == NULL)
        print_param(param, true);
    else
        kprint_wrapped(0, "%s=%s", text, param->get()[0] != 0 ? param->get() : "off");
    return SHELL_OK;
}

static int cmd_params(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc == 2)
        return one_param(argv[1], json);
    if (json) {
        for (const struct kernel_param *param = NULL; (param = next_param(param)); )
            print_param_json(param);
        kprintf("{\"given\": ");
        json_string(params_line());
        kprintf("}\n");
        return SHELL_OK;
    }
    print_params(true);
    print_params(false);
    kprint_wrapped(0, "given: %s", params_line()[0] != 0 ? params_line() : "none");
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", params, "[NAME[=VALUE]] [-j]",
    "kernel parameters, and what was given",
    "Parameters stand on the kernel's command line and are named as in Linux:\n"
    "    make run CMDLINE=\"mem=16M kmemleak=off\"\n"
    "Some can be set at the prompt as well: red zones and poison for kmalloc-64, say.\n"
    "`params NAME` shows one, `params NAME=VALUE` sets it.\n"
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
    unsigned seconds = (unsigned)(ticks / TIMER_HZ);
    unsigned hundredths = (unsigned)(ticks % TIMER_HZ * 100 / TIMER_HZ);
    unsigned lost = (unsigned)console_overruns();
    unsigned noise = (unsigned)serial_noise(), unsent = (unsigned)serial_dropped();

    if (json)
        kprintf("{\"seconds\": %u.%02u, \"ticks\": %u, \"lost_input\": %u, "
                "\"noisy_input\": %u, \"lost_output\": %u}\n", seconds, hundredths,
                (unsigned)ticks, lost, noise, unsent);
    else
        kprint_wrapped(0, "up %u.%02u s, %u timer tick%s; lost: %u byte%s of input, %u of "
                       "output; %u noisy", seconds, hundredths, (unsigned)ticks,
                       plural(ticks), lost, plural(lost), unsent, noise);
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", uptime, "[-j]", "time since boot, and what the console lost",
    "Input is lost where more comes in than room is made for, and in the chip; noisy\n"
    "are breaks and damaged bytes; output is lost on a serial line that nobody reads.",
    cmd_uptime);

static int cmd_backtrace(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    backtrace_print();
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", backtrace, "", "the calls that led here",
    "From this command outwards, as function+offset/size (file:line): the offset is\n"
    "where the call returns to, the line that of the call.  What was inlined has the\n"
    "line it was inlined from.  Reports of faults show the same.",
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
    tty_take_answer();
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
    tty_take_answer();
    power_reboot();
}

SHELL_COMMAND_IN("system", reboot, "", "start the machine again",
    "All that is live is gone, and so is what has leaked.", cmd_reboot);

static int cmd_poweroff(int argc, char **argv)
{
    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    tty_take_answer();
    power_off();
}

SHELL_COMMAND_IN("system", poweroff, "", "switch the machine off", NULL, cmd_poweroff);
