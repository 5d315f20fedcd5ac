/*
 * run.c - a command runs under a guard; if it is ended, what it had switched is put back.
 *
 *     shell.c --> run_guarded --> guard_call --> command_body --> command->run
 *                      |                                               |
 *                      |    <------- a fault, Ctrl-C, watchdog --------+
 *                      +--> put back, and say so; what it took stays (hooks.h)
 *
 * What is put back, to what it was when the command began: handlers that it has set up,
 * the dials (params NAME=VALUE), the loglevel, the terminal's colours.  Whether it was ended
 * or has returned: the serial line, where printed text goes; and by the guard interrupts,
 * segments, page tables, the kernel's own interrupt lines and the like.
 *
 * Rules:
 *   - the words are copied, so that they lie on the command's own stack, and not where
 *     the shell has its own;
 *   - what must be known afterwards is kept here, by level, and not on a stack that may be
 *     broken by then;
 *   - a command within a command is ended alone: the outer one gets its status.
 */
#include "kernel/shell/run.h"

#include "kernel/console.h"
#include "kernel/cpu/guard.h"
#include "kernel/image.h"
#include "kernel/line/tty.h"
#include "kernel/lines.h"
#include "kernel/params.h"
#include "kernel/shell/hooks.h"
#include "kernel/shell/words.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"

enum { MAX_DIALS = 16, VALUE_SIZE = 128, TEXT_SIZE = 256, WIPED = 4096 };
enum { MAX_STATUS = 63 };

static struct run {
    const struct shell_command *command, *outer;
    const uint32_t *frame;      /* of run_guarded */
    int argc;
    char **argv;
    int status;                 /* that it returned */
    uint32_t reports;           /* before it began, as all below */
    int loglevel;
    bool muted;
    void (*filter)(const char *text, size_t length);
    char dials[MAX_DIALS][VALUE_SIZE];
} runs[SHELL_LEVELS];

static unsigned level;          /* commands under way */
static uintptr_t handler_ended; /* meanwhile, and the command with it; 0: none */

const struct shell_command *shell_running;

const char *shell_outermost(void)
{
    return level > 0 ? runs[0].command->name : "nothing";
}

void run_handler_ended(uintptr_t handler)
{
    handler_ended = handler;
}

/* Below a frame lie the caller's registers: ebx, esi, edi. */
bool shell_callers_stack(const void **start, const void **end)
{
    if (level < 2)
        return false;
    *start = runs[level - 1].frame - 3;
    *end = boot_stack_guard;
    return address_between((uintptr_t)*start, command_stack, boot_stack_guard);
}

/* ---- what is put back ------------------------------------------------------------ */

/* The dial behind `previous` (NULL: the first); NULL: there are no more. */
static const struct kernel_param *next_dial(const struct kernel_param *previous)
{
    const struct kernel_param *param = previous != NULL ? previous + 1 : params_begin();

    while (param < params_end() && param->get == NULL)
        param++;
    return param < params_end() ? param : NULL;
}

static void remember(struct run *run)
{
    const struct kernel_param *dial = next_dial(NULL);

    run->outer = shell_running;
    run->reports = shell_hooks->reports();
    run->loglevel = console_loglevel;
    run->muted = console_is_muted();
    run->filter = kprintf_filter;
    for (unsigned i = 0; i < MAX_DIALS && dial != NULL; i++, dial = next_dial(dial))
        strlcpy(run->dials[i], dial->get(), VALUE_SIZE);
}

