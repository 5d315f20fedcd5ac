/*
 * soak.c - a robot at the keyboard: random commands, faults, wrong frees and Ctrl-C.
 *
 *     marbles> soak 1 1000         by seed 1, 1,000 steps; then QEMU ends
 *
 *     each tick --> robot --> UART, looped back --> its interrupt --> prompt, Ctrl-C
 *
 *     a step:   a random line, which after some ticks, half of the time, gets Ctrl-C,
 *               once or twice; "soaked", which checks all and says how things stand
 *
 * The robot is a handler of the timer, so it types whatever a command does.  A byte
 * goes out while the UART is in loopback (PC16550D, 8.6.4: MCR bit 4), and comes in as
 * one that was typed: by interrupt, into the console's queue, to the prompt or the count
 * of Ctrl-C.  All that is drawn comes from the seed, and time is the tick.  So under
 * QEMU's -icount, where a tick comes behind the same instruction in each run, a seed
 * repeats exactly.
 *
 * After each line mm_check() and the sums must be right.  After EACH lines, or when
 * memory is short, all that is live is given back, by mm's own books, and memory must
 * be as at first.  Stray writes are not made: what they hit cannot be mended.
 */
#include "drivers/io.h"
#include "drivers/power.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/memory/held.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "tests/labs/bag.h"

enum { LINE_SIZE = 128, EACH = 8, BYTES_A_TICK = 8 };
/* In ticks: until the prompt is ready; most until Ctrl-C; between further ones. */
enum { READY = 3, SOON = 10, LATE = 100, AGAIN = 50 };
/* So long "soaked" does not take: it was typed too early, for a line still goes on. */
enum { NEVER_SO_LONG = 300 };
enum { MOST_TRIES = 2000 };     /* of typing "soaked": what a command left is counted first */
enum { DATA = 0x3f8, MODEM_CONTROL = DATA + 4, MCR_USUAL = 0x0b, MCR_LOOPBACK = 0x10 };
enum { CTRL_C = 3 };

static uint32_t random_state, steps, step;

/* Marsaglia, Xorshift RNGs (2003). */
static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* ---- lines ----------------------------------------------------------------------- */

static const char *const faults[] = {
    "divide", "opcode", "null-read", "null-write", "null-call", "zero-size",
    "text-write", "assert", "in-kmalloc", "in-kzalloc", "under-free-pages",
    "in-constructor", "in-callback", "in-handler", "far-null", "low-memory",
    "symbols", "freed-pointer", "own-code", "stack",
};

static const char *const hangs[] = {
    "loop", "check", "taking", "leaking", "printing", "commands", "constructor",
    "irq-off", "halted", "handler", "switched",
};

static const char *const dials[] = {
    "slub_debug=FZPU", "slub_debug=P,kmalloc-64", "slub_debug=-", "quarantine=64K",
    "quarantine=0", "init_on_alloc=1", "init_on_alloc=0", "init_on_free=1",
    "init_on_free=0", "debug_pagealloc=on", "debug_pagealloc=off", "page_owner=on",
    "page_owner=off",
};

#define ONE_OF(words) (words)[draw(sizeof(words) / sizeof((words)[0]))]

/*
 * $: a pointer that the shell holds, or has forgotten     @: an address
 * %: a size       #: a count, an order       &: a seed    ^: an instruction
 * ?f ?h ?d: a kind of fault, of hanging, a dial
 */
static const char *const lines[] = {
    "kmalloc %", "kmalloc %", "kmalloc % #", "kmalloc % #; kfree $", "pages #",
    "pages #; pages free $", "kfree $", "kfree $ $ $", "kfree $; kfree $",
    "kfree all", "pages free $ #", "kfree @", "pages free @ #", "forget $",
    "kmalloc %; forget $", "stress % &", "stress % &", "stepped ^ & -m",
    "stepped ^ & -m", "stepped ^ &", "fault ?f", "fault ?f", "fault ?f", "hang ?h",
    "hang ?h", "hang ?h", "params ?d", "params ?d", "meminfo", "meminfo -j",
    "buddyinfo -l", "slabinfo", "allocinfo", "leaks",
    "leaks mark; kmalloc %; leaks since", "whatis @", "whatis $", "dump $ %", "drain",
    "drain start #", "drain start # careless", "drain stop", "watch meminfo",
    "more slabinfo", "more stress % &", "check", "backtrace", "uptime", "dmesg",
    "history", "help", "bench kmalloc-pair", "no such command", "kmalloc 'not closed",
    "fault ?f; hang ?h; kmalloc %", "more hang ?h", "watch fault ?f",
};

static uint32_t draw_size(void)
{
    return 1 + draw(1u << draw(16));
}

static const char *kind_of(char letter)
{
    if (letter == 'f')
        return ONE_OF(faults);
    return letter == 'h' ? ONE_OF(hangs) : ONE_OF(dials);
}

