/*
 * calls_text.c - calls of functions in the form of Linux's tracers function_graph and
 * function, and as JSON.
 *
 *      0)               |  kmalloc_long() { (mm/kmalloc.c:88)
 *      0)         412   |    slab_refill(); (mm/slab.c:200)
 *      |           |    |    |               |
 *      |           |    |    |               in a comment, as in C: where it begins
 *      |           |    |    the function, two columns deeper than who called it
 *      |           |    the bar
 *      |           instructions, or "1.234 us", that it took with all it has called
 *      the CPU, of which there is one
 *
 * Where interrupts come and go stand Linux's arrows.  A call that never returned, because
 * its command was ended, is closed where that is seen, and it is said; so it is of those
 * that were under way when tracing ended.
 */
#include "kernel/trace/calls_text.h"

#include "kernel/cpu/timer.h"
#include "kernel/line/tty.h"
#include "kernel/lines.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/trace/calls.h"
#include "kernel/trace/probe.h"
#include "kernel/trace/text.h"

enum { WIDTH = 80, ROW_SIZE = 200, PLACE_SIZE = 80, TEXT_SIZE = 40, HANG = 12 };
enum { FIGURES = 8 };                   /* of a time, with its point */
enum { BEFORE = 21, DEEPEST = 18 };     /* columns before the names; not indented further */
enum { MICROSECONDS = 1000000 / TIMER_HZ };     /* in a tick */

/* What the time-stamp counter counts, asked once for a listing. */
static struct {
    bool is_known, is_exact;
    uint32_t of_tick;
} clock;

static void ask_clock(void)
{
    enum timer_tsc kind = timer_tsc_kind();

    clock.of_tick = timer_tsc_of_tick();
    clock.is_exact = kind == TSC_INSTRUCTIONS;
    clock.is_known = clock.is_exact || (kind == TSC_TIME && clock.of_tick > MICROSECONDS);
}

/* In 1/1000 microseconds, up to 4 s. */
static uint32_t nanoseconds(uint32_t time)
{
    uint32_t of_microsecond = clock.of_tick / MICROSECONDS;
    uint32_t whole = time / of_microsecond, rest = time % of_microsecond;

    return whole < UINT32_MAX / 1000 ? whole * 1000 + rest * 1000 / of_microsecond
                                     : UINT32_MAX;
}

/* Of few figures, as Linux has them: 1.234, 123456.7, 1234567. */
static void microseconds_text(uint32_t ns, char *buf, size_t size)
{
    ksnprintf(buf, size, "%u.%03u", (unsigned)(ns / 1000), (unsigned)(ns % 1000));
    buf[buf[FIGURES - 1] == '.' ? FIGURES - 1 : FIGURES] = 0;
    strlcat(buf, " us", size);
}

static const char *time_text(uint32_t time, char *buf, size_t size)
{
    const char *more = time == CALL_LONGEST ? ">" : "";
    char text[TEXT_SIZE] = "";

    if (clock.is_exact)
        ksnprintf(text, sizeof(text), "%u", (unsigned)time);
    else if (clock.is_known)
        microseconds_text(nanoseconds(time), text, sizeof(text));
    ksnprintf(buf, size, "%s%s", text[0] != 0 ? more : "", text);
    return buf;
}

/* ---- names ----------------------------------------------------------------------- */

static const char *name_of(uint32_t function)
{
    struct symbol symbol;

    return symbol_find(function, &symbol) ? symbol.name : "?";
}

static const char *place_of(uint32_t function, char *buf, size_t size)
{
    struct line line;

    buf[0] = 0;
    if (line_find(function, &line))
        ksnprintf(buf, size, "%s:%u", line.file, line.number);
    return buf;
}

/* Of a return address: the call before it. */
static const char *caller_of(const struct traced_call *call)
{
    return name_of(call->value - 1);
}

/* ---- reading --------------------------------------------------------------------- */

/* From a number as far as was written when it began; tracing may be on meanwhile. */
struct reading {
    uint32_t next, end;
    uint32_t written, read, overtaken;
};

static struct reading read_from(uint32_t from)
{
    uint32_t end = calls_written();
    uint32_t first = from > calls_begin() ? from : calls_begin();
    bool is_kept = end - first <= calls_room();

    return (struct reading){ .next = is_kept ? first : end - calls_room(), .end = end,
                             .written = end - first };
}

