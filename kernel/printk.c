/*
 * printk.c - the kernel's output: commands' text, and the log.
 *
 *     kprintf --------------------------> console
 *     printk  ---> one line of text ----> console, if its level is below loglevel
 *                        |
 *                        +--> ring: | head | text | head | text | ...
 *                                     ^ oldest              newest ^
 *
 * The ring keeps the last 16 KiB of log.  Positions in it only grow; a position
 * modulo its size is a place.  A record is a head (when, which level, how long)
 * and its text, and the oldest records make room for a new one.
 *
 * Rules:
 *   - records lie whole and side by side from `oldest` to `newest`;
 *   - newest - oldest <= RING_SIZE;
 *   - what made room is counted in `lost`.
 *
 * Any code may print, interrupt handlers too.  A line of log is put together on
 * the stack, then goes into the ring with interrupts off; on the console it
 * starts a line of its own, which pr_cont may go on with.  What comes from an interrupt
 * while a command is in the middle of a line waits in the ring until that line is whole.
 * A line of more than 255 characters is cut, and ends with "...".  Nothing allocates.
 */
#include "kernel/printk.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/format.h"
#include "kernel/string.h"
#include "kernel/wrap.h"
#include "mm/port.h"

enum { RING_SIZE = 16 * 1024, LINE_SIZE = 256, WRAPPED_SIZE = 512, COLUMNS = 79 };

struct record_head {
    uint32_t ticks;
    uint16_t level;
    uint16_t length;            /* of the text behind */
};

int console_loglevel = 7;
bool printk_quiet;
void (*kprintf_filter)(const char *text, size_t length);
void (*kprintf_pager)(const char *text, size_t length);

static uint32_t shown;

static char ring[RING_SIZE];
static uint32_t oldest, newest;         /* positions */
static uint32_t lost;                   /* records */
static uint32_t last;                   /* position of the newest record, */
static bool ring_is_open;               /*   whose text may go on */

static const char cut_log[] = "(older lines of the log found no room, and are lost)";

static bool holds;                      /* a command runs: its lines stay whole */
static volatile bool waiting;           /* lines of log, from this position on, */
static uint32_t waiting_from;           /*   for the console */

static void show_waiting(void);

/* ---- to the console ----------------------------------------------------- */

static bool is_paged(void)
{
    return kprintf_filter != NULL && kprintf_filter == kprintf_pager;
}

/* Can the pager stop for a key?  Neither in a handler or a report, nor in mm. */
static bool may_stop(void)
{
    return cpu_flags() & EFLAGS_IF && !(mm_state & (MM_IRQ | MM_BUSY));
}

static void put_on_console(struct format_sink *sink, const char *text, size_t length)
{
    (void)sink;
    if (waiting && is_paged() && may_stop())
        show_waiting();                 /* it came before */
    shown++;
    if (kprintf_filter != NULL && (is_paged() ? may_stop() : !(mm_state & MM_IRQ)))
        kprintf_filter(text, length);
    else
        console_write(text, length);
    if (waiting && !(mm_state & MM_IRQ) && !kprintf_filter && !console_line_is_begun())
        show_waiting();
}

uint32_t printk_shown(void)
{
    return shown;
}

int kvprintf(const char *fmt, va_list args)
{
    struct format_sink console = { put_on_console, true };

    return format(&console, fmt, args);
}

int kprintf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = kvprintf(fmt, args);
    va_end(args);
    return length;
}

static void print_row(size_t column, const char *text, size_t length)
{
    kprintf("%*s%.*s\n", (int)column, "", (int)length, text);
}

void kprint_wrapped(size_t hang, const char *fmt, ...)
{
    char line[WRAPPED_SIZE];
    va_list args;

    va_start(args, fmt);
    format_shown(line, sizeof(line), fmt, args);
    va_end(args);
    wrap(line, strlen(line), hang, print_row);
}

