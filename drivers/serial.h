/*
 * serial.h - the first serial port, COM1: see serial.c.
 */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERIAL_IRQ = 4 };

/* Set it up at `baud`, 8 bits, no parity.  False: there is no such port. */
bool serial_init(uint32_t baud);

/* Another speed: 115,200 or an integral part of it. */
void serial_set_baud(uint32_t baud);

/* Send one byte, waiting for room, but not for ever: see serial.c.  Without a port:
 * nothing. */
void serial_put(uint8_t byte);

/* Looks at a line that is not ready until it counts as stuck. */
extern uint32_t serial_patience;

/* One look: will serial_put not wait? */
bool serial_accepts(void);

/* Bytes that were not sent because the line did not get ready. */
uint32_t serial_dropped(void);

/*
 * How many times the line went on behind a gap.  One look: if it goes on now, it says how
 * much is missing.
 */
uint32_t serial_gaps(void);

/* Wait until all that was sent has left the chip, but not for ever. */
void serial_drain(void);

/* From now on receive(byte) is called for each byte, in serial_interrupt; interrupts off. */
void serial_listen(void (*receive)(uint8_t byte));
void serial_interrupt(void);

/* Whatever was written to its ports, it sends and receives as before; not its speed. */
void serial_put_back(void);

/* What has come in, without an interrupt: a byte, or -1. */
int serial_poll(void);

/* Breaks, and bytes that came in damaged; none of them was handed on. */
uint32_t serial_noise(void);

/* How many times the chip has lost bytes because nobody fetched them in time. */
uint32_t serial_overruns(void);

#endif
