/*
 * test_serial.c - drivers/serial.c on a chip that is slow, stuck, noisy, gone or never
 * there: nothing hangs, and what is lost is counted.
 *
 * The driver is compiled in here, with ports that are the model below instead of
 * drivers/io.h.
 */
#define DRIVERS_IO_H
#include <stdint.h>

static void outb(uint16_t port, uint8_t value);
static uint8_t inb(uint16_t port);

#include "drivers/serial.c"

void watchdog_feed(void) {}
#include "tests/hosted/arena.h"

#include <string.h>

/* ---- the chip ----------------------------------------------------------------- */

static struct chip {
    bool absent;
    uint32_t busy;              /* looks until it is ready again */
    uint32_t slowness;          /*   behind each byte; UINT32_MAX: for ever */
    uint8_t line_control, scratch[8];
    const uint8_t *in;          /* bytes that wait, each behind its line status */
    size_t in_length;
    char out[400];
    size_t out_length;
    uint32_t looks;
} chip;

static void outb(uint16_t port, uint8_t value)
{
    chip.scratch[port - COM1] = value;
    if (port == LINE_CONTROL)
        chip.line_control = value;
    if (port != DATA || chip.line_control & LCR_DIVISOR)
        return;
    assert_int_equal(chip.busy, 0);             /* nothing is written over */
    assert_true(chip.out_length < sizeof(chip.out) - 1);
    chip.out[chip.out_length++] = (char)value;
    chip.busy = chip.slowness;
}

static uint8_t look(void)
{
    uint8_t status = 0;

    chip.looks++;
    if (chip.busy == 0)
        status |= LSR_ROOM | LSR_ALL_SENT;
    else if (chip.busy != UINT32_MAX)
        chip.busy--;
    if (chip.in_length > 0)
        status |= LSR_RECEIVED | chip.in[0];
    return status;
}

static uint8_t inb(uint16_t port)
{
    if (chip.absent)
        return NOTHING_THERE;
    if (port == LINE_CONTROL)
        return chip.line_control;
    if (port == LINE_STATUS)
        return look();
    if (port != DATA || chip.in_length == 0)
        return 0;
    chip.in += 2;
    chip.in_length -= 2;
    return chip.in[-1];
}

static char got[64];
static size_t got_length;

static void note(uint8_t byte)
{
    got[got_length++] = (char)byte;
}

static void plug_in(void)
{
    memset(&chip, 0, sizeof(chip));
    memset(got, 0, sizeof(got));
    got_length = 0;
    stuck = damaged = broken = false;
    waited = missing = dropped = gaps = overruns = noise = 0;
    serial_patience = 1000;
    assert_true(serial_init(CLOCK));
    serial_listen(note);
}

static void print(const char *text)
{
    for (; *text != 0; text++)
        serial_put((uint8_t)*text);
}

/* ---- out ---------------------------------------------------------------------- */

static void a_slow_chip_loses_nothing(void **state)
{
    (void)state;
    plug_in();
    chip.slowness = 999;
    print("slow, but ready in the end");
    assert_string_equal(chip.out, "slow, but ready in the end");
    assert_int_equal(serial_dropped(), 0);
}

static void a_chip_that_is_never_ready_is_waited_for_once_and_all_is_counted(void **state)
{
    (void)state;
    plug_in();
    chip.busy = UINT32_MAX;
    chip.looks = 0;
    print("12345678901234567890");
    serial_drain();
    assert_int_equal(chip.looks, 1000 + 19 + 1);
    assert_int_equal(serial_dropped(), 20);
    assert_int_equal(chip.out_length, 0);
}

static void who_asks_first_does_not_wait_in_put(void **state)
{
    (void)state;
    plug_in();
    chip.slowness = 500;
    for (const char *text = "ab"; *text != 0; text++) {
        while (!serial_accepts())
            ;
        chip.looks = 0;
        serial_put((uint8_t)*text);
        assert_int_equal(chip.looks, 1);
    }
    chip.busy = UINT32_MAX;
    for (int looks = 1; looks < 1000; looks++)
        assert_false(serial_accepts());
    assert_true(serial_accepts());              /* and from now on */
    assert_true(serial_accepts());
    print("cd");
    assert_string_equal(chip.out, "ab");
    assert_int_equal(serial_dropped(), 2);
}

static void where_the_line_goes_on_it_says_what_is_missing(void **state)
{
    (void)state;
    plug_in();
    chip.slowness = UINT32_MAX;
    print("a0123456789bc");
    chip.busy = chip.slowness = 0;
    print("d\r\n");
    assert_string_equal(chip.out, "a\r\n[12 bytes lost here: the serial line was not "
                                  "ready]\r\nd\r\n");
    assert_int_equal(serial_dropped(), 12);
    chip.slowness = 999;                        /* it is waited for again */
    print("efg");
    assert_int_equal(serial_dropped(), 12);
}

static void a_line_that_gets_stuck_as_it_says_so_says_all_of_it_later(void **state)
{
    (void)state;
    plug_in();
    chip.slowness = UINT32_MAX;
    print("ab");
    chip.busy = 0;                              /* one byte goes out, and no more */
    print("cd");
    assert_string_equal(chip.out, "a\r");
    assert_int_equal(serial_dropped(), 3);
    assert_int_equal(serial_gaps(), 0);
    chip.busy = chip.slowness = 0;
    print("e");
    assert_string_equal(chip.out, "a\r\r\n[3 bytes lost here: the serial line was not "
                                  "ready]\r\ne");
    assert_int_equal(serial_gaps(), 1);
}