/* One more thing that was put back, for a sentence. */
static void add(char *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(char *text, const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list args;

    if (used > 0)
        used += strlcpy(text + used, ", ", TEXT_SIZE - used);
    va_start(args, fmt);
    if (used < TEXT_SIZE)
        kvsnprintf(text + used, TEXT_SIZE - used, fmt, args);
    va_end(args);
}

static const char *value_of(const struct kernel_param *dial, const char *value)
{
    return value[0] != 0 ? value : dial->off;
}

static void put_back_dials(const struct run *run, char *text)
{
    const struct kernel_param *dial = next_dial(NULL);

    for (unsigned i = 0; i < MAX_DIALS && dial != NULL; i++, dial = next_dial(dial)) {
        const char *before = value_of(dial, run->dials[i]);

        if (strcmp(value_of(dial, dial->get()), before) == 0)
            continue;
        dial->set(before);
        add(text, "%s=%s", dial->name, before);
    }
}

void shell_put_back_dials(void)
{
    char text[TEXT_SIZE] = "";

    if (level > 0)
        put_back_dials(&runs[level - 1], text);
}

/* Colours are off and the cursor is there, if the terminal understands that. */
static void put_back_terminal(void)
{
    if (level == 0 && tty.width != 0)
        terminal_puts(&tty, "\x1b[m\x1b[?25h");
    if (level == 0)
        shell_unwanted = false;         /* else it is the outer one's, which pages */
}

/* What the guard has put back already. */
static void add_guards(const struct guard_end *end, char *text)
{
    static const char *const names[] = {        /* by enum guard_changed */
        "interrupts on", "no breakpoints (DR7)", "CR0", "page tables (CR3)", "CR4",
        "the task register", "the interrupt controller", "the timer's mode",
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (end->changed & 1u << i)
            add(text, "%s", names[i]);
    for (unsigned irq = 0; end->lines >> irq != 0; irq++)
        if (end->lines >> irq & 1)
            add(text, "the kernel's handler of IRQ %u", irq);
}

static void put_back(const struct run *run, const struct guard_end *end)
{
    char text[TEXT_SIZE] = "";

    put_back_terminal();
    add_guards(end, text);
    if (end->handlers > 0)
        add(text, "%u interrupt handler%s stopped", end->handlers, plural(end->handlers));
    if (console_loglevel != run->loglevel)
        add(text, "loglevel %d", run->loglevel);
    console_loglevel = run->loglevel;
    put_back_dials(run, text);
    if (text[0] != 0)
        pr_err("  put back: %s", text);
}

/* ---- what is said ---------------------------------------------------------------- */

static void tell_end(const struct run *run, const struct guard_end *end)
{
    char place[LINE_TEXT_SIZE];
    uintptr_t where = handler_ended != 0 ? handler_ended : end->where;

    if (end->why == NULL && end->where == 0)
        pr_err("%s has ended by this fault, status %d", run->command->name, SHELL_FAULT);
    else if (end->why == NULL)
        pr_err("%s was ended: what it had set up has faulted, status %d",
               run->command->name, SHELL_FAULT);
    else
        pr_err("%s was ended by %s, in %s%s, status %d", run->command->name, end->why,
               handler_ended != 0 ? "its handler " : "",
               line_format(where, where, place, sizeof(place)), SHELL_STOPPED);
    handler_ended = 0;
}

static void tell_return(const struct run *run, const struct guard_end *end)
{
    char text[TEXT_SIZE] = "";

    add_guards(end, text);
    if (text[0] != 0)
        pr_warn("%s has returned; put back: %s", run->command->name, text);
}

static void after_end(const struct run *run, const struct guard_end *end)
{
    kprintf_filter = run->filter == kprintf_pager ? run->filter : NULL;
    console_mute(run->muted);
    printk_hold(false);
    console_fresh_line();
    tell_end(run, end);
    put_back(run, end);
    shell_hooks->command_ended(level, run->command->name);
}

/* ---- running --------------------------------------------------------------------- */

static void command_body(void *arg)
{
    struct run *run = arg;
    char text[MAX_TEXT], *words[MAX_WORDS + 1];
    size_t used = 0;

    for (int i = 0; i < run->argc; i++) {
        words[i] = text + used;
        used += strlcpy(words[i], run->argv[i], MAX_TEXT - used) + 1;
    }
    words[run->argc] = NULL;
    run->status = run->command->run(run->argc, words);
    shell_hooks->command_returns();
    if (!mm_dials_are_on())             /* they watch what is free, too: it stays */
        mm_reclaim();
}

static int status_of(const struct run *run, const struct guard_end *end)
{
    bool inner_ended = run->status == SHELL_FAULT || run->status == SHELL_STOPPED;

    if (end->ended)
        return end->why == NULL ? SHELL_FAULT : SHELL_STOPPED;
    if (inner_ended)
        return run->status;
    if (console_interrupted())
        return SHELL_STOPPED;
    if (shell_hooks->reports() != run->reports)
        return SHELL_REPORTED;
    return run->status >= 0 && run->status <= MAX_STATUS ? run->status : SHELL_FAILED;
}

void shell_meant_reports(void)
{
    runs[level - 1].reports = shell_hooks->reports();
}

/* Frames of calls to come lie there, and what they do not write a scan would read. */
__attribute__((noinline)) void shell_wipe_stack(void)
{
    volatile uintptr_t below[WIPED / sizeof(uintptr_t)];

    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
        below[i] = 0;
}

int run_guarded(const struct shell_command *command, int argc, char **argv)
{
    unsigned own = level;
    struct run *run = &runs[own];

    if (own == SHELL_LEVELS) {
        kprint_wrapped(0, "%s: %d commands run within each other, and no more can",
                       command->name, SHELL_LEVELS);
        return SHELL_FAILED;
    }
    run->command = command;
    run->frame = __builtin_frame_address(0);
    run->argc = argc;
    run->argv = argv;
    remember(run);
    level = own + 1;
    shell_running = command;
    handler_ended = 0;
    if (own == 0)
        console_clear_interrupt();
    shell_hooks->command_begins(own);
    printk_hold(true);
    if (own > 0)                        /* the outermost has a fresh one */
        shell_wipe_stack();

    struct guard_end end = guard_call(command_body, run);

    level = own;
    console_put_back();
    if (end.ended)
        after_end(run, &end);
    else
        tell_return(run, &end);
    kprintf_filter = run->filter;
    shell_running = run->outer;
    printk_hold(own > 0);
    return status_of(run, &end);
}
