/*
 * text.c - events in the form of Linux's tracefs file `trace`, and as JSON.
 *
 *     drain-7  [000] d.h..  0.170000: kmalloc: call_site=receive+0x1c/0x94 ptr=0x...
 *     |     |        | |    |         |        |
 *     |     |        | |    |         |        include/trace/events/kmem.h of Linux
 *     |     |        | |    |         the event
 *     |     |        | |    seconds since boot, to the tick
 *     |     |        | in an interrupt
 *     |     |        interrupts off
 *     |     the number of the command; shell-0: none ran
 *     the command that runs, or is interrupted
 *
 * Behind what Linux says stand serial= and site=, the line of code.  A line is whole where
 * nobody sits, as tools want it; at a terminal it is broken between words.
 */
#include "kernel/trace/text.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/timer.h"
#include "kernel/line/tty.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/mm.h"

enum { LINE_SIZE = 400, TEXT_SIZE = 96, CALL_SIZE = 120, HANG = 12 };
enum { TICK_MICROSECONDS = 1000000 / TIMER_HZ };

/* "receive+0x1c/0x94", from where it was called, into buf; returns buf. */
static const char *call_site(const struct trace_event *event, char *buf, size_t size)
{
    if (event->calls[0] != 0)
        return symbol_format_inside(event->calls[0], event->calls[0] - 1, buf, size);
    return site_place(event->site, buf, size);
}

/* ---- a line ---------------------------------------------------------------------- */

struct line {
    char text[LINE_SIZE];
    size_t used;
};

static void add(struct line *line, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    kvsnprintf(line->text + line->used, sizeof(line->text) - line->used, fmt, args);
    va_end(args);
    line->used += strlen(line->text + line->used);
}

void trace_format_head(char *buf, size_t size, const struct trace_moment *moment)
{
    ksnprintf(buf, size, "%16s-%-7u [000] %c.%c.. %5u.%06u: ", moment->task,
              (unsigned)moment->command, moment->irqs_off ? 'd' : '.',
              moment->in_interrupt ? 'h' : '.', (unsigned)(moment->ticks / TIMER_HZ),
              (unsigned)(moment->ticks % TIMER_HZ * TICK_MICROSECONDS));
}

static void add_head(struct line *line, const struct trace_event *event)
{
    char head[TEXT_SIZE];

    trace_format_head(head, sizeof(head), &(struct trace_moment){
                          event->task, event->command, event->ticks, event->irqs_off,
                          event->in_interrupt });
    add(line, "%s%s:", head, trace_kind_name(event->kind));
}

static void add_page(struct line *line, const struct trace_event *event)
{
    add(line, " page=0x%08x pfn=0x%x order=%u",
        (unsigned)(uintptr_t)virt_to_page((const void *)event->ptr),
        (unsigned)(event->ptr >> PAGE_SHIFT), trace_order(event));
    if (event->kind == TRACE_PAGE_ALLOC)
        add(line, " migratetype=0");
}

static void add_object(struct line *line, const struct trace_event *event)
{
    char where[TEXT_SIZE];

    add(line, " call_site=%s", call_site(event, where, sizeof(where)));
    if (event->kind != TRACE_ALLOC_FAILED)
        add(line, " ptr=0x%08x", (unsigned)event->ptr);
    if (event->kind == TRACE_CACHE_ALLOC || event->kind == TRACE_CACHE_FREE)
        add(line, " name=%s", event->cache);
}

static bool is_free(enum trace_kind kind)
{
    return kind == TRACE_KFREE || kind == TRACE_CACHE_FREE || kind == TRACE_PAGE_FREE;
}

static void add_amounts(struct line *line, const struct trace_event *event)
{
    bool of_pages = event->kind == TRACE_PAGE_ALLOC;
    char gfp[TEXT_SIZE];

    if (is_free(event->kind))
        return;
    if (!of_pages)
        add(line, " bytes_req=%zu", event->bytes_req);
    if (!of_pages && event->kind != TRACE_ALLOC_FAILED)
        add(line, " bytes_alloc=%zu", event->bytes_alloc);
    add(line, " gfp_flags=%s", mm_gfp_name(event->gfp, gfp, sizeof(gfp)));
}

static void format_event(struct line *line, const struct trace_event *event)
{
    char place[TEXT_SIZE];

    line->used = 0;
    add_head(line, event);
    if (event->kind == TRACE_PAGE_ALLOC || event->kind == TRACE_PAGE_FREE)
        add_page(line, event);
    else
        add_object(line, event);
    add_amounts(line, event);
    if (event->serial != 0)
        add(line, " serial=%u", (unsigned)event->serial);
    add(line, " site=%s", site_place(event->site, place, sizeof(place)));
}

