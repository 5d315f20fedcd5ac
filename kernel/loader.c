/*
 * loader.c - what the boot loader says, copied before anybody believes it.
 *
 *     Multiboot information --> memory map       copied
 *                           |-> command line     copied
 *                           |-> modules          where they lie is noted
 *                           `-> name, ...        where it lies is noted
 *
 * A loader may be wrong in any field, and what it left may lie where nothing will be
 * mapped.  So all of it is read here, once, through one function that copies memory: a
 * test gives it a machine's memory of its own, with any lie in it.
 *
 * Rules:
 *   - nothing is asked of memory that ends behind 4 GiB;
 *   - what is too long or too much to be true is cut or ignored, and that is said;
 *   - what is noted as left lies below 4 GiB and is not empty;
 *   - of a module no more is believed than that it lies in RAM and not in the kernel.
 *
 * Multiboot Specification 0.6.96, section 3.3.  Pure: it runs in hosted tests.
 */
#include "kernel/loader.h"

#include "kernel/memmap.h"
#include "kernel/printk.h"

enum { NAME_BYTES = 256 };      /* of a module's command line, or of the loader itself */

#define FOUR_GIB ((uint64_t)1 << 32)

/* The copy, and how to read the machine's memory. */
struct reader {
    struct loader_copy *copy;
    loader_read_fn *read;
    struct mm_range kernel;
};

static bool ends_below_4_gib(uint32_t at, uint64_t bytes)
{
    return at + bytes <= FOUR_GIB;
}

static void note(struct reader *reader, uint32_t at, size_t bytes, const char *name)
{
    struct loader_copy *copy = reader->copy;

    if (bytes > 0 && ends_below_4_gib(at, bytes))
        copy->left[copy->left_count++] = (struct loader_left){ { at, bytes }, name };
}

/* Copy the string there without its 0; at most so many bytes, and what is below 4 GiB. */
static size_t read_string(const struct reader *reader, uint32_t at, char *to, size_t most)
{
    size_t length = 0;

    for (; length < most && ends_below_4_gib(at, length + 1); length++) {
        reader->read(&to[length], at + (uint32_t)length, 1);
        if (to[length] == 0)
            break;
    }
    return length;
}

static void note_string(struct reader *reader, uint32_t at, const char *name)
{
    char text[NAME_BYTES];
    size_t length = at != 0 ? read_string(reader, at, text, sizeof(text)) : 0;

    if (at != 0)
        note(reader, at, length + ends_below_4_gib(at, length + 1), name);
}

/* ---- what is copied ------------------------------------------------------- */

static void copy_map(struct reader *reader)
{
    struct multiboot_info *info = &reader->copy->info;

    if (info->mmap_length > LOADER_MAP_BYTES) {
        pr_warn("Multiboot: a memory map of %u bytes is not believed, only the first %d",
                (unsigned)info->mmap_length, LOADER_MAP_BYTES);
        info->mmap_length = LOADER_MAP_BYTES;
    }
    if (!ends_below_4_gib(info->mmap_addr, info->mmap_length)) {
        pr_warn("Multiboot: the memory map at 0x%08x ends behind 4 GiB: ignored",
                (unsigned)info->mmap_addr);
        info->flags &= ~(uint32_t)MULTIBOOT_INFO_MEM_MAP;
        return;
    }
    reader->read(reader->copy->map, info->mmap_addr, info->mmap_length);
    note(reader, info->mmap_addr, info->mmap_length, "Multiboot memory map");
    info->mmap_addr = (uint32_t)(uintptr_t)reader->copy->map;
}

static void copy_line(struct reader *reader)
{
    struct loader_copy *copy = reader->copy;
    uint32_t at = copy->info.cmdline;
    size_t length = read_string(reader, at, copy->line, LOADER_LINE_BYTES - 1);

    copy->line[length] = 0;
    note(reader, at, length + ends_below_4_gib(at, length + 1), "kernel command line");
    copy->info.cmdline = (uint32_t)(uintptr_t)copy->line;
}

/* ---- modules --------------------------------------------------------------- */

static bool is_module(const struct reader *reader, const struct multiboot_mod_list *module)
{
    return module->mod_start < module->mod_end &&
           module->mod_end <= memmap_highest_ram(&reader->copy->info) &&
           (module->mod_end <= reader->kernel.start ||
            module->mod_start >= reader->kernel.start + reader->kernel.bytes);
}

/* False: it is ignored, but for its name. */
static bool note_module(struct reader *reader, const struct multiboot_mod_list *module)
{
    note_string(reader, module->cmdline, "command line of a boot module");
    if (!is_module(reader, module))
        return false;
    note(reader, module->mod_start, module->mod_end - module->mod_start, "boot module");
    return true;
}

static void note_modules(struct reader *reader)
{
    uint32_t list = reader->copy->info.mods_addr, count = reader->copy->info.mods_count;
    struct multiboot_mod_list module;
    uint32_t ignored = 0;

    if (count > LOADER_MODULES || !ends_below_4_gib(list, count * sizeof(module))) {
        pr_warn("Multiboot: %u modules, at 0x%08x, are not believed: ignored",
                (unsigned)count, (unsigned)list);
        return;
    }
    note(reader, list, count * sizeof(module), "list of modules");
    for (uint32_t i = 0; i < count; i++) {
        reader->read(&module, list + i * (uint32_t)sizeof(module), sizeof(module));
        ignored += !note_module(reader, &module);
    }
    if (ignored > 0)
        pr_warn("Multiboot: %u of %u modules not in RAM: ignored", (unsigned)ignored,
                (unsigned)count);
}

/* ---- all of it -------------------------------------------------------------- */

void loader_copy(struct loader_copy *copy, uint32_t at, loader_read_fn *read,
                 struct mm_range kernel)
{
    struct reader reader = { copy, read, kernel };
    struct multiboot_info *info = &copy->info;

    if (!ends_below_4_gib(at, sizeof(*info))) {
        pr_warn("Multiboot: information at 0x%08x ends behind 4 GiB: ignored",
                (unsigned)at);
        return;
    }
    read(info, at, sizeof(*info));
    note(&reader, at, sizeof(*info), "Multiboot information");
    if (info->flags & MULTIBOOT_INFO_MEM_MAP)
        copy_map(&reader);
    if (info->flags & MULTIBOOT_INFO_CMDLINE && info->cmdline != 0)
        copy_line(&reader);
    else
        info->flags &= ~(uint32_t)MULTIBOOT_INFO_CMDLINE;
    if (info->flags & MULTIBOOT_INFO_BOOT_LOADER_NAME)
        note_string(&reader, info->boot_loader_name, "name of the boot loader");
    if (info->flags & MULTIBOOT_INFO_MODS)
        note_modules(&reader);
}
