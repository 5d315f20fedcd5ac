/*
 * pic.h - the pair of interrupt controllers: see pic.c.
 */
#ifndef DRIVERS_PIC_H
#define DRIVERS_PIC_H

#include <stdbool.h>

enum { PIC_LINES = 16 };

/* IRQ n interrupts with vector base + n; all 16 lines are off.  base: 8 * k. */
void pic_init(unsigned base);
void pic_enable(unsigned irq);

/* True if the line of this interrupt was gone when the CPU asked: ignore it. */
bool pic_is_spurious(unsigned irq);

/* Has it come already, and waits to be let through? */
bool pic_is_waiting(unsigned irq);

/* The interrupt has been served. */
void pic_end(unsigned irq);

/* End whatever is in service: of handlers that will not come to their end. */
void pic_end_all(void);

/*
 * Those lines interrupt that were enabled, and with their vectors, whoever has masked others
 * or begun to set it up anew.  True: somebody had, as far as it tells.
 */
bool pic_put_back(void);

#endif