/* False: that was all, or Ctrl-C. */
static bool read_next(struct reading *reading, struct traced_call *call)
{
    uint32_t number = reading->next;

    if (number == reading->end || shell_interrupted())
        return false;
    if (!calls_next(&number, call) || number > reading->end)
        number = reading->end;
    reading->overtaken += number - reading->next;
    reading->next = number;
    if (number == reading->end)
        return false;
    reading->next++;
    reading->read++;
    return true;
}

/* What comes behind it, if it is there. */
static bool look_ahead(const struct reading *reading, struct traced_call *call)
{
    uint32_t number = reading->next;

    return number < reading->end && calls_next(&number, call) && number == reading->next;
}

static void print_overtaken(const struct reading *reading)
{
    if (reading->overtaken > 0)
        kprintf("# %u more were overwritten meanwhile: ftrace=nop first\n",
                (unsigned)reading->overtaken);
}

/* ---- function_graph -------------------------------------------------------------- */

#define NEVER_RETURNED "never returned"

/* How far a listing has come. */
static struct {
    uint32_t open[PROBE_DEPTH]; /* functions entered and not left; 0: it was overwritten */
    unsigned depth;
    bool in_interrupt;
} graph;

static void print_row(const char *time, unsigned depth, const char *text, const char *comment)
{
    static char row[WIDTH + 1];
    size_t length = strlen(text);
    size_t room = length < WIDTH - BEFORE ? WIDTH - BEFORE - length : 0;
    size_t indent = 2 * (depth < DEEPEST ? depth : DEEPEST), used;

    ksnprintf(row, sizeof(row), " 0) %11s   |  %*s%s", time,
              (int)(indent < room ? indent : room), "", text);
    used = strlen(row);
    if (comment[0] != 0 && used + strlen(comment) + 7 <= WIDTH)
        ksnprintf(row + used, sizeof(row) - used, " /* %s */", comment);
    kprintf("%s\n", row);
}

static void print_closed(unsigned depth, const char *time, const char *comment)
{
    print_row(time, depth, "}", comment);
}

/* Its name too, where there is room for it. */
static void print_end(unsigned depth, uint32_t function, const char *end)
{
    char text[ROW_SIZE];
    unsigned indent = 2 * (depth < DEEPEST ? depth : DEEPEST);

    ksnprintf(text, sizeof(text), "} /* %s %s */", name_of(function), end);
    if (BEFORE + indent + strlen(text) > WIDTH)
        ksnprintf(text, sizeof(text), "} /* %s */", end);
    print_row("", depth, text, "");
}

/* Those at this depth and deeper: they have been left by other ways, or are under way. */
static void close_down_to(unsigned depth, const char *end)
{
    while (graph.depth > depth) {
        graph.depth--;
        if (graph.open[graph.depth] != 0)
            print_end(graph.depth, graph.open[graph.depth], end);
        graph.open[graph.depth] = 0;
    }
}

static void print_arrow(const struct traced_call *call)
{
    if (call->in_interrupt == graph.in_interrupt)
        return;
    graph.in_interrupt = call->in_interrupt;
    kprintf(call->in_interrupt ? " 0)   ==========> |\n" : " 0)   <========== |\n");
}

/* Nothing came between: is `next`, NULL: none, its return? */
static bool is_leaf(const struct traced_call *call, const struct traced_call *next)
{
    return !call->is_left && next != NULL && next->is_left &&
           next->function == call->function && next->depth == call->depth;
}

static void print_entered(const struct traced_call *call, const struct traced_call *next)
{
    char text[ROW_SIZE], place[PLACE_SIZE], time[TEXT_SIZE] = "";
    bool is_whole = is_leaf(call, next);

    close_down_to(call->depth, NEVER_RETURNED);
    print_arrow(call);
    if (is_whole)
        time_text(next->value, time, sizeof(time));
    ksnprintf(text, sizeof(text), is_whole ? "%s();" : "%s() {", name_of(call->function));
    print_row(time, call->depth, text, place_of(call->function, place, sizeof(place)));
    graph.open[call->depth] = call->function;
    graph.depth = call->depth + 1u;
}

/* Of a leaf its row was all; of one whose entry is overwritten the name is said. */
static void print_left(const struct traced_call *call, bool was_leaf)
{
    char time[TEXT_SIZE];
    bool is_known = graph.depth > call->depth &&
                    graph.open[call->depth] == call->function;

    close_down_to(call->depth + 1u, NEVER_RETURNED);
    print_arrow(call);
    if (!was_leaf)
        print_closed(call->depth, time_text(call->value, time, sizeof(time)),
                     is_known ? "" : name_of(call->function));
    graph.depth = call->depth;
    graph.open[call->depth] = 0;
}

