/*
 * memmap.c - the machine's memory, from the loader's map to mm, and names for what
 * mm does not have.
 *
 *     0        4 KiB     640 KiB    1 MiB                      ram_end         4 GiB
 *     | page 0 | low mem | VGA, ROM | image | ... heap ... | ACPI | nothing ... |
 *                                           ^ Multiboot information, modules
 *
 * In order: copy what the loader says, which may lie where nothing will be mapped
 * (loader.c); note what must be kept (image, what the loader left for us); work out what
 * is usable (memmap_usable.c); take pages for page tables, if the CPU needs them; hand
 * the rest to mm.  The lists stay, so that memmap_region can tell later what any address
 * is.
 *
 * Rules:
 *   - after memmap_keep() nothing of the loader's is read any more;
 *   - nothing that is on the list of reserved ranges is ever handed over; if the
 *     list is full, its last range grows over what does not fit;
 *   - of more usable ranges than there is room for the largest are used, and the log says
 *     how many are not.
 */
#include "kernel/memmap.h"

#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/loader.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { MAX_RESERVED = 160, MAX_RANGES = 400 };

#define FOUR_GIB ((uint64_t)1 << 32)

static struct loader_copy loader __attribute__((section(".bss.read_only")));
static const struct multiboot_info *const info = &loader.info;
static struct mm_range reserved[MAX_RESERVED];
static const char *reserved_name[MAX_RESERVED];
static size_t reserved_count;
static struct mm_range ranges[MAX_RANGES];
static size_t range_count;

/* ---- mem= ---------------------------------------------------------------- */

static uint64_t limit = FOUR_GIB;

static bool set_mem(const char *value)
{
    uint64_t size;

    if (!parse_size(value, &size) || size == 0)
        return false;
    limit = size;
    return true;
}

KERNEL_PARAM(mem, "SIZE", "use no memory above SIZE, such as 16M", set_mem);

/* ---- what must be kept --------------------------------------------------- */

static void reserve(uintptr_t start, size_t bytes, const char *name)
{
    struct mm_range *range = &reserved[reserved_count];

    if (bytes == 0)
        return;
    if (reserved_count < MAX_RESERVED) {
        *range = (struct mm_range){ start, bytes };
        reserved_name[reserved_count++] = name;
        return;
    }
    range--;

    uintptr_t low = start < range->start ? start : range->start;
    uintptr_t end = range->start + range->bytes;

    if (end < start + bytes)
        end = start + bytes;
    *range = (struct mm_range){ low, end - low };
}

static void reserve_what_the_loader_left(void)
{
    for (size_t i = 0; i < loader.left_count; i++)
        reserve(loader.left[i].range.start, loader.left[i].range.bytes,
                loader.left[i].name);
}

static void read_memory(void *to, uint32_t from, size_t bytes)
{
    memcpy(to, (const void *)(uintptr_t)from, bytes);
}

const struct multiboot_info *memmap_keep(const struct multiboot_info *from)
{
    const struct mm_range kernel = { (uintptr_t)image_start,
                                     (size_t)(image_end - image_start) };

    loader_copy(&loader, (uint32_t)(uintptr_t)from, read_memory, kernel);
    return info;
}

/* ---- reading and handing over -------------------------------------------- */

static const char *type_name(uint32_t type)
{
    switch (type) {
    case MULTIBOOT_MEMORY_AVAILABLE: return "RAM";
    case MULTIBOOT_MEMORY_ACPI_RECLAIMABLE: return "ACPI tables";
    case MULTIBOOT_MEMORY_NVS: return "ACPI memory, reserved";
    case MULTIBOOT_MEMORY_BADRAM: return "defective RAM";
    default: return "reserved by the firmware";
    }
}

static void log_map(void)
{
    struct memmap_entry entry;
    uint32_t offset = 0;

    while (memmap_next_entry(info, &offset, &entry))
        pr_debug("map: 0x%09llx to 0x%09llx, type %u: %s", entry.start, entry.end,
                 (unsigned)entry.type, type_name(entry.type));
}