/* ---- the ring ----------------------------------------------------------- */

static void ring_write(uint32_t position, const void *from, size_t length)
{
    const char *bytes = from;

    for (size_t i = 0; i < length; i++)
        ring[(position + i) % RING_SIZE] = bytes[i];
}

static void ring_read(uint32_t position, void *to, size_t length)
{
    char *bytes = to;

    for (size_t i = 0; i < length; i++)
        bytes[i] = ring[(position + i) % RING_SIZE];
}

static uint32_t record_size(const struct record_head *head)
{
    return (uint32_t)sizeof(*head) + head->length;
}

static void make_room(uint32_t bytes)
{
    struct record_head head;

    while (newest - oldest + bytes > RING_SIZE) {
        ring_read(oldest, &head, sizeof(head));
        oldest += record_size(&head);
        lost++;
    }
}

static void ring_append(enum log_level level, const char *text, size_t length)
{
    struct record_head head = { timer_ticks(), (uint16_t)level, (uint16_t)length };
    uint32_t flags = irq_save();

    make_room(record_size(&head));
    last = newest;
    ring_write(newest, &head, sizeof(head));
    ring_write(newest + (uint32_t)sizeof(head), text, length);
    newest += record_size(&head);
    irq_restore(flags);
}

/* Append to the newest record.  False: it has ended, or there is no room in it. */
static bool ring_extend(const char *text, size_t length)
{
    struct record_head head;
    uint32_t flags = irq_save();
    bool fits;

    ring_read(last, &head, sizeof(head));
    fits = ring_is_open && head.length + length < LINE_SIZE;
    if (fits) {
        make_room((uint32_t)length);
        head.length = (uint16_t)(head.length + length);
        ring_write(last, &head, sizeof(head));
        ring_write(newest, text, length);
        newest += (uint32_t)length;
    }
    irq_restore(flags);
    return fits;
}

/* ---- the log ------------------------------------------------------------ */

static bool is_for_console(int level)
{
    return level < console_loglevel && !(printk_quiet && level >= LOG_WARNING);
}

/* It comes from an interrupt, into a line that a command has begun, or a whole picture. */
static bool must_wait(void)
{
    if (is_paged())
        return !may_stop();
    return holds && mm_state & MM_IRQ &&
           (waiting || kprintf_filter != NULL || console_line_is_begun());
}

/* What is appended next is to be shown when that line is whole. */
static void wait(void)
{
    if (!waiting)
        waiting_from = newest;
    waiting = true;
}

static void put_log(const char *text, size_t length)
{
    if (is_paged())
        kprintf_filter(text, length);
    else
        console_write(text, length);
}

static void show_row(size_t column, const char *text, size_t length)
{
    while (column-- > 0)
        put_log(" ", 1);
    put_log(text, length);
    put_log("\n", 1);
}

static void show(const char *text, size_t length)
{
    shown++;
    if (is_paged() && console_line_is_begun())
        put_log("\n", 1);
    console_fresh_line();
    wrap(text, length, 0, show_row);
}

/* A line of log on its way: see printk. */
struct log_line {
    struct format_sink sink;            /* first: the sink is the log_line */
    enum log_level level;
    bool goes_on;                       /* the last record, by pr_cont */
    bool is_cut;
    size_t length;
    char text[LINE_SIZE];
};

static enum log_level last_level = LOG_WARNING;

static void show_line(const struct log_line *line, bool goes_on, bool is_whole)
{
    if (goes_on && console_goes_on()) {
        console_write(line->text, line->length);
    } else if (!is_whole && line->length <= COLUMNS && !is_paged()) {
        console_fresh_line();
        console_write(line->text, line->length);
    } else {
        show(line->text, line->length);
        return;
    }
    shown++;
    console_end_later();
}

