/*
 * memmap.h - the machine's memory: what the loader says, and what is left of it
 * for mm.
 */
#ifndef KERNEL_MEMMAP_H
#define KERNEL_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/multiboot.h"
#include "mm/mm.h"

/*
 * Copy what the loader says, wherever it lies: before paging, and before anybody reads it.
 * What cannot be true is cut, and named in the log.  The copy, in which the memory map and
 * the command line are copies as well; modules, names and the like are not.
 */
const struct multiboot_info *memmap_keep(const struct multiboot_info *loader);

/* Read the map, and print it at LOG_DEBUG.  False: RAM ends in the kernel. */
bool memmap_init(void);

/* Whole pages for the kernel itself, before mm has them; NULL: there are none. */
void *memmap_take_pages(size_t count, const char *what_for);

/* What is free at this time, for mm to have it: ascending, not touching. */
const struct mm_range *memmap_free(size_t *count);

/* Hand what is free to mm. */
void memmap_hand_over(void);

/*
 * The pure part, for tests too: from the loader's map (entries of any order,
 * overlapping, empty, beyond 4 GiB, of unknown type; or none, then mem_upper) and
 * the list of reserved ranges to what mm may have.  Only type 1, only 1 MiB and
 * above, below `limit`, whole pages.  An entry of another type wins over type 1
 * where they overlap.  The ranges are ascending and do not touch.  Returns their
 * number, at most max: of more the largest; the others are counted in *dropped.
 */
size_t memmap_usable(const struct multiboot_info *info,
                     const struct mm_range *reserved, size_t reserved_count,
                     uint64_t limit, struct mm_range *ranges, size_t max,
                     size_t *dropped);

/* One entry of the loader's map: [start, end), 64 bits, never wrapping. */
struct memmap_entry {
    uint64_t start, end;
    uint32_t type;
};

/*
 * Entry after entry: *offset starts at 0, false is the end.  Where the loader
 * gives no map, what mem_upper says is the only one.
 */
bool memmap_next_entry(const struct multiboot_info *info, uint32_t *offset,
                       struct memmap_entry *entry);

/* The end of the highest RAM that the loader knows, below 4 GiB; of the copy, for whatis. */
uint64_t memmap_highest_ram(const struct multiboot_info *info);
uint64_t memmap_ram_end(void);

/*
 * What an address outside the heap is, in words: "kernel code", "stack",
 * "Multiboot information", "reserved by the firmware", "beyond RAM" ...; never NULL.
 */
const char *memmap_region(uintptr_t addr);

#endif
