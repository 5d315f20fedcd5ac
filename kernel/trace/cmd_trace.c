/*
 * cmd_trace.c - trace: what mm did, event by event.
 *
 *     marbles> trace drain 20                     one command, from its begin to its end
 *     marbles> trace on; drain 20; trace off; trace show
 *     marbles> trace filter 'bytes_req > 100 && func == receive'
 *     marbles> trace of $1                        the life of one object
 *
 * At boot trace_event=kmem:kmalloc,kmem:kfree, as in Linux; at the prompt by params.  Which
 * events are traced is that list, or all of them.
 */
#include "kernel/console.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/trace/calls.h"
#include "kernel/trace/cmd_calls.h"
#include "kernel/trace/filter.h"
#include "kernel/trace/text.h"
#include "mm/mm.h"

enum { LIST_SIZE = 120 };

static bool stacks;
static unsigned chosen = TRACE_ALL;     /* kinds of events; traced while it is on */

/* ---- trace_event= ---------------------------------------------------------------- */

/* "kmem:kmalloc", "kmalloc", "kmem:*", "kmem": the kinds that it means; 0: none. */
static unsigned kinds_of(const char *word, size_t length)
{
    enum trace_kind kind;

    if (length >= 4 && strncmp(word, "kmem", 4) == 0 && (length == 4 || word[4] == ':')) {
        word += length == 4 ? 4 : 5;
        length -= length == 4 ? 4 : 5;
        if (length == 0 || (length == 1 && *word == '*'))
            return TRACE_ALL;
    }
    kind = trace_kind_of(word, length);
    return kind < TRACE_KINDS ? 1u << kind : 0;
}

static bool no_events(const char *value)
{
    pr_err("trace_event=%s: not a list of these: kmem kmem:kmalloc kmem:kfree "
           "kmem:kmem_cache_alloc kmem:kmem_cache_free kmem:mm_page_alloc kmem:mm_page_free "
           "kmem:krealloc kmem:mm_alloc_failed", value);
    return false;
}

/* "kmem", all of them; else their names, which fit into what the shell keeps of a dial. */
static const char *names_of(unsigned kinds)
{
    static char list[LIST_SIZE];

    if (kinds == TRACE_ALL)
        return "kmem";
    list[0] = 0;
    for (unsigned kind = 0; kind < TRACE_KINDS; kind++)
        if (kinds >> kind & 1) {
            strlcat(list, list[0] != 0 ? "," : "", sizeof(list));
            strlcat(list, trace_kind_name((enum trace_kind)kind), sizeof(list));
        }
    return list;
}

static bool set_events(const char *value)
{
    unsigned kinds = 0;
    const char *end;

    if (strcmp(value, "0") == 0)
        return trace_ring_set(0);
    for (const char *at = value; *at != 0; at = *end != 0 ? end + 1 : end) {
        unsigned more;

        end = at;
        while (*end != 0 && *end != ',')
            end++;
        more = kinds_of(at, (size_t)(end - at));
        if (more == 0)
            return no_events(value);
        kinds |= more;
    }
    if (kinds == 0)
        return no_events(value);
    chosen = kinds;
    return trace_ring_set(kinds);
}

/* What is traced now: so a command that is ended while it traces is put back as well. */
static const char *get_events(void)
{
    return names_of(trace_ring_kinds());
}

KERNEL_DIAL(trace_event, "LIST", "0", "trace these events from boot on: kmem:kmalloc,...",
            set_events, get_events);

/* ---- the words ------------------------------------------------------------------- */

static int turn(unsigned kinds)
{
    if (trace_ring_set(kinds))
        return SHELL_OK;
    kprintf("trace: not in an interrupt, nor while the allocator is busy\n");
    return SHELL_FAILED;
}

static int show(uint32_t from, bool json)
{
    struct trace_choice choice = { .from = from };

    if (json)
        trace_print_json(&choice);
    else
        trace_print(&choice, stacks);
    return SHELL_OK;
}

/* Is it on, of what, and how much is there? */
static int tell(void)
{
    const char *filter = trace_filter_text();

    kprintf("tracing is %s: %u event%s written\n", trace_ring_kinds() != 0 ? "on" : "off",
            (unsigned)trace_ring_written(), trace_ring_written() == 1 ? "" : "s");
    kprintf("events: %s; stacks %s\n", chosen == TRACE_ALL ? "all" : names_of(chosen),
            stacks ? "on" : "off");
    kprintf("filter: %s\n", filter[0] != 0 ? filter : "none");
    return SHELL_OK;
}

