/*
 * paging.h - page tables: see paging.c.
 */
#ifndef KERNEL_CPU_PAGING_H
#define KERNEL_CPU_PAGING_H

#include <stdbool.h>
#include <stdint.h>

/* What CR3 holds, in all tasks. */
extern uint32_t page_directory[1024];

/* Map memory and turn paging on.  memmap_init has run, memmap_hand_over has not. */
void paging_init(void);

/* May this byte be read?  Page 0, guard pages and what is beyond RAM may not. */
bool paging_maps(uint32_t addr);

#endif