bool memmap_init(void)
{
    size_t dropped;

    log_map();
    if (memmap_ram_end() < (uintptr_t)image_end)
        return false;
    reserve((uintptr_t)image_start, (size_t)(image_end - image_start), "kernel image");
    reserve_what_the_loader_left();
    range_count = memmap_usable(info, reserved, reserved_count, limit, ranges,
                                MAX_RANGES, &dropped);
    if (dropped > 0)
        pr_warn("memory map: %zu small range%s not used: there is room for %d", dropped,
                dropped == 1 ? " is" : "s are", MAX_RANGES);
    return true;
}

void *memmap_take_pages(size_t count, const char *what_for)
{
    size_t bytes = count << PAGE_SHIFT;

    for (size_t i = 0; i < range_count; i++) {
        if (ranges[i].bytes < bytes)
            continue;

        uintptr_t start = ranges[i].start;

        ranges[i].start += bytes;
        ranges[i].bytes -= bytes;
        reserve(start, bytes, what_for);
        return (void *)start;
    }
    return NULL;
}

const struct mm_range *memmap_free(size_t *count)
{
    *count = range_count;
    return ranges;
}

void memmap_hand_over(void)
{
    if (range_count == 0)
        pr_warn("memory map: there is nothing for the heap");
    mm_init(ranges, range_count);
}

uint64_t memmap_ram_end(void)
{
    return memmap_highest_ram(info);
}

/* ---- what an address is --------------------------------------------------- */

static const struct part {
    const char *start, *end;
    const char *name;
} parts[] = {
    { text_start, text_end, "kernel code" },
    { rodata_start, rodata_end, "kernel constants" },
    { data_start, data_end, "kernel data" },
    { command_stack_guard, command_stack, "guard page below the stack of commands" },
    { command_stack, boot_stack_guard, "stack of commands" },
    { boot_stack_guard, boot_stack, "guard page between two stacks" },
    { boot_stack, boot_stack_top, "stack of the shell" },
    { report_stack_guard, report_stack, "guard page below the stack of reports" },
    { report_stack, report_stack_top, "stack of reports" },
    { bss_start, bss_end, "kernel data" },
    { symbols_start, image_end, "kernel symbol table" },
};

static const char *part_of_image(uintptr_t addr)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (address_between(addr, parts[i].start, parts[i].end))
            return parts[i].name;
    return NULL;
}

static const char *part_of_reserved(uintptr_t addr)
{
    for (size_t i = 0; i < reserved_count; i++)
        if (addr - reserved[i].start < reserved[i].bytes)
            return reserved_name[i];
    return NULL;
}

static const char *low_memory(uintptr_t addr)
{
    if (addr < PAGE_SIZE)
        return "page 0, not mapped: NULL points here";
    if (addr < 0xa0000)
        return "low memory, not mapped: left to the firmware";
    if (addr < 0xc0000)
        return "VGA memory";
    if (addr < 0x100000)
        return "firmware (BIOS)";
    return NULL;
}

/* By the loader's map; what is not RAM wins. */
static const char *part_of_map(uintptr_t addr)
{
    struct memmap_entry entry;
    uint32_t offset = 0;
    const char *name = NULL;

    while (memmap_next_entry(info, &offset, &entry)) {
        if (addr < entry.start || addr >= entry.end)
            continue;
        if (entry.type != MULTIBOOT_MEMORY_AVAILABLE)
            return type_name(entry.type);
        name = addr >= limit ? "RAM above mem=, not used" : "RAM that is not used";
    }
    return name;
}

const char *memmap_region(uintptr_t addr)
{
    const char *name = part_of_image(addr);

    if (name == NULL)
        name = part_of_reserved(addr);
    if (name == NULL)
        name = low_memory(addr);
    if (name == NULL)
        name = part_of_map(addr);
    if (name != NULL)
        return name;
    return addr >= memmap_ram_end() ? "beyond RAM" : "no memory: a hole in the map";
}
