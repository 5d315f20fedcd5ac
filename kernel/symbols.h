/*
 * symbols.h - names for addresses: the symbol table inside the image.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
    const char *name;
    uintptr_t start;
    size_t size;
    bool is_code;               /* function, else data */
    const uint8_t *lines;       /* for lines.c; NULL if none are known */
};

/* The function or object around addr; false if there is none. */
bool symbol_find(uintptr_t addr, struct symbol *found);

/* The nth of all, by address; false: there are not so many. */
bool symbol_at(size_t n, struct symbol *found);

/*
 * The next symbol of that name behind `found`, which has start 0 for the first; that a
 * compiler made another one of it (name.part.0) does not matter.
 */
bool symbol_next(const char *name, struct symbol *found);

/* "name+0x12/0x40", or the bare address, into buf; returns buf. */
const char *symbol_format(uintptr_t addr, char *buf, size_t size);

/* The same, by the symbol around `inside`, which is addr or a byte before. */
const char *symbol_format_inside(uintptr_t addr, uintptr_t inside, char *buf,
                                 size_t size);

#endif
