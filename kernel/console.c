/*
 * console.c - characters out, to the serial line and the screen, and in.
 *
 *     console_write --+--> serial line      console=ttyS0
 *                     `--> VGA text         console=tty0
 *
 *     interrupt --> queue[put % SIZE] ... queue[got % SIZE] --> console_poll
 *
 * What is typed waits in a queue that the interrupt fills and the shell empties.
 * put and got only ever grow (and wrap together); put - got bytes wait.  One
 * writer, one reader, one CPU: no lock is needed.
 *
 * Ctrl-C is noticed when it comes in, not when it is read: a command that runs
 * for long asks console_interrupted().
 *
 * Rules:
 *   - a byte that finds the queue full is counted, never dropped in silence; Ctrl-C
 *     then takes the place of the last one;
 *   - a character goes out whole: an interrupt's own output comes between two
 *     characters, never between the wait for room and the write;
 *   - the kernel is never mute: without any place that was chosen, it uses what
 *     there is.
 *
 * Input comes from the serial line alone.
 */
#include "kernel/console.h"

#include "boot/multiboot.h"
#include "drivers/pic.h"
#include "drivers/serial.h"
#include "drivers/vga.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/memmap.h"

enum { QUEUE_SIZE = 16384 };            /* pages of paste; a power of two */
enum { DEFAULT_BAUD = 115200, CTRL_C = 3 };

static uint8_t queue[QUEUE_SIZE];
static volatile uint32_t put_count, got_count;
static volatile uint32_t lost;
static volatile int interrupted;        /* how many Ctrl-C */
static volatile uint32_t ctrl_c_at;    /* place of the last Ctrl-C in the queue */
static unsigned present;                /* of enum console_place */
static unsigned chosen;                 /* 0: all of them */
static bool on_serial = true;
static volatile bool line_begun;        /* the last character was no newline */
static volatile bool ends_later;        /* but one is due */
static bool muted;

/* ---- out ---------------------------------------------------------------- */

/* With interrupts as they are: a reader who pauses stops neither the clock nor Ctrl-C. */
static void wait_for_serial(void)
{
    bool accepts;

    do {
        uint32_t flags = irq_save();

        accepts = serial_accepts();
        irq_restore(flags);
    } while (!accepts);
}

static void put(char c)
{
    if (on_serial)
        wait_for_serial();

    uint32_t flags = irq_save();

    if (on_serial)
        serial_put((uint8_t)c);
    vga_put((uint8_t)c);
    irq_restore(flags);
}

void console_mute(bool mute)
{
    muted = mute;
}

bool console_is_muted(void)
{
    return muted;
}

void console_write(const char *text, size_t length)
{
    if (muted)
        return;
    if (console_goes_on())
        console_write("\n", 1);
    for (; length > 0; length--, text++) {
        line_begun |= *text != '\n';    /* before an interrupt can come */
        if (*text == '\n')
            put('\r');
        put(*text);
        line_begun &= *text != '\n';
    }

    uint32_t flags = irq_save();

    vga_show_cursor();
    irq_restore(flags);
}

void console_control(const char *text, size_t length)
{
    console_write("", 0);               /* a line that is due to end */

    bool begun = line_begun;

    console_write(text, length);
    line_begun = begun;
}

uint32_t console_gaps(void)
{
    uint32_t flags = irq_save(), gaps = serial_gaps();

    irq_restore(flags);
    return gaps;
}

bool console_line_is_begun(void)
{
    return line_begun && !ends_later;
}

void console_fresh_line(void)
{
    ends_later = false;
    if (line_begun)
        console_write("\n", 1);
}

void console_end_later(void)
{
    ends_later = line_begun;
}

bool console_goes_on(void)
{
    bool goes_on = ends_later;

    ends_later = false;
    return goes_on;
}

/* ---- in ----------------------------------------------------------------- */

/* Called in the interrupt, for each byte. */
static void received(uint8_t byte)
{
    if (put_count - got_count == QUEUE_SIZE) {
        lost++;
        if (byte != CTRL_C)
            return;
        put_count--;
    }
    if (byte == CTRL_C) {
        interrupted++;
        ctrl_c_at = put_count;
    }
    queue[put_count % QUEUE_SIZE] = byte;
    put_count++;
}

void console_look(void)
{
    serial_interrupt();
}

int console_poll(void)
{
    if (put_count == got_count)
        return -1;

    uint8_t byte = queue[got_count % QUEUE_SIZE];

    got_count++;
    return byte;
}

int console_interrupted(void)
{
    return interrupted;
}

static bool ctrl_c_waits(void)
{
    return interrupted && ctrl_c_at - got_count < put_count - got_count;
}

/* One that waits in the queue was meant for what is about to begin. */
void console_clear_interrupt(void)
{
    uint32_t flags = irq_save();

    if (!ctrl_c_waits())
        interrupted = 0;
    irq_restore(flags);
}

bool console_drop_to_interrupt(void)
{
    if (!ctrl_c_waits())
        return false;
    while (ctrl_c_waits())
        console_poll();
    console_clear_interrupt();
    return true;
}

uint32_t console_overruns(void)
{
    return lost + serial_overruns();
}

/* ---- starting ----------------------------------------------------------- */

void console_init(void)
{
    if (serial_init(DEFAULT_BAUD))
        present |= CONSOLE_SERIAL;
}

/* By what the loader says: its map, and the mode that it has set if it set one. */
static bool may_have_screen(const struct multiboot_info *info)
{
    struct memmap_entry entry;
    uint32_t offset = 0;

    if ((info->flags & MULTIBOOT_INFO_FRAMEBUFFER_INFO) &&
        info->framebuffer_type != MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT)
        return false;
    while (memmap_next_entry(info, &offset, &entry))
        if (entry.type == MULTIBOOT_MEMORY_AVAILABLE && entry.start < VGA_TEXT_END &&
            entry.end > VGA_TEXT_START)
            return false;
    return true;
}

void console_find_screen(const struct multiboot_info *info)
{
    if (may_have_screen(info) && vga_init())
        present |= CONSOLE_SCREEN;
}

void console_tell_screen(const char *text)
{
    console_write("", 0);               /* a line that is due to end */
    uint32_t flags = irq_save();

    for (; *text != 0; text++)
        vga_put((uint8_t)*text);
    irq_restore(flags);
}

bool console_has_serial(void)
{
    return (present & CONSOLE_SERIAL) != 0;
}

bool console_choose(enum console_place place)
{
    chosen |= place;

    unsigned used = (chosen & present) != 0 ? chosen & present : present;

    on_serial = (used & CONSOLE_SERIAL) != 0;
    vga_use((used & CONSOLE_SCREEN) != 0);
    return (present & place) != 0;
}

bool console_set_baud(uint32_t baud)
{
    if (baud == 0 || DEFAULT_BAUD % baud != 0)
        return false;
    serial_drain();
    serial_set_baud(baud);
    return true;
}

void console_put_back(void)
{
    serial_put_back();
}

void console_listen(void)
{
    irq_handle(SERIAL_IRQ, serial_interrupt);
    serial_listen(received);
    pic_enable(SERIAL_IRQ);
}
