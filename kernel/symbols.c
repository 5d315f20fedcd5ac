/*
 * symbols.c - names for addresses.
 *
 * The symbol table is part of the image, as no loader can be relied on to hand it
 * over: the Makefile links once, lists the symbols (symbols.awk), and links again
 * with the list at the very end, where it moves nothing.
 *
 *     symbol_table:  | start, size, name, lines | start, size ... | ...   by start
 */
#include "kernel/symbols.h"

#include "kernel/image.h"
#include "kernel/printk.h"
#include "kernel/string.h"

struct table_entry {
    uint32_t start, size;
    const char *name;
    const uint8_t *lines;       /* NULL: not known, or data */
};

extern const struct table_entry symbol_table[], symbol_table_end[];

/* The last entry that starts at or below addr; NULL if none does. */
static const struct table_entry *entry_before(uintptr_t addr)
{
    const struct table_entry *low = symbol_table;
    const struct table_entry *high = symbol_table_end;

    /* All below low start at or below addr, all from high on above it. */
    while (low < high) {
        const struct table_entry *middle = low + (high - low) / 2;

        if (middle->start <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low > symbol_table ? low - 1 : NULL;
}

static struct symbol symbol_of(const struct table_entry *entry)
{
    return (struct symbol){ entry->name, entry->start, entry->size,
                            is_kernel_code(entry->start), entry->lines };
}

bool symbol_find(uintptr_t addr, struct symbol *found)
{
    const struct table_entry *entry = entry_before(addr);

    if (entry == NULL || addr - entry->start >= entry->size)
        return false;
    *found = symbol_of(entry);
    return true;
}

bool symbol_at(size_t n, struct symbol *found)
{
    if (n >= (size_t)(symbol_table_end - symbol_table))
        return false;
    *found = symbol_of(&symbol_table[n]);
    return true;
}

static bool has_name(const struct table_entry *entry, const char *name)
{
    size_t length = strlen(name);

    return strncmp(entry->name, name, length) == 0 &&
           (entry->name[length] == 0 || entry->name[length] == '.');
}

bool symbol_next(const char *name, struct symbol *found)
{
    for (const struct table_entry *entry = symbol_table; entry < symbol_table_end;
         entry++)
        if (entry->start > found->start && has_name(entry, name))
            return symbol_find(entry->start, found);
    return false;
}

const char *symbol_format_inside(uintptr_t addr, uintptr_t inside, char *buf,
                                 size_t size)
{
    struct symbol symbol;

    if (symbol_find(inside, &symbol))
        ksnprintf(buf, size, "%s+0x%x/0x%x", symbol.name,
                  (unsigned)(addr - symbol.start), (unsigned)symbol.size);
    else
        ksnprintf(buf, size, "0x%08x", (unsigned)addr);
    return buf;
}

const char *symbol_format(uintptr_t addr, char *buf, size_t size)
{
    return symbol_format_inside(addr, addr, buf, size);
}
