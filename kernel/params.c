/*
 * params.c - kernel parameters from the Multiboot command line.
 *
 *     build/marbles.elf mem=16M quiet run="kmalloc 100; say \"hi\""
 *     \_______________/ \_____/ \___/ \___________________________/
 *      QEMU's -kernel    value  flag   quotes keep blanks together
 *
 * The line is copied, then cut into parameters in place: a value keeps its place
 * in the copy and lives as long as the kernel.  Parameters are structs that
 * KERNEL_PARAM puts into the linker section "kernel_params".
 *
 * Rules:
 *   - what is unknown or malformed is named in the log and skipped;
 *   - of a line that is too long the parameter at the cut is not taken; commands that
 *     lost their end are not run at all;
 *   - given twice, the last one counts; but console= may be given for each place.
 *
 * Quotes may also stand around the whole, as GRUB writes them: "run=a; b".
 *
 * This file also has the parameters of the log and the console, and run=.
 */
#include "kernel/params.h"

#include "kernel/console.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { LINE_SIZE = 4096 };

extern const struct kernel_param __start_kernel_params[], __stop_kernel_params[];

static char given[LINE_SIZE];           /* as it came */
static char text[LINE_SIZE];            /* cut into pieces */
static const char *run_line = "";
static bool is_cut;

const struct kernel_param *params_find(const char *name)
{
    for (const struct kernel_param *param = params_begin(); param < params_end(); param++)
        if (strcmp(param->name, name) == 0)
            return param;
    return NULL;
}

const struct kernel_param *params_begin(void)
{
    return __start_kernel_params;
}

const struct kernel_param *params_end(void)
{
    return __stop_kernel_params;
}

const char *params_line(void)
{
    return given;
}

const char *params_run(void)
{
    return run_line;
}

/* ---- numbers ------------------------------------------------------------- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return 16;
}

static unsigned shift_of(char unit)
{
    switch (unit | 0x20) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    default: return 0;
    }
}

bool parse_size(const char *at, uint64_t *value)
{
    int base = at[0] == '0' && (at[1] | 0x20) == 'x' ? 16 : 10;
    const char *digits = base == 16 ? at + 2 : at;

    *value = 0;
    for (at = digits; digit_value(*at) < base; at++) {
        if (*value >> 59 != 0)
            return false;               /* 16 times as much would not fit */
        *value = *value * (unsigned)base + (unsigned)digit_value(*at);
    }
    if (at == digits)
        return false;

    unsigned shift = shift_of(*at);

    if (shift > 0)
        at++;
    if (*value >> (63 - shift) != 0)
        return false;
    *value <<= shift;
    return *at == 0;
}

/* ---- the line ------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* QEMU puts the kernel's path first; it is told by its "/" or "." and no "=". */
static const char *skip_path(const char *line)
{
    const char *at = skip_blanks(line);
    bool is_path = false;

    for (; *at != 0 && !is_blank(*at); at++) {
        if (*at == '=' || *at == '"')
            return line;
        is_path |= *at == '/' || *at == '.';
    }
    return is_path ? at : line;
}

static void set(const char *name, const char *value)
{
    for (const struct kernel_param *param = params_begin(); param < params_end();
         param++) {
        if (strcmp(param->name, name) != 0)
            continue;
        if (!param->set(value) && param->get == NULL)
            pr_warn("%s=%s: malformed, ignored; expected: %s%s%s", name, value, name,
                    param->value_name[0] != 0 ? "=" : "", param->value_name);
        return;
    }
    pr_warn("%.60s: unknown kernel parameter, ignored", name);
}

/* Take one parameter at *at, which is not a blank; it ends up behind it. */
static void take(char **at)
{
    char *from = *at, *to = *at;        /* to follows: quotes and \ are left out */
    const char *name = *at;
    const char *value = "";
    bool quoted = false, has_value = false;

    for (; *from != 0 && (quoted || !is_blank(*from)); from++) {
        if (*from == '"') {
            quoted = !quoted;
        } else if (*from == '=' && !has_value) {
            *to++ = 0;
            value = to;
            has_value = true;
        } else {
            if (*from == '\\' && quoted && from[1] != 0)
                from++;
            *to++ = *from;
        }
    }
    *at = *from == 0 ? from : from + 1;
    *to = 0;
    if (is_cut && *from == 0) {
        pr_err("%.60s=: the command line is cut here, behind %d characters: not taken",
               name, LINE_SIZE - 1);
        if (strcmp(name, "run") == 0)
            run_line = "exit 2";        /* nobody is there to type it */
        return;
    }
    if (quoted)
        pr_warn("%.60s: its quote is not closed", name);
    set(name, value);
}

void params_parse(const char *line)
{
    line = skip_blanks(skip_path(line));
    is_cut = strlcpy(given, line, sizeof(given)) >= sizeof(given);
    memcpy(text, given, sizeof(text));

    char *at = text + (skip_blanks(text) - text);

    while (*at != 0) {
        take(&at);
        at += skip_blanks(at) - at;
    }
}

/* ---- parameters of the spine ---------------------------------------------- */

static bool set_loglevel(const char *value)
{
    uint64_t level;

    if (!parse_size(value, &level) || level > LOG_DEBUG + 1)
        return false;
    console_loglevel = (int)level;
    return true;
}

KERNEL_PARAM(loglevel, "0..8", "show log lines of a lower level (7)", set_loglevel);

static bool set_quiet(const char *value)
{
    if (value[0] != 0)
        return false;
    printk_quiet = true;
    return true;
}

KERNEL_PARAM(quiet, "", "show only errors at boot", set_quiet);

/* ",BAUD", or nothing; more behind that, as in 115200n8, is what the line has
 * anyway. */
static bool set_speed(const char *value)
{
    uint32_t baud = 0;

    if (*value == 0)
        return true;
    if (*value++ != ',')
        return false;
    for (; *value >= '0' && *value <= '9' && baud < 1000000; value++)
        baud = baud * 10 + (uint32_t)(*value - '0');
    if (*value != 0 && strcmp(value, "n8") != 0)
        return false;
    return console_set_baud(baud);
}

static bool set_console(const char *value)
{
    bool serial = strncmp(value, "ttyS0", 5) == 0;

    if (serial ? !set_speed(value + 5) : strcmp(value, "tty0") != 0)
        return false;
    if (!console_choose(serial ? CONSOLE_SERIAL : CONSOLE_SCREEN))
        pr_warn("console=%s: this machine has no %s", value,
                serial ? "serial port" : "screen with VGA text");
    return true;
}

KERNEL_PARAM(console, "ttyS0[,BAUD]|tty0",
             "print on the serial line, on the screen, or both (both)", set_console);

static bool set_run(const char *value)
{
    run_line = value;
    return true;
}

KERNEL_PARAM(run, "\"CMD; CMD\"", "run these commands, then go to the prompt", set_run);
