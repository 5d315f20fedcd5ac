/*
 * lines.c - lines of source for addresses of code.
 *
 * The line table lies in the image among the names of symbols, and is made with them
 * (symbols.c), from the DWARF line table of the first link (lines.awk, symbols.awk).
 * The rows of a function say from its start on how many bytes are of which line:
 *
 *     symbol_table:  ... | start, size, name, lines | ...
 *                                               |
 *         +-------------------------------------+
 *         +--> | 2 * bytes + 1, file, line | 2 * bytes, line | ... up to size
 *                              |
 *     line_files:    | name | name | ...
 *
 * The 1 says that a file follows, as in the first row.  A line is the difference to
 * that of the row before, the first to 0: 0, -1, 1, -2 ... as 0, 1, 2, 3 ...  All are
 * LEB128 numbers (DWARF 5, 7.6), nearly always of one byte.  Line 0 is that of
 * instructions which the compiler made up: it counts as none.
 *
 * What an instruction was inlined from is its line: in the middle of one function may
 * stand a line of another one, in another file.  Of what was made from several lines it
 * has the one that the compiler chose.
 *
 * Cost: 3 bytes a row.  A look-up is one of a symbol, and then a walk over the rows of
 * one function.
 */
#include "kernel/lines.h"

#include "kernel/image.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

extern const char *const line_files[];

/* The number at *at, which then is behind it. */
static unsigned next_number(const uint8_t **at)
{
    unsigned number = 0, shift = 0;
    uint8_t byte;

    do {
        byte = *(*at)++;
        number |= (byte & 0x7fu) << shift;
        shift += 7;
    } while (byte & 0x80);
    return number;
}

static int next_difference(const uint8_t **at)
{
    unsigned number = next_number(at);

    return number % 2 == 0 ? (int)(number / 2) : -(int)(number / 2) - 1;
}

bool line_find(uintptr_t addr, struct line *found)
{
    struct symbol function;
    unsigned file = 0, bytes;
    int line = 0;

    if (!symbol_find(addr, &function) || function.lines == NULL)
        return false;

    const uint8_t *at = function.lines;
    uintptr_t end = function.start;     /* of the row before; it is at or below addr */

    do {
        bytes = next_number(&at);
        if (bytes % 2 != 0)
            file = next_number(&at);
        line += next_difference(&at);
        end += bytes / 2;
    } while (end <= addr);
    *found = (struct line){ line_files[file], (unsigned)line };
    return line != 0;
}

/* ---- calls ----------------------------------------------------------------------- */

enum { DIRECT_CALL = 5, MAX_CALL = 7 };

/* Of a call of what a register or memory says, FF /2, if it is one (SDM 2A, 2.1.5). */
static unsigned indirect_call_length(const uint8_t *code)
{
    unsigned mod = code[1] >> 6, base = code[1] & 7, length = 2;

    if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
        return 0;
    if (mod != 3 && base == 4) {        /* a SIB byte */
        base = code[2] & 7;
        length++;
    }
    if (mod == 1)
        return length + 1;
    return mod == 2 || (mod == 0 && base == 5) ? length + 4 : length;
}

bool line_follows_call(uintptr_t addr)
{
    const uint8_t *code = (const uint8_t *)addr;
    int32_t distance;

    if (!is_kernel_code(addr - 1) || !is_kernel_code(addr - MAX_CALL))
        return false;
    memcpy(&distance, code - 4, sizeof(distance));
    if (code[-DIRECT_CALL] == 0xe8 && is_kernel_code(addr + (uintptr_t)distance))
        return true;
    for (unsigned length = 2; length <= MAX_CALL; length++)
        if (indirect_call_length(code - length) == length)
            return true;
    return false;
}

const char *line_format(uintptr_t addr, uintptr_t inside, char *buf, size_t size)
{
    struct line line;

    symbol_format_inside(addr, inside, buf, size);
    if (line_find(inside, &line)) {
        size_t length = strlen(buf);

        ksnprintf(buf + length, size - length, " (%s:%u)", line.file, line.number);
    }
    return buf;
}
