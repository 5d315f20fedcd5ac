/*
 * pit.c - the 8254 interval timer.
 *
 * Channel 0 counts down at 1,193,182 Hz from a 16-bit divisor and raises IRQ 0
 * each time it gets to the end (mode 2, rate generator).  At 100 Hz the divisor is
 * 11,932, which is 100.0 Hz to four digits.
 *
 * Registers: Intel 8254 data sheet (231164), "Control Word Format".
 */
#include "drivers/pit.h"

#include "drivers/io.h"

enum { CHANNEL_0 = 0x40, COMMAND = 0x43, BASE_HZ = 1193182 };
enum {
    SELECT_0_LOW_HIGH_MODE_2 = 0x34,
    LATCH_0 = 0x00,
    LATCH_STATUS_OF_0 = 0xe2,           /* "Read-Back Command" */
    STATUS_SETTING = 0x3f,              /* the last control word's bits */
};

void pit_start(uint32_t hz)
{
    uint32_t divisor = (BASE_HZ + hz / 2) / hz;

    outb(COMMAND, SELECT_0_LOW_HIGH_MODE_2);
    outb(CHANNEL_0, (uint8_t)divisor);
    outb(CHANNEL_0, (uint8_t)(divisor >> 8));
}

bool pit_is_started(void)
{
    outb(COMMAND, LATCH_STATUS_OF_0);
    return (inb(CHANNEL_0) & STATUS_SETTING) == SELECT_0_LOW_HIGH_MODE_2;
}

static unsigned count(void)
{
    outb(COMMAND, LATCH_0);

    unsigned low = inb(CHANNEL_0);

    return low | (unsigned)inb(CHANNEL_0) << 8;
}

/* It counts down, so where it is higher than before it has begun anew. */
void pit_wait(unsigned ticks)
{
    for (unsigned before = count(), now; ticks > 0; before = now) {
        now = count();
        ticks -= now > before;
    }
}
