/*
 * image.h - where the parts of the kernel lie: the symbols of linker.ld and of
 * boot/entry.S.  Only their addresses mean anything.
 */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

extern const char image_start[], image_end[];
extern const char text_start[], text_end[];
extern const char mm_text_start[], mm_text_end[];
extern const char mm_short_start[], mm_short_end[];
extern const char rodata_start[], rodata_end[];
extern const char data_start[], data_end[];
extern const char bss_start[], bss_end[];
extern const char roots_data_start[], roots_data_end[];
extern const char roots_bss_start[], roots_bss_end[];
extern const char read_only_start[], read_only_end[];
extern const char symbols_start[], symbols_end[];
extern const char command_stack_guard[], command_stack[];       /* up to the next one */
extern const char boot_stack_guard[], boot_stack[], boot_stack_top[];

static inline bool address_between(uintptr_t addr, const char *start, const char *end)
{
    return addr >= (uintptr_t)start && addr < (uintptr_t)end;
}

static inline bool is_kernel_code(uintptr_t addr)
{
    return address_between(addr, text_start, text_end);
}

#endif