static void print_remarks(uint32_t written)
{
    if (written > calls_room())
        kprintf("# %u older calls and returns were overwritten: the ring keeps %u\n"
                "# (ftrace_filter= names fewer functions)\n",
                (unsigned)(written - calls_room()), (unsigned)calls_room());
    if (probe_too_deep() > 0)
        kprintf("# %u calls were deeper than %u, or on a stack of their own: not shown\n",
                (unsigned)probe_too_deep(), (unsigned)PROBE_DEPTH);
    if (written == 0)
        kprintf("# no call: ftrace_filter= says which functions are meant\n");
}

/* What is under way at the end of the last of all: the outermost of those that are open. */
static void print_ends(uint32_t end)
{
    if (end == calls_written())
        close_down_to(probe_under_way(), NEVER_RETURNED);
    close_down_to(0, "is under way");
}

void calls_print_graph(uint32_t from)
{
    struct reading reading = read_from(from);
    struct traced_call call, next;
    bool was_leaf = false;

    ask_clock();
    memset(&graph, 0, sizeof(graph));
    kprintf("# tracer: function_graph\n#\n# CPU %s    FUNCTION CALLS\n"
            "# |         |         |   |   |   |\n",
            clock.is_exact ? "INSTRUCTIONS" : "  DURATION  ");
    print_remarks(reading.written);
    while (read_next(&reading, &call)) {
        bool has_next = look_ahead(&reading, &next);

        if (call.is_left)
            print_left(&call, was_leaf);
        else
            print_entered(&call, has_next ? &next : NULL);
        was_leaf = is_leaf(&call, has_next ? &next : NULL);
    }
    if (!shell_interrupted())
        print_ends(reading.end);
    print_overtaken(&reading);
}

/* ---- function, JSON -------------------------------------------------------------- */

/* Without returns: this tracer knows of none. */
void calls_print_functions(uint32_t from)
{
    struct reading reading = read_from(from);
    struct traced_call call;
    char head[ROW_SIZE];

    trace_print_header("function", reading.end - reading.next, reading.written);
    print_remarks(reading.written);
    while (read_next(&reading, &call)) {
        if (call.is_left)
            continue;
        trace_format_head(head, sizeof(head), &(struct trace_moment){
                              call.task, call.command, call.ticks, call.irqs_off,
                              call.in_interrupt });
        if (tty_attended)
            kprint_wrapped(HANG, "%s%s <-%s", head, name_of(call.function), caller_of(&call));
        else
            kprintf("%s%s <-%s\n", head, name_of(call.function), caller_of(&call));
    }
    print_overtaken(&reading);
}

static void print_call_json(const struct traced_call *call)
{
    char place[PLACE_SIZE];

    kprintf("{\"call\": \"%s\", \"func\": ", call->is_left ? "return" : "entry");
    json_string(name_of(call->function));
    kprintf(", \"site\": ");
    json_string(place_of(call->function, place, sizeof(place)));
    kprintf(", \"pc\": \"0x%08x\", \"depth\": %u, \"tick\": %u, \"task\": \"%s\", "
            "\"command\": %u, \"irq\": %s, \"from\": ", (unsigned)call->function, call->depth,
            (unsigned)call->ticks, call->task, call->command,
            call->in_interrupt ? "true" : "false");
    if (call->is_left)
        kprintf("null");
    else
        json_string(caller_of(call));
    kprintf(", \"instructions\": ");
    kprintf(call->is_left && clock.is_exact ? "%u" : "null", (unsigned)call->value);
    kprintf(", \"nanoseconds\": ");
    kprintf(call->is_left && clock.is_known && !clock.is_exact ? "%u}\n" : "null}\n",
            clock.is_known && !clock.is_exact ? (unsigned)nanoseconds(call->value) : 0);
}

void calls_print_json(uint32_t from)
{
    struct reading reading = read_from(from);
    struct traced_call call;

    ask_clock();
    while (read_next(&reading, &call))
        print_call_json(&call);
    kprintf("{\"summary\": true, \"entries\": %u, \"written\": %u, \"too_deep\": %u}\n",
            (unsigned)reading.read, (unsigned)reading.written,
            (unsigned)probe_too_deep());
}
