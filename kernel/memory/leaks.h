/*
 * leaks.h - what others ask of `leaks`: cmd_leaks.c.
 */
#ifndef KERNEL_MEMORY_LEAKS_H
#define KERNEL_MEMORY_LEAKS_H

#include <stdbool.h>
#include <stdint.h>

/* The newest serial number when `leaks mark` was last given; false: it was not. */
bool leaks_mark(uint32_t *serial);

#endif
