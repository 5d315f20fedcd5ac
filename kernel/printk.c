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
 * starts a line of its own.  What comes from an interrupt while a command is in the
 * middle of a line waits in the ring until that line is whole.  A line of more than 255
 * characters is cut, and ends with "...".  Nothing allocates.
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

enum { RING_SIZE = 16 * 1024, LINE_SIZE = 256, WRAPPED_SIZE = 512 };

struct record_head {
    uint32_t ticks;
    uint16_t level;
    uint16_t length;            /* of the text behind */
};

int console_loglevel = 7;
void (*kprintf_filter)(const char *text, size_t length);

static uint32_t shown;

static char ring[RING_SIZE];
static uint32_t oldest, newest;         /* positions */
static uint32_t lost;                   /* records */

static const char cut_log[] = "(older lines of the log found no room, and are lost)";

static bool holds;                      /* a command runs: its lines stay whole */
static volatile bool waiting;           /* lines of log, from this position on, */
static uint32_t waiting_from;           /*   for the console */

static void show_waiting(void);

/* ---- to the console ----------------------------------------------------- */

static void put_on_console(struct format_sink *sink, const char *text, size_t length)
{
    (void)sink;
    shown++;
    if (kprintf_filter != NULL && !(mm_state & MM_IRQ))
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
    struct format_sink console = { put_on_console };

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
    kvsnprintf(line, sizeof(line), fmt, args);
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
    ring_write(newest, &head, sizeof(head));
    ring_write(newest + (uint32_t)sizeof(head), text, length);
    newest += record_size(&head);
    irq_restore(flags);
}

/* ---- the log ------------------------------------------------------------ */

/* It comes from an interrupt, into a line that a command has begun, or a whole picture. */
static bool must_wait(void)
{
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

static void show_row(size_t column, const char *text, size_t length)
{
    while (column-- > 0)
        console_write(" ", 1);
    console_write(text, length);
    console_write("\n", 1);
}

static void show(const char *text, size_t length)
{
    shown++;
    console_fresh_line();
    wrap(text, length, 0, show_row);
}

void printk(enum log_level level, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, fmt);
    size_t length = (size_t)kvsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    if (length >= sizeof(line)) {
        length = sizeof(line) - 1;
        memcpy(line + length - 3, "...", 3);
    }

    bool is_shown = (int)level < console_loglevel;
    bool waits = is_shown && must_wait();

    if (waits)
        wait();
    else if (waiting && !(mm_state & MM_IRQ))
        show_waiting();
    ring_append(level, line, length);
    if (is_shown && !waits)
        show(line, length);
}

/*
 * Copy the record at *position, or the oldest if that one is gone by now, and
 * step behind it.  False: there are no more.
 */
static bool next_record(uint32_t *position, struct record_head *head, char *text)
{
    uint32_t flags = irq_save();
    bool found;

    if (newest - *position > newest - oldest)
        *position = oldest;
    found = *position != newest;
    if (found) {
        ring_read(*position, head, sizeof(*head));
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
        if (head.level < console_loglevel)
            show(text, head.length);
}

void printk_hold(bool hold)
{
    holds = hold;
    if (!hold && waiting)
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
