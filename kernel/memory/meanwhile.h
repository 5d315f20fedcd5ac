/*
 * meanwhile.h - what handlers of earlier commands take: see meanwhile.c.
 */
#ifndef KERNEL_MEMORY_MEANWHILE_H
#define KERNEL_MEMORY_MEANWHILE_H

#include <stdbool.h>
#include <stdint.h>

/* A handler that this command had set up has taken these serials (guard.h). */
void meanwhile_taken(uint32_t command, uint32_t first, uint32_t last);

/* Was it taken by a handler that a command before this one had set up? */
bool meanwhile_is(uint32_t serial, uint32_t command);

/* Of serials up to that one nobody knows any more. */
uint32_t meanwhile_forgotten(void);

/* A line's first command begins; one was ended, so all that is known is kept. */
void meanwhile_begin(void);
void meanwhile_keep(void);

#endif
