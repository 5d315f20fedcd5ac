/*
 * multiboot.h - what a Multiboot 1 loader wants to see and what it hands over.
 *
 * Names, values and layouts are those of the Multiboot Specification, version
 * 0.6.96, sections 3.1 (header), 3.2 (machine state) and 3.3 (information).
 * Only the fields that this kernel reads are named one by one.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

/* In the image, for the loader. */
#define MULTIBOOT_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT_PAGE_ALIGN 0x00000001     /* modules on page boundaries */
#define MULTIBOOT_MEMORY_INFO 0x00000002    /* we need to know the memory */

/* In eax, when the kernel is entered. */
#define MULTIBOOT_BOOTLOADER_MAGIC 0x2BADB002

/* multiboot_info.flags: which of its fields are valid. */
#define MULTIBOOT_INFO_MEMORY 0x00000001
#define MULTIBOOT_INFO_CMDLINE 0x00000004
#define MULTIBOOT_INFO_MODS 0x00000008
#define MULTIBOOT_INFO_MEM_MAP 0x00000040
#define MULTIBOOT_INFO_BOOT_LOADER_NAME 0x00000200
#define MULTIBOOT_INFO_FRAMEBUFFER_INFO 0x00001000

/* multiboot_mmap_entry.type; any other value is reserved as well. */
#define MULTIBOOT_MEMORY_AVAILABLE 1
#define MULTIBOOT_MEMORY_RESERVED 2
#define MULTIBOOT_MEMORY_ACPI_RECLAIMABLE 3
#define MULTIBOOT_MEMORY_NVS 4
#define MULTIBOOT_MEMORY_BADRAM 5

/* multiboot_info.framebuffer_type; the others are graphics. */
#define MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT 2

#ifndef __ASSEMBLER__

#include <stdint.h>

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower;         /* KiB from 0 */
    uint32_t mem_upper;         /* KiB from 1 MiB, up to the first hole */
    uint32_t boot_device;
    uint32_t cmdline;           /* address of a string */
    uint32_t mods_count;
    uint32_t mods_addr;         /* of struct multiboot_mod_list[mods_count] */
    uint32_t syms[4];
    uint32_t mmap_length;       /* bytes */
    uint32_t mmap_addr;         /* of the first struct multiboot_mmap_entry */
    uint32_t drives_length;
    uint32_t drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;  /* address of a string */
    uint32_t apm_table;
    uint32_t vbe[4];
    uint32_t framebuffer_addr[2];
    uint32_t framebuffer_pitch;
    uint32_t framebuffer_width;
    uint32_t framebuffer_height;
    uint8_t framebuffer_bpp;
    uint8_t framebuffer_type;
    uint8_t color_info[6];
};

/* The next entry is `size` bytes behind `addr`: size does not count itself. */
struct multiboot_mmap_entry {
    uint32_t size;
    uint64_t addr;
    uint64_t len;
    uint32_t type;
} __attribute__((packed));

struct multiboot_mod_list {
    uint32_t mod_start;
    uint32_t mod_end;           /* first byte behind */
    uint32_t cmdline;           /* address of a string */
    uint32_t pad;
};

_Static_assert(sizeof(struct multiboot_info) == 116, "as in the specification");
_Static_assert(sizeof(struct multiboot_mmap_entry) == 24, "as in the specification");
_Static_assert(sizeof(struct multiboot_mod_list) == 16, "as in the specification");

#endif
#endif
