/*
 * paging.h - page tables: see paging.c.
 */
#ifndef KERNEL_CPU_PAGING_H
#define KERNEL_CPU_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What CR3 holds, in all tasks. */
extern uint32_t page_directory[1024];

/* What of the first 4 MiB may not be written, or is not to be there at all. */
enum paging_kind { PAGING_READ_ONLY, PAGING_ABSENT };
struct paging_part {
    const char *start, *end;            /* whole pages */
    enum paging_kind kind;
};

/* Gives whole pages, next to each other; NULL: there are none. */
typedef void *(*paging_pages)(size_t count, const char *what_for);

/*
 * Map RAM up to ram_end to itself, but for these parts, and turn paging on; take_pages is
 * asked once, for tables.  False: none were left, the CPU needs them, and nothing is on.
 */
bool paging_init(uint64_t ram_end, const struct paging_part *parts, size_t count,
                 paging_pages take_pages);

/*
 * Map `count` pages at physical address `pages` in a row from `address` on, too, where
 * nothing is mapped; they can be written.  False: no page was left for a page table.
 */
bool paging_map(uint32_t address, const void *pages, size_t count,
                paging_pages take_pages);

/* May this byte be read?  Most of the first MiB, guard pages, what is beyond RAM may not. */
bool paging_maps(uint32_t addr);

/*
 * Take whole pages of RAM away from everybody, or give them back; rights and contents stay
 * as they are.  False: from some page on it cannot be done, for want of a table.
 */
bool paging_set_present(void *start, size_t bytes, bool present);

/* Pages that the directory and all tables take, those in use and those in reserve. */
uint32_t paging_table_pages(void);

#endif