static void end_line(struct log_line *line, bool is_whole)
{
    bool is_shown = is_for_console(line->level), waits = is_shown && must_wait();
    bool begins = waits && !waiting;    /* to wait: from a record of its own on */
    bool goes_on = line->goes_on && !begins && ring_extend(line->text, line->length);

    if (line->is_cut)
        memcpy(line->text + line->length - 3, "...", 3);
    if (waits)
        wait();
    else if (waiting && !(mm_state & MM_IRQ))
        show_waiting();
    if (!goes_on)
        ring_append(line->level, line->text, line->length);
    ring_is_open = !is_whole;
    if (is_shown && !waits)
        show_line(line, goes_on, is_whole);
    line->goes_on = line->is_cut = false;
    line->length = 0;
}

static void put_in_line(struct format_sink *sink, const char *text, size_t length)
{
    struct log_line *line = (struct log_line *)sink;

    for (; length > 0; length--, text++) {
        if (*text == '\n')
            end_line(line, true);
        else if (line->length < LINE_SIZE - 1)
            line->text[line->length++] = *text;
        else
            line->is_cut = true;
    }
}

static const char *take_level(const char *fmt, struct log_line *line)
{
    for (; fmt[0] == KERN_SOH[0] && fmt[1] != 0; fmt += 2) {
        if (fmt[1] >= '0' && fmt[1] <= '7')
            line->level = (enum log_level)(fmt[1] - '0');
        if (fmt[1] == KERN_CONT[1]) {
            line->goes_on = true;
            line->level = last_level;
        }
    }
    last_level = line->level;
    return fmt;
}

int printk(const char *fmt, ...)
{
    struct log_line line = { .sink = { put_in_line, true }, .level = LOG_WARNING };
    va_list args;

    fmt = take_level(fmt, &line);
    va_start(args, fmt);
    int length = format(&line.sink, fmt, args);
    va_end(args);
    if (line.length > 0)
        end_line(&line, false);
    return length;
}

/*
 * Copy the record at *position, or the oldest if that one is gone by now, and step behind
 * it.  False: there are no more.  Who has read the newest stands behind its beginning,
 * though it may have grown since.
 */
static bool next_record(uint32_t *position, struct record_head *head, char *text)
{
    uint32_t flags = irq_save();
    bool found;

    if ((int32_t)(oldest - *position) > 0)
        *position = oldest;
    found = newest != oldest && (int32_t)(last - *position) >= 0;
    if (found) {
        ring_read(*position, head, sizeof(*head));
        if (head->length > LINE_SIZE)
            head->length = LINE_SIZE;           /* the ring was overwritten */
        ring_read(*position + (uint32_t)sizeof(*head), text, head->length);
        *position += record_size(head);
    }
    irq_restore(flags);
    return found;
}

static void show_waiting(void)
{
    char text[LINE_SIZE];
    struct record_head head;
    uint32_t flags = irq_save(), position = waiting_from, end = newest;
    bool is_whole = end - position <= end - oldest;

    waiting = false;
    irq_restore(flags);
    if (!is_whole)
        show(cut_log, sizeof(cut_log) - 1);
    while ((int32_t)(end - position) > 0 && next_record(&position, &head, text))
        if (is_for_console(head.level))
            show(text, head.length);
}

void printk_hold(bool hold)
{
    holds = hold;
    console_write("", 0);
    if (waiting && (is_paged() ? may_stop() : !hold))
        show_waiting();
}

void printk_dump_log(void)
{
    char text[LINE_SIZE];
    struct record_head head;
    uint32_t position = oldest;

    if (lost > 0)
        kprintf("%u older line%s made room for newer ones\n", (unsigned)lost,
                plural(lost));
    while (next_record(&position, &head, text))
        kprint_wrapped(0, "[%5u.%06u] %.*s", (unsigned)(head.ticks / TIMER_HZ),
                       (unsigned)(head.ticks % TIMER_HZ * (1000000 / TIMER_HZ)),
                       (int)head.length, text);
}
