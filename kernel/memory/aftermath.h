/*
 * aftermath.h - what a command that was ended leaves behind: see aftermath.c.
 */
#ifndef KERNEL_MEMORY_AFTERMATH_H
#define KERNEL_MEMORY_AFTERMATH_H

#include <stdint.h>

#include "mm/site.h"

/* For the shell (kernel/shell/hooks.h): a command begins, or was ended. */
void aftermath_begin(unsigned level);
void aftermath_ended(unsigned level, const char *name);

/* For the guard (kernel/cpu/guard.h): a call was ended while mm was entered. */
void aftermath_mend(void);

/*
 * Count what commands that were ended have left and is live now, of what was taken after
 * that serial number; then: how much of it is that call site's, and all of it in words.
 */
void aftermath_count(uint32_t after);
/* The same of what is of that kind (enum mm_scan_kind) by the last scan. */
void aftermath_count_kind(unsigned kind, uint32_t after);
uint32_t aftermath_left_of(const struct alloc_site *site);
void aftermath_print(void);

#endif