static void who_has_nothing_to_send_can_ask_whether_it_goes_on(void **state)
{
    (void)state;
    plug_in();
    chip.slowness = UINT32_MAX;
    print("abc");
    assert_int_equal(serial_gaps(), 0);
    assert_string_equal(chip.out, "a");
    chip.busy = chip.slowness = 0;
    assert_int_equal(serial_gaps(), 1);
    assert_string_equal(chip.out, "a\r\n[2 bytes lost here: the serial line was not "
                                  "ready]\r\n");
    chip.looks = 0;
    assert_int_equal(serial_gaps(), 1);
    assert_int_equal(chip.looks, 0);            /* nothing is missing: nothing to ask */
}

static void what_was_waited_for_in_vain_but_lost_nothing_says_nothing(void **state)
{
    (void)state;
    plug_in();
    chip.busy = UINT32_MAX;
    while (!serial_accepts())
        ;
    chip.busy = 0;
    print("ab");
    assert_string_equal(chip.out, "ab");
    chip.busy = 999;                            /* it is waited for again */
    print("c");
    assert_string_equal(chip.out, "abc");
    assert_int_equal(serial_dropped(), 0);
}

/* ---- in ----------------------------------------------------------------------- */

static void come_in(const uint8_t *bytes, size_t length)
{
    chip.in = bytes;
    chip.in_length = length;
    serial_interrupt();
    assert_int_equal(chip.in_length, 0);
}

static void noise_is_counted_and_not_handed_on(void **state)
{
    static const uint8_t bytes[] = { 0, 'a', LSR_DAMAGED, 'b', LSR_BREAK | LSR_DAMAGED, 0,
                                     0x04, 'c', 0, 'd', 0x08, 'e', 0, 0 };

    (void)state;
    plug_in();
    come_in(bytes, sizeof(bytes));
    assert_int_equal(got_length, 3);
    assert_memory_equal(got, "ad\0", 3);
    assert_int_equal(serial_noise(), 4);
    assert_int_equal(serial_overruns(), 0);
}

/* As QEMU has it: the break is told while bytes before it wait. */
static void a_break_that_is_told_early_takes_no_other_byte(void **state)
{
    static const uint8_t bytes[] = { LSR_BREAK, 'a', 0, 'b', 0, 0, 0, 'c', 0, 0 };

    (void)state;
    plug_in();
    come_in(bytes, sizeof(bytes));
    assert_int_equal(got_length, 4);
    assert_memory_equal(got, "abc\0", 4);
    assert_int_equal(serial_noise(), 1);
}

static void an_error_that_is_seen_while_sending_is_not_forgotten(void **state)
{
    static const uint8_t bytes[] = { LSR_DAMAGED | LSR_OVERRUN, 'x', 0, 'y' };

    (void)state;
    plug_in();
    chip.in = bytes;
    chip.in_length = sizeof(bytes);
    serial_put('o');
    static const uint8_t rest[] = { 0, 'x', 0, 'y' };   /* that look has cleared it */
    come_in(rest, sizeof(rest));
    assert_string_equal(got, "y");
    assert_int_equal(serial_noise(), 1);
    assert_int_equal(serial_overruns(), 1);
}

/* ---- not there ------------------------------------------------------------------ */

static void without_a_chip_nothing_waits_and_nothing_comes_in(void **state)
{
    (void)state;
    memset(&chip, 0, sizeof(chip));
    chip.absent = true;
    assert_false(serial_init(CLOCK));
    print("nobody");
    serial_drain();
    serial_listen(note);
    serial_interrupt();
    assert_int_equal(serial_poll(), -1);
}

static void a_chip_that_goes_away_hangs_nobody(void **state)
{
    (void)state;
    plug_in();
    print("a");
    chip.absent = true;
    serial_interrupt();                         /* all bits say that a byte is there */
    print("bcd");
    serial_drain();
    assert_int_equal(got_length, 0);
    assert_int_equal(serial_poll(), -1);
    assert_string_equal(chip.out, "a");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(a_slow_chip_loses_nothing),
        ARENA_TEST(a_chip_that_is_never_ready_is_waited_for_once_and_all_is_counted),
        ARENA_TEST(who_asks_first_does_not_wait_in_put),
        ARENA_TEST(where_the_line_goes_on_it_says_what_is_missing),
        ARENA_TEST(a_line_that_gets_stuck_as_it_says_so_says_all_of_it_later),
        ARENA_TEST(who_has_nothing_to_send_can_ask_whether_it_goes_on),
        ARENA_TEST(what_was_waited_for_in_vain_but_lost_nothing_says_nothing),
        ARENA_TEST(noise_is_counted_and_not_handed_on),
        ARENA_TEST(a_break_that_is_told_early_takes_no_other_byte),
        ARENA_TEST(an_error_that_is_seen_while_sending_is_not_forgotten),
        ARENA_TEST(without_a_chip_nothing_waits_and_nothing_comes_in),
        ARENA_TEST(a_chip_that_goes_away_hangs_nobody),
    };

    return ARENA_RUN(tests);
}
