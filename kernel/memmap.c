/*
 * memmap.c - the machine's memory, from the loader's map to mm, and names for what
 * mm does not have.
 *
 *     0        4 KiB     640 KiB    1 MiB                      ram_end         4 GiB
 *     | page 0 | low mem | VGA, ROM | image | ... heap ... | ACPI | nothing ... |
 *                                           ^ Multiboot information, modules
 *
 * In order: copy what the loader says, which may lie where nothing will be mapped; note
 * what must be kept (image, what the loader left for us); work out what is usable
 * (memmap_usable.c); take pages for page tables, if the CPU needs them; hand the rest to
 * mm.  The lists stay, so that memmap_region can tell later what any address is.
 *
 * Rules:
 *   - of what the loader says nothing is believed that is too long to be true: it is cut,
 *     and that is said;
 *   - after memmap_keep() nothing of the loader's is read any more;
 *   - nothing that is on the list of reserved ranges is ever handed over; if the
 *     list is full, its last range grows over what does not fit;
 *   - of more usable ranges than there is room for the largest are used, and the log says
 *     how many are not.
 */
#include "kernel/memmap.h"

#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { MAX_RESERVED = 160, MAX_RANGES = 400 };
enum { MAP_BYTES = 12 * 1024,   /* 512 entries; UEFI has 100 to 400 */
       LINE_BYTES = 2 * 4096,   /* QEMU's path, and more than params.c has room for */
       MAX_MODULES = 64, MAX_NAME = 256 };

#define FOUR_GIB ((uint64_t)1 << 32)

/* The copy of what the loader says: the map and the command line are ours. */
static struct multiboot_info kept __attribute__((section(".bss.read_only")));
static uint8_t map[MAP_BYTES] __attribute__((section(".bss.read_only"), aligned(8)));
static char line[LINE_BYTES] __attribute__((section(".bss.read_only")));
static const struct multiboot_info *const info = &kept;
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

/* Bytes up to the string's end, or `most`; the end of the address space is one, too. */
static size_t bounded_length(uint32_t addr, size_t most)
{
    const char *text = (const char *)(uintptr_t)addr;
    size_t length = 0;

    while (length < most && addr + length >= addr && text[length] != 0)
        length++;
    return length;
}

static void reserve_string(uint32_t addr, size_t most, const char *name)
{
    if (addr != 0)
        reserve(addr, bounded_length(addr, most) + 1, name);
}

/* Memory that a module can be in: at least a byte, within RAM. */
static bool is_module(const struct multiboot_mod_list *module)
{
    return module->mod_start < module->mod_end && module->mod_end <= memmap_ram_end();
}

/* False: it is ignored, but for its name. */
static bool reserve_module(const struct multiboot_mod_list *module)
{
    reserve_string(module->cmdline, MAX_NAME, "command line of a boot module");
    if (!is_module(module))
        return false;
    reserve(module->mod_start, module->mod_end - module->mod_start, "boot module");
    return true;
}

static void reserve_modules(uint32_t list, uint32_t count)
{
    const struct multiboot_mod_list *module = (const void *)(uintptr_t)list;
    uint32_t ignored = 0;

    if (count > MAX_MODULES || list + count * sizeof(*module) < list) {
        pr_warn("Multiboot: %u modules, at 0x%08x, are not believed: ignored",
                (unsigned)count, (unsigned)list);
        return;
    }
    reserve(list, count * sizeof(*module), "list of modules");
    for (uint32_t i = 0; i < count; i++)
        ignored += !reserve_module(&module[i]);
    if (ignored > 0)
        pr_warn("Multiboot: %u of %u modules not in RAM: ignored", (unsigned)ignored,
                (unsigned)count);
}

/* What lies where it lay when the loader left it to us; its sizes were made sound. */
static void reserve_loaders(const struct multiboot_info *loader)
{
    reserve((uintptr_t)loader, sizeof(*loader), "Multiboot information");
    if (kept.flags & MULTIBOOT_INFO_MEM_MAP)
        reserve(loader->mmap_addr, kept.mmap_length, "Multiboot memory map");
    if (kept.flags & MULTIBOOT_INFO_CMDLINE)
        reserve_string(loader->cmdline, LINE_BYTES - 1, "kernel command line");
    if (kept.flags & MULTIBOOT_INFO_BOOT_LOADER_NAME)
        reserve_string(loader->boot_loader_name, MAX_NAME, "name of the boot loader");
    if (kept.flags & MULTIBOOT_INFO_MODS)
        reserve_modules(loader->mods_addr, loader->mods_count);
}

/* ---- the copy ------------------------------------------------------------ */

static void keep_map(void)
{
    uint32_t length = kept.mmap_length;

    if (length > MAP_BYTES) {
        pr_warn("Multiboot: a memory map of %u bytes is not believed, only the first %d",
                (unsigned)length, MAP_BYTES);
        kept.mmap_length = MAP_BYTES;
    }
    if (kept.mmap_addr + kept.mmap_length < kept.mmap_addr) {
        pr_warn("Multiboot: the memory map at 0x%08x ends behind 4 GiB: ignored",
                (unsigned)kept.mmap_addr);
        kept.flags &= ~(uint32_t)MULTIBOOT_INFO_MEM_MAP;
        return;
    }
    memcpy(map, (const void *)(uintptr_t)kept.mmap_addr, kept.mmap_length);
    kept.mmap_addr = (uint32_t)(uintptr_t)map;
}

static void keep_line(void)
{
    size_t length = bounded_length(kept.cmdline, LINE_BYTES - 1);

    memcpy(line, (const void *)(uintptr_t)kept.cmdline, length);
    kept.cmdline = (uint32_t)(uintptr_t)line;
}

static const struct multiboot_info *loaders;

const struct multiboot_info *memmap_keep(const struct multiboot_info *loader)
{
    loaders = loader;
    kept = *loader;
    if (kept.flags & MULTIBOOT_INFO_MEM_MAP)
        keep_map();
    if (kept.flags & MULTIBOOT_INFO_CMDLINE && kept.cmdline != 0)
        keep_line();
    else
        kept.flags &= ~(uint32_t)MULTIBOOT_INFO_CMDLINE;
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
    reserve_loaders(loaders);
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

void memmap_hand_over(void)
{
    if (range_count == 0)
        pr_warn("memory map: there is nothing for the heap");
    mm_init(ranges, range_count);
}

uint64_t memmap_ram_end(void)
{
    struct memmap_entry entry;
    uint32_t offset = 0;
    uint64_t highest = 0;

    while (memmap_next_entry(info, &offset, &entry)) {
        uint64_t end = entry.end < FOUR_GIB ? entry.end : FOUR_GIB;

        if (entry.type == MULTIBOOT_MEMORY_AVAILABLE && entry.start < end &&
            end > highest)
            highest = end;
    }
    return highest;
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