/* What stands for that character, into text; how many of the template it was. */
static size_t fill_in(const char *at, char *text, size_t size)
{
    uint32_t last = held_last();

    text[0] = 0;
    if (*at == '$')
        ksnprintf(text, size, "$%u", (unsigned)(last - draw(last < 8 ? last + 1 : 8)));
    else if (*at == '@')
        ksnprintf(text, size, "%#x", (unsigned)(draw(64 << 20) & ~(draw(2) * 63)));
    else if (*at == '%')
        ksnprintf(text, size, "%u", (unsigned)draw_size());
    else if (*at == '#')
        ksnprintf(text, size, "%u", (unsigned)draw(12));
    else if (*at == '&')
        ksnprintf(text, size, "%u", (unsigned)(1 + draw(1000)));
    else if (*at == '^')
        ksnprintf(text, size, "%u", (unsigned)(1 + draw(100000)));
    else if (*at != '?')
        ksnprintf(text, size, "%c", *at);
    else
        strlcpy(text, kind_of(at[1]), size);
    return *at == '?' ? 2 : 1;
}

static void draw_line(char *line)
{
    const char *at = ONE_OF(lines);
    size_t used = 0;

    while (*at != 0 && used < LINE_SIZE - 32) {
        at += fill_in(at, line + used, LINE_SIZE - 1 - used);
        used += strlen(line + used);
    }
    strlcpy(line + used, "\r", LINE_SIZE - used);
}

/* ---- the robot ------------------------------------------------------------------- */

static struct {
    char line[LINE_SIZE];
    size_t typed, length;       /* of the line */
    bool is_checking;           /* it is "soaked", until that has come */
    unsigned tries;             /* of typing that */
    unsigned idle, running;     /* ticks at the prompt; of a command */
    unsigned ctrl_c_at;         /* ticks of running */
    unsigned ctrl_c_more;       /* at once */
} robot;

static void type(char byte)
{
    outb(MODEM_CONTROL, MCR_USUAL | MCR_LOOPBACK);
    outb(DATA, (uint8_t)byte);
    outb(MODEM_CONTROL, MCR_USUAL);
}

static void give_up(const char *why)
{
    kprintf("\nsoak: step %u: FAILED: %s\n", (unsigned)step, why);
    power_exit(SHELL_FAILED);
}

static void choose_line(void)
{
    if (robot.is_checking && ++robot.tries > MOST_TRIES)
        give_up("the prompt does not answer");
    robot.typed = 0;
    robot.running = 0;
    robot.ctrl_c_at = NEVER_SO_LONG;
    if (robot.is_checking) {
        robot.length = strlcpy(robot.line, "\x15soaked\r", LINE_SIZE);
        return;
    }
    robot.is_checking = true;
    robot.tries = 0;
    draw_line(robot.line);
    robot.length = strlen(robot.line);
    robot.ctrl_c_at = 1 + draw(draw(2) ? SOON : LATE);
    robot.ctrl_c_more = draw(2);
}

static void at_prompt(void)
{
    robot.running = 0;
    for (unsigned n = 0; robot.typed < robot.length; n++) {
        if (n == BYTES_A_TICK)
            return;
        robot.idle = 0;
        type(robot.line[robot.typed++]);
    }
    if (++robot.idle > READY)
        choose_line();
}

static void while_running(void)
{
    robot.idle = 0;
    if (++robot.running < robot.ctrl_c_at)
        return;
    type(CTRL_C);
    if (robot.ctrl_c_more)
        type(CTRL_C);
    robot.ctrl_c_at += AGAIN;
}

static void every_tick(void *unused)
{
    (void)unused;
    if (guard_outermost() == 0)
        at_prompt();
    else
        while_running();
}

/* ---- checking -------------------------------------------------------------------- */

static void tell(void)
{
    struct mm_stats s;

    mm_get_stats(&s);
    kprintf("soak: step %u: %u objects, %u pages, %u reports, serial %u, tick %u\n",
            (unsigned)step, (unsigned)s.live_objects, (unsigned)s.live_pages,
            (unsigned)s.reports, (unsigned)s.last_serial, (unsigned)timer_ticks());
}

static bool is_short(void)
{
    struct mm_stats s;

    mm_get_stats(&s);
    return s.free_pages < s.total_pages / 4;
}

static const char *empty_all(void)
{
    shell_run("drain stop; forget all");
    return bag_empty();
}

static int cmd_soaked(int argc, char **argv)
{
    const char *fault;

    (void)argc;
    (void)argv;
    step++;
    tell();
    fault = bag_fault();
    if (fault == NULL && (step % EACH == 0 || is_short()))
        fault = empty_all();
    if (fault != NULL)
        give_up(fault);
    if (step == steps) {
        kprintf("soak: %u steps, and all is whole\n", (unsigned)step);
        power_exit(SHELL_OK);
    }
    robot.is_checking = false;
    return SHELL_OK;
}

SHELL_COMMAND(soaked, "", "is all as it must be?  For the robot of soak", cmd_soaked);

static int cmd_soak(int argc, char **argv)
{
    if (argc != 3 || !shell_number(argv[1], "SEED", &random_state) ||
        random_state == 0 || !shell_number(argv[2], "STEPS", &steps))
        return shell_usage("a SEED of 1 or more, and STEPS, 0 for ever");
    step = 0;
    bag_remember();
    return timer_every_tick(every_tick, NULL) ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND(soak, "SEED STEPS", "type at random, at this very prompt", cmd_soak);
