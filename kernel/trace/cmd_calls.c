/*
 * cmd_calls.c - trace graph, trace functions: how a call falls through the allocator.
 *
 *     marbles> trace graph kmalloc 100            one command, as function_graph shows it
 *     marbles> trace functions "kmalloc 1; kfree $"        a line of them, as function
 *     marbles> params ftrace=function_graph       until ftrace=nop; trace graph shows it
 *     marbles> params ftrace_filter=slab_*,buddy_*
 *
 * Of one command what its own function calls is shown, and what interrupts do meanwhile:
 * not what the shell does around it.  At boot, ftrace= and ftrace_filter= as in Linux.
 */
#include "kernel/trace/cmd_calls.h"

#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/trace/calls.h"
#include "kernel/trace/calls_text.h"
#include "kernel/trace/functions.h"
#include "kernel/trace/probe.h"

enum { LIST_SIZE = 120 };               /* what the shell keeps of a dial is a little more */

static char filter[LIST_SIZE];          /* "": functions_usual */

static const char *const tracers[] = { "nop", "function", "function_graph" };
enum { NOP, FUNCTION, FUNCTION_GRAPH, TRACERS };
static unsigned tracer;                 /* is on */
static bool is_of_command;              /* for a trace graph CMD, which switches it off */

/* ---- parameters ------------------------------------------------------------------ */

static bool turn_on(unsigned which, bool only_below)
{
    const char *list = filter[0] != 0 ? filter : functions_usual;

    if (!functions_choose(list, only_below))
        return false;
    if (!probe_on(only_below)) {
        kprintf("trace: int3 or the room for functions is taken by others\n");
        return false;
    }
    tracer = which;
    is_of_command = only_below;
    return true;
}

static void turn_off(void)
{
    probe_off();
    tracer = NOP;
}

static bool set_ftrace(const char *value)
{
    unsigned which = 0;

    while (which < TRACERS && strcmp(value, tracers[which]) != 0)
        which++;
    if (which == TRACERS) {
        pr_err("ftrace=%s: none of nop, function, function_graph", value);
        return false;
    }
    turn_off();
    return which == NOP || turn_on(which, false);
}

static const char *get_ftrace(void)
{
    return tracers[tracer];
}

/*
 * What is on goes on with the new ones, from the beginning: so at boot it does not matter
 * which of the two parameters comes first.
 */
static bool set_filter(const char *value)
{
    unsigned which = tracer;
    bool is_right = strlen(value) < sizeof(filter);

    if (!is_right)
        pr_err("ftrace_filter=: a list has at most %u characters", LIST_SIZE - 1);
    turn_off();
    is_right = is_right && functions_try(value);
    if (is_right)
        strlcpy(filter, value, sizeof(filter));
    if (is_right && which != NOP)
        calls_clear();
    return (which == NOP || turn_on(which, is_of_command)) && is_right;
}

static const char *get_filter(void)
{
    return filter;
}

KERNEL_DIAL(ftrace, "TRACER", "nop", "trace calls: function, function_graph, or nop",
            set_ftrace, get_ftrace);
KERNEL_DIAL(ftrace_filter, "LIST", "", "of these functions: slab_*,mm/slab.c,!mm/look/",
            set_filter, get_filter);

/* ---- the commands ---------------------------------------------------------------- */

static int show(unsigned which, uint32_t from, bool json)
{
    if (json)
        calls_print_json(from);
    else if (which == FUNCTION)
        calls_print_functions(from);
    else
        calls_print_graph(from);
    return SHELL_OK;
}

static int trace_calls(unsigned which, int argc, char **argv, bool json)
{
    uint32_t from = calls_written();
    int status;

    if (tracer != NOP) {
        kprintf("trace: ftrace=%s is on: trace graph shows its calls\n", tracers[tracer]);
        return SHELL_FAILED;
    }
    if (!turn_on(which, true))
        return SHELL_FAILED;
    status = shell_run_words(argc, argv);
    if (is_of_command)                  /* what CMD itself has switched on stays */
        turn_off();
    if (shell_interrupted() && !json)   /* the same Ctrl-C would end the listing */
        kprintf("%u calls and returns: trace graph\n", (unsigned)(calls_written() - from));
    else if (status != SHELL_UNKNOWN)
        show(which, from, json);
    return status;
}

int cmd_trace_calls(int argc, char **argv, bool json)
{
    unsigned which = strcmp(argv[0], "graph") == 0 ? FUNCTION_GRAPH : FUNCTION;

    return argc == 1 ? show(which, 0, json) : trace_calls(which, argc - 1, argv + 1, json);
}