/* By an address what lives there now, or did last; without records all that was there. */
static int trace_of(const char *text, bool json)
{
    struct trace_choice choice = { .or_address = true };
    struct mm_what what;
    unsigned count;

    if (!shell_address(text, "ADDR or SERIAL", &choice.object))
        return SHELL_USAGE;
    if (choice.object == 0)
        return shell_usage("0 is no object");
    mm_what_is((const void *)(uintptr_t)choice.object, &what);
    if (what.serial != 0)
        choice = (struct trace_choice){ .object = what.serial };
    if (json) {
        trace_print_json(&choice);
        return SHELL_OK;
    }
    count = trace_print(&choice, stacks);
    if (count == 0)
        kprintf("trace: no event of %s is kept\n", text);
    else if (what.serial != 0)
        kprintf("serial %u: %s\n", (unsigned)what.serial,
                what.freed_by != NULL ? "it was freed" : "it is live");
    return count > 0 ? SHELL_OK : SHELL_FAILED;
}

/* What was gathered before, also by a trace around this one, stays. */
static int trace_command(int argc, char **argv, bool json)
{
    uint32_t from = trace_ring_written();
    unsigned before = trace_ring_kinds();
    int status;

    if (turn(chosen) != SHELL_OK)
        return SHELL_FAILED;
    status = shell_run_words(argc, argv);
    trace_ring_set(before);
    if (shell_interrupted() && !json)   /* the same Ctrl-C would end the listing */
        kprintf("%u events: trace show\n", (unsigned)(trace_ring_written() - from));
    else if (status != SHELL_UNKNOWN)
        show(from, json);
    return status;
}

static int set_filter(int argc, char **argv)
{
    if (argc > 3)
        return shell_usage("a filter is one word: put it in quotes");
    if (argc == 3)
        return trace_filter_set(argv[2]) ? SHELL_OK : SHELL_USAGE;
    return tell();
}

static int set_stacks(int argc, char **argv)
{
    bool on = argc == 3 && strcmp(argv[2], "on") == 0;

    if (argc != 3 || (!on && strcmp(argv[2], "off") != 0))
        return shell_usage("stacks on, or off");
    stacks = on;
    return SHELL_OK;
}

static int run_word(int argc, char **argv, bool json)
{
    if (strcmp(argv[1], "on") == 0 && argc == 2)
        return turn(chosen);
    if (strcmp(argv[1], "off") == 0 && argc == 2)
        return turn(0);
    if (strcmp(argv[1], "show") == 0 && argc == 2)
        return show(0, json);
    if (strcmp(argv[1], "of") == 0)
        return argc == 3 ? trace_of(argv[2], json) : shell_usage("of which ADDR or SERIAL?");
    if (strcmp(argv[1], "clear") == 0 && argc == 2) {
        trace_ring_clear();
        calls_clear();
        return SHELL_OK;
    }
    if (strcmp(argv[1], "graph") == 0 || strcmp(argv[1], "functions") == 0)
        return cmd_trace_calls(argc - 1, argv + 1, json);
    return trace_command(argc - 1, argv + 1, json);
}

/* -j stands before the command that is traced, which may have one of its own. */
static int cmd_trace(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "-j") == 0;

    if (json) {
        argv++;
        argc--;
    }
    if (argc == 1)
        return json ? show(0, true) : tell();
    if (strcmp(argv[1], "filter") == 0)
        return set_filter(argc, argv);
    if (strcmp(argv[1], "stacks") == 0)
        return set_stacks(argc, argv);
    return run_word(argc, argv, json);
}

SHELL_COMMAND_IN("find leaks", trace,
    "[-j] [on|off|clear|show|of ADDR|filter EXPR|stacks|[graph|functions] CMD]",
    "allocations and frees, or calls, as ftrace shows them",
    "trace CMD: what CMD takes and gives back (in quotes it may be a line), also in\n"
    "interrupts.  on, off, show, clear: over several commands; the newest are kept.\n"
    "of ADDR or of SERIAL: the life of one object.  stacks on: with the calls.\n"
    "filter: only those, in Linux's words: fields bytes_req bytes_alloc ptr serial\n"
    "gfp_flags order irq command, and event task name call_site func site file;\n"
    "== != < <= > >= & ~ && || ! ( ).  filter 0: all.  In which order things happen,\n"
    "not how long they take.\n"
    "graph CMD: which functions CMD calls, how deep, and how long they take;\n"
    "functions CMD: in a row.  Which ones: params ftrace_filter=slab_*,!mm/look/;\n"
    "without CMD: those of before, also by ftrace=function_graph at boot.\n"
    "    trace filter 'bytes_req > 50'; trace \"kmalloc 10; kmalloc 100; kfree $\"",
    cmd_trace);
