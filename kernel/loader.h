/*
 * loader.h - what the boot loader says, copied before anybody believes it: see loader.c.
 */
#ifndef KERNEL_LOADER_H
#define KERNEL_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "boot/multiboot.h"
#include "mm/mm.h"

enum { LOADER_MAP_BYTES = 12 * 1024,    /* 512 entries; UEFI has 100 to 400 */
       LOADER_LINE_BYTES = 2 * 4096,    /* QEMU's path, and more than params.c takes */
       LOADER_MODULES = 64,
       LOADER_LEFT = 5 + 2 * LOADER_MODULES };

/* Something that lies where the loader left it. */
struct loader_left {
    struct mm_range range;
    const char *name;
};

struct loader_copy {
    /* What is believed; its map and its command line are those below. */
    struct multiboot_info info;
    uint8_t map[LOADER_MAP_BYTES] __attribute__((aligned(8)));
    char line[LOADER_LINE_BYTES];
    struct loader_left left[LOADER_LEFT];
    size_t left_count;
};

/* Copy bytes of the machine's memory; what is asked for ends below 4 GiB. */
typedef void loader_read_fn(void *to, uint32_t from, size_t bytes);

/*
 * Copy what the Multiboot information at `at` says; `copy` lies below 4 GiB, zeroed.  What
 * cannot be true is cut or ignored, and named in the log: a module that overlaps `kernel`,
 * too.  Its map and its line are copies; other addresses in it are not to be followed.
 */
void loader_copy(struct loader_copy *copy, uint32_t at, loader_read_fn *read,
                 struct mm_range kernel);

#endif
