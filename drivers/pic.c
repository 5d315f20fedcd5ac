/*
 * pic.c - two 8259A interrupt controllers, the second one behind line 2 of the
 * first.
 *
 *     IRQ 0, 1, 3..7 --> master --> CPU
 *                          ^ line 2
 *     IRQ 8..15 ------> slave
 *
 * Of lines that wait the lowest goes first, but 0, the timer's, is last: else a handler at
 * each tick that takes longer than a tick would keep all others out, Ctrl-C as well.
 *
 * After reset the master's vectors are those of CPU exceptions, hence pic_init.
 * When a line drops before the CPU asks which it was, a controller answers with
 * its line 7 although nothing is in service there: a spurious interrupt, which
 * must not be ended at that controller.
 *
 * Registers: Intel 8259A data sheet (231468), "Programming the 8259A".
 */
#include "drivers/pic.h"

#include <stdint.h>

#include "drivers/io.h"

enum { MASTER = 0x20, SLAVE = 0xa0, CASCADE = 2 };      /* commands; data is + 1 */

enum {
    ICW1_INIT_WITH_ICW4 = 0x11,
    ICW4_8086 = 0x01,
    OCW2_END = 0x20,
    OCW2_LAST_IS_0 = 0xc0,              /* set priority: line 0 is the bottom */
    OCW3_READ_REQUESTS = 0x0a,
    OCW3_READ_IN_SERVICE = 0x0b,
};

static unsigned enabled;                /* lines, a bit each */
static unsigned first_vector;

static void start(uint16_t port, unsigned vector, uint8_t cascade, unsigned lines)
{
    const uint8_t words[] = { (uint8_t)vector, cascade, ICW4_8086, (uint8_t)~lines };

    outb(port, ICW1_INIT_WITH_ICW4);
    for (unsigned i = 0; i < sizeof(words); i++) {
        io_wait();
        outb((uint16_t)(port + 1), words[i]);   /* the last one masks lines */
    }
}

static void start_both(void)
{
    start(MASTER, first_vector, 1 << CASCADE, enabled);
    start(SLAVE, first_vector + 8, CASCADE, enabled >> 8);
    outb(MASTER, OCW2_LAST_IS_0);
}

void pic_init(unsigned base)
{
    first_vector = base;
    enabled = 1u << CASCADE;
    start_both();
}

static uint16_t port_of(unsigned irq)
{
    return irq < 8 ? MASTER : SLAVE;
}

/* To begin to set it up unmasks all its lines; more of it cannot be read. */
bool pic_put_back(void)
{
    uint8_t master = (uint8_t)~enabled, slave = (uint8_t)~(enabled >> 8);

    if (inb(MASTER + 1) == master && inb(SLAVE + 1) == slave)
        return false;
    start_both();
    return true;
}

void pic_enable(unsigned irq)
{
    enabled |= 1u << irq;
    outb((uint16_t)(port_of(irq) + 1), (uint8_t)~(irq < 8 ? enabled : enabled >> 8));
}

bool pic_is_spurious(unsigned irq)
{
    if ((irq & 7) != 7)
        return false;
    outb(port_of(irq), OCW3_READ_IN_SERVICE);
    if (inb(port_of(irq)) & 0x80)
        return false;
    if (irq >= 8)
        outb(MASTER, OCW2_END);         /* its line 2 was real */
    return true;
}

bool pic_is_waiting(unsigned irq)
{
    outb(port_of(irq), OCW3_READ_REQUESTS);
    return inb(port_of(irq)) >> (irq & 7) & 1;
}

/* An end is that of the highest line in service. */
static void end_all_of(uint16_t port)
{
    for (unsigned i = 0; i < PIC_LINES / 2; i++) {
        outb(port, OCW3_READ_IN_SERVICE);
        if (inb(port) == 0)
            return;
        outb(port, OCW2_END);
    }
}

void pic_end_all(void)
{
    end_all_of(SLAVE);
    end_all_of(MASTER);
}

void pic_end(unsigned irq)
{
    if (irq >= 8)
        outb(SLAVE, OCW2_END);
    outb(MASTER, OCW2_END);
}
