/*
 * power.c - test exit, power off, reboot.
 *
 * There is no one way to switch a PC off without reading its ACPI tables; the
 * ports below are those that virtual machines have.  Where nothing works, the
 * kernel stands still and the console says so.
 *
 *     0xf4     QEMU -device isa-debug-exit: a byte v ends QEMU with (v << 1) | 1
 *     0x604    QEMU pc and q35, ACPI PM1a control: 0x2000 is sleep, type 0 (S5)
 *     0xb004   Bochs and QEMU before 2.0, the same
 *     0x4004   VirtualBox, the same with type 5
 *     0x64     8042 keyboard controller: command 0xfe pulses the reset line
 *     0x70     the clock, MC146818A: its register 0, at 0x71, counts seconds
 */
#include "drivers/power.h"

#include "drivers/io.h"
#include "drivers/serial.h"
#include "drivers/vga.h"

enum {
    TEST_EXIT = 0xf4,
    TEST_EXIT_STATUS = 32,      /* added, so that it is told from QEMU's own */
    TEST_EXIT_FAILED = 1,
    KEYBOARD = 0x64,
    KEYBOARD_BUSY = 0x02,
    KEYBOARD_RESET = 0xfe,
    CLOCK = 0x70,
    CLOCK_SECONDS = 0,
    MOMENT = 2,                 /* seconds, of which the first is not a whole one */
    PATIENCE = 100 * 1000,
    WAITS = 10 * 1000,          /* between two looks at the clock: a record keeps each */
    LOOKS = 6000,               /* a second has some 2,000 in QEMU, 100 on a PC */
    REST = 100 * 1000,          /* pauses between two looks at the serial port */
};

static void say(const char *text)
{
    for (; *text != 0; text++) {
        serial_put((uint8_t)*text);
        vga_put((uint8_t)*text);
    }
    serial_drain();
}

static void rest(void)
{
    for (unsigned left = REST; left > 0; left--)
        __asm__ volatile("pause");
}

/*
 * While the port is full, QEMU does not read its terminal, not even for the keys that
 * are its own: Ctrl-A X would not leave.  So what is typed is taken, to the end.  The CPU
 * is never halted: with interrupts off hlt would not wake up for a key, and after a
 * fault whatever an interrupt runs may be what is broken.
 *
 * R starts again, if it is a key by itself: a page that was pasted has R's, too.
 */
void power_stop(void)
{
    __asm__ volatile("cli");
    serial_drain();
    for (bool quiet = false, asked = false;; rest()) {
        int byte = serial_poll();

        while (byte >= 0 && serial_poll() >= 0)
            byte = 0;
        if (asked && byte < 0)
            power_reboot();
        asked = quiet && (byte == 'r' || byte == 'R');
        quiet = byte < 0;
    }
}

static bool has_firmware = true;

/* The reset vector, at the top of 4 GiB: nothing is mapped there if all is 0 or 1. */
void power_init(void)
{
    uintptr_t reset_vector = 0xfffffff0;

    __asm__ volatile("" : "+r"(reset_vector));

    uint8_t opcode = *(const volatile uint8_t *)reset_vector;

    has_firmware = opcode != 0 && opcode != 0xff;
}

bool power_can_reboot(void)
{
    return has_firmware;
}

static uint8_t second(void)
{
    outb(CLOCK, CLOCK_SECONDS);
    return inb(CLOCK + 1);
}

/*
 * Some ways out take a moment: QEMU does it in a thread of its own, which on a busy
 * machine comes to it late, and what has been said by then would not be true.  A clock
 * that has not moved for LOOKS stands, and then that is enough.
 */
static void wait_a_moment(void)
{
    unsigned passed = 0;
    uint8_t before = second();

    for (unsigned looks = 0; looks < LOOKS && passed < MOMENT; looks++) {
        for (unsigned left = WAITS; left > 0; left--)
            io_wait();

        uint8_t now = second();

        if (now != before) {
            passed++;
            looks = 0;
        }
        before = now;
    }
}

void power_off(void)
{
    serial_drain();
    outw(0x604, 0x2000);
    outw(0xb004, 0x2000);
    outw(0x4004, 0x3400);
    wait_a_moment();
    say("This machine cannot switch itself off: it has none of the ports by which virtual\r\n"
        "machines are switched off.  It has stopped.\r\n");
    say(has_firmware ? "R restarts it.\r\n" : "");
    power_stop();
}

void power_exit(uint32_t status)
{
    serial_drain();
    outb(TEST_EXIT, (uint8_t)(TEST_EXIT_STATUS + status));
    power_off();
}

void power_fail(void)
{
    serial_drain();
    outb(TEST_EXIT, TEST_EXIT_FAILED);
}

/* An exception without any descriptor table to handle it resets the CPU. */
static void triple_fault(void)
{
    const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) none = { 0, 0 };

    __asm__ volatile("lidt %0; int3" : : "m"(none));
}

void power_reboot(void)
{
    unsigned left = PATIENCE;

    if (!has_firmware) {
        say("This machine has no firmware to start again from.  It has stopped.\r\n");
        power_stop();
    }
    serial_drain();
    while ((inb(KEYBOARD) & KEYBOARD_BUSY) && --left > 0)
        ;
    outb(KEYBOARD, KEYBOARD_RESET);
    wait_a_moment();
    say("This machine does not restart by its keyboard controller; now by a triple fault.\r\n");
    triple_fault();
    say("It did not restart either.  It has stopped.\r\n");
    power_stop();
}
