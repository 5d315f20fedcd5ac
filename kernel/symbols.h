/*
 * symbols.h - names for addresses: the symbol table inside the image, and
 * backtraces over the chain of frame pointers.
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
};

/* The function or object around addr; false if there is none. */
bool symbol_find(uintptr_t addr, struct symbol *found);

/* "name+0x12/0x40", or the bare address, into buf; returns buf. */
const char *symbol_format(uintptr_t addr, char *buf, size_t size);

/* Print them, one a line, from this frame pointer on; 0: from the caller on. */
void backtrace_print(uintptr_t frame);

/* The return addresses from the function that called mm outwards; how many. */
unsigned backtrace_to_mm(uintptr_t *calls, unsigned max);

/* One such line: the address to which a call returns. */
void backtrace_print_call(uintptr_t call);

#endif
