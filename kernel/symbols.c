/*
 * symbols.c - names for addresses, and the calls that led here.
 *
 * The symbol table is part of the image, as no loader can be relied on to hand it
 * over: the Makefile links once, lists the symbols (symbols.awk), and links again
 * with the list at the very end, where it moves nothing.
 *
 *     symbol_table:  | start, size, name | start, size, name | ...   by start
 *
 * A backtrace follows the frame pointers, which every function keeps:
 *
 *     ebp --> | caller's ebp | return address |
 *                   |
 *                   +--> | its caller's ebp | return address | ...  ends with 0
 *
 * It is used when something is broken already, so nothing is believed: a frame
 * must lie on a stack, aligned and above the one before, and a return address in
 * the code.  The chain ends at the first that does not.
 */
#include "kernel/symbols.h"

#include "kernel/image.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/trap.h"

enum { MAX_LINES = 24, TEXT_SIZE = 80 };

struct table_entry {
    uint32_t start, size;
    const char *name;
};

extern const struct table_entry symbol_table[], symbol_table_end[];

/* ---- names --------------------------------------------------------------- */

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

bool symbol_find(uintptr_t addr, struct symbol *found)
{
    const struct table_entry *entry = entry_before(addr);

    if (entry == NULL || addr - entry->start >= entry->size)
        return false;
    *found = (struct symbol){ entry->name, entry->start, entry->size,
                              is_kernel_code(entry->start) };
    return true;
}

/* addr, by the symbol around `inside`, which is addr or a byte or so before. */
static const char *format_inside(uintptr_t addr, uintptr_t inside, char *buf,
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
    return format_inside(addr, addr, buf, size);
}

/* ---- backtraces ---------------------------------------------------------- */

struct frame {
    uintptr_t caller;           /* frame pointer */
    uintptr_t return_address;
};

static bool is_frame(uintptr_t addr)
{
    const char *end = (const char *)(addr + sizeof(struct frame) - 1);

    if (addr % sizeof(uintptr_t) != 0)
        return false;
    if (address_between(addr, boot_stack, boot_stack_top))
        return end < boot_stack_top;
    return address_between(addr, report_stack, report_stack_top) &&
           end < report_stack_top;
}

/* The next call outwards from *at, which moves on; 0: the chain ends here. */
static uintptr_t next_call(uintptr_t *at)
{
    const struct frame *frame = (const struct frame *)*at;

    if (!is_frame(*at) || !is_kernel_code(frame->return_address))
        return 0;
    *at = frame->caller > *at ? frame->caller : 0;
    return frame->return_address;
}

unsigned backtrace_to_mm(uintptr_t *calls, unsigned max)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    uintptr_t call = next_call(&at);
    unsigned n = 0;

    while (address_between(call, mm_text_start, mm_text_end))
        call = next_call(&at);
    for (; n < max && call != 0; call = next_call(&at))
        calls[n++] = call;
    return n;
}

/*
 * A call that never returns may be the last instruction of its function: the byte
 * before the return address is inside for sure.
 */
void backtrace_print_call(uintptr_t call)
{
    char text[TEXT_SIZE];

    kprintf("  0x%08x %s\n", (unsigned)call,
            format_inside(call, call - 1, text, sizeof(text)));
}

/* A recursion's calls from one place are one line: what matters is who began it. */
void backtrace_print(uintptr_t at)
{
    uintptr_t previous = 0;
    unsigned lines = 0, repeats = 0;

    if (at == 0)
        at = (uintptr_t)__builtin_frame_address(0);
    for (uintptr_t call = next_call(&at); call != 0; call = next_call(&at)) {
        if (call == previous) {
            repeats++;
            continue;
        }
        if (repeats > 0)
            kprintf("  (and %u times more)\n", repeats);
        if (++lines > MAX_LINES) {
            kprintf("  ... and further out\n");
            return;
        }
        backtrace_print_call(call);
        previous = call;
        repeats = 0;
    }
}