static void print_stack(const struct trace_event *event)
{
    char call[CALL_SIZE];

    for (unsigned i = 0; i < TRACE_CALLS && event->calls[i] != 0; i++)
        kprint_wrapped(0, " => %s", backtrace_format(event->calls, i, call, sizeof(call)));
}

/* ---- all of them ----------------------------------------------------------------- */

/* Of those from that number on: how many were written, and how many are kept. */
static uint32_t written_from(uint32_t from)
{
    return trace_ring_written() - from;
}

static uint32_t kept_from(uint32_t from)
{
    uint32_t written = written_from(from);

    return written < trace_ring_room() ? written : trace_ring_room();
}

void trace_print_header(const char *tracer, uint32_t kept, uint32_t written)
{
    kprintf("# tracer: %s\n#\n# entries-in-buffer/entries-written: %u/%u   #P:1\n#\n"
            "#                                _-----=> irqs-off\n"
            "#                               / _----=> need-resched\n"
            "#                              | / _---=> hardirq/softirq\n"
            "#                              || / _--=> preempt-depth\n"
            "#                              ||| / _-=> migrate-disable\n"
            "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
            "#              | |         |   |||||     |         |\n",
            tracer, (unsigned)kept, (unsigned)written);
}

static void print_overwritten(uint32_t from)
{
    uint32_t gone = written_from(from) - kept_from(from);

    if (gone > 0)
        kprintf("# %u older event%s overwritten: the ring keeps %u (a filter, or trace CMD, "
                "has fewer)\n", (unsigned)gone, gone == 1 ? " was" : "s were",
                (unsigned)trace_ring_room());
}

static bool is_chosen(const struct trace_choice *choice, const struct trace_event *event)
{
    return choice->object == 0 || event->serial == choice->object ||
           (choice->or_address && event->ptr == choice->object);
}

/* Call it for each event that is meant; how many. */
static unsigned each(const struct trace_choice *choice,
                     void (*fn)(const struct trace_event *event, bool option), bool option)
{
    uint32_t end = trace_ring_written();        /* handlers may go on writing */
    struct trace_event event;
    unsigned count = 0;

    for (uint32_t n = choice->from; trace_ring_next(&n, &event) && n < end &&
                                    !shell_interrupted(); n++) {
        if (!is_chosen(choice, &event))
            continue;
        fn(&event, option);
        count++;
    }
    return count;
}

static void print_event(const struct trace_event *event, bool stacks)
{
    static struct line line;

    format_event(&line, event);
    if (tty_attended)
        kprint_wrapped(HANG, "%s", line.text);
    else
        kprintf("%s\n", line.text);
    if (stacks)
        print_stack(event);
}

unsigned trace_print(const struct trace_choice *choice, bool stacks)
{
    if (choice->object == 0)
        trace_print_header("nop", kept_from(choice->from), written_from(choice->from));
    print_overwritten(choice->from);
    return each(choice, print_event, stacks);
}

static void print_event_json(const struct trace_event *event, bool unused)
{
    char text[CALL_SIZE];
    unsigned depth = 0;

    (void)unused;
    while (depth < TRACE_CALLS && event->calls[depth] != 0)
        depth++;
    kprintf("{\"event\": \"%s\", \"tick\": %u, \"task\": \"%s\", \"command\": %u, "
            "\"irq\": %s, \"call_site\": ", trace_kind_name(event->kind),
            (unsigned)event->ticks, event->task, (unsigned)event->command,
            event->in_interrupt ? "true" : "false");
    json_string(call_site(event, text, sizeof(text)));
    kprintf(", \"site\": ");
    json_string(site_place(event->site, text, sizeof(text)));
    kprintf(", \"func\": ");
    json_string(site_function(event->site));
    kprintf(", \"ptr\": \"0x%08x\", \"serial\": %u, \"bytes_req\": %zu, "
            "\"bytes_alloc\": %zu, \"gfp_flags\": \"%s\", \"cache\": ",
            (unsigned)event->ptr, (unsigned)event->serial, event->bytes_req,
            event->bytes_alloc, mm_gfp_name(event->gfp, text, sizeof(text)));
    if (event->cache[0] != 0)
        json_string(event->cache);
    else
        kprintf("null");
    json_pcs(event->calls, depth);
    kprintf("}\n");
}

void trace_print_json(const struct trace_choice *choice)
{
    each(choice, print_event_json, false);
    kprintf("{\"summary\": true, \"entries\": %u, \"written\": %u}\n",
            (unsigned)kept_from(choice->from), (unsigned)written_from(choice->from));
}
