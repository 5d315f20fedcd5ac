/*
 * kasan_report.c - an access that is not allowed, in words; in the form of Linux's
 * mm/kasan/report.c.
 *
 *     BUG: KASAN: slab-out-of-bounds in fill+0x1c/0x40
 *       in fill+0x1c/0x40 (lab.c:30)
 *     Write of size 1 at addr 0x00523164 by command fill
 *       0x00523164: byte 100 of a live object: slot 2 of cache kmalloc-128 ...
 *         right behind the 100 bytes asked for
 *         taken for 100 bytes by cmd_fill (lab.c:12), serial 7
 *     Memory state around the buggy address:
 *      0x00523000: fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
 *     >0x00523100: 00 00 00 00 00 00 00 00 00 00 00 00 04 fc fc fc
 *                                                      ^
 *
 *       a pair is 8 bytes: 00 good, 01 to 07 so many, fc between objects
 *
 * Each pair of digits is the shadow of 8 bytes: 00, all may be accessed; 04, the first
 * 4; the others are in san_priv.h, and what the one is that was hit is said.
 */
#include "kernel/san/san_priv.h"

#include "kernel/lines.h"
#include "kernel/memmap.h"
#include "kernel/memory/whatis.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/mm.h"

enum { TEXT_SIZE = 96, LINE_SIZE = 160, ROW = 16 * GRANULE, ROWS = 2 };
enum { FAR = 4096 };            /* no red zone is so long */

/* ---- of what kind ------------------------------------------------------------ */

/* Where a granule is open in part, the next one says why it ends. */
static uint8_t reason(uintptr_t bad)
{
    uint8_t shadow = *shadow_of(bad);

    return shadow < GRANULE ? *shadow_of(bad + GRANULE) : shadow;
}

static bool is_of_kmalloc(enum mm_what_kind kind)
{
    return kind == MM_SLAB_LIVE || kind == MM_SLAB_FREE || kind == MM_SLAB_REST ||
           kind == MM_SLAB_REDZONE || kind == MM_LARGE;
}

static const char *heap_bug(uint8_t shadow, const struct mm_what *what)
{
    bool is_edge = what->kind == MM_SLAB_REDZONE || what->kind == MM_SLAB_REST;

    if (what->kind == MM_META)
        return "write to the allocator's books";
    if (shadow == SHADOW_SLAB_FREE && !is_edge)
        return "slab-use-after-free";
    if (is_of_kmalloc(what->kind) || shadow == SHADOW_SLAB_REDZONE ||
        shadow == SHADOW_PAGE_REDZONE)
        return "slab-out-of-bounds";
    return shadow == SHADOW_PAGE_FREE ? "use-after-free" : "out-of-bounds";
}

static const char *bug(uintptr_t bad, const struct mm_what *what)
{
    uint8_t shadow = reason(bad);

    switch (shadow) {
    case SHADOW_STACK_LEFT:
    case SHADOW_STACK_MID:
    case SHADOW_STACK_RIGHT: return "stack-out-of-bounds";
    case SHADOW_SCOPE: return "stack-use-after-scope";
    case SHADOW_GLOBAL: return "global-out-of-bounds";
    case SHADOW_ALLOCA_LEFT:
    case SHADOW_ALLOCA_RIGHT: return "alloca-out-of-bounds";
    default: return heap_bug(shadow, what);
    }
}

/* ---- whose it is ------------------------------------------------------------- */

/* Its red zone lies behind it, so it is the last that begins before. */
static void describe_global(uintptr_t bad)
{
    struct symbol symbol;
    uintptr_t at = bad;
    char text[LINE_SIZE];

    while (bad - at < FAR && !symbol_find(at, &symbol))
        at--;
    if (bad - at == FAR)
        return;
    ksnprintf(text, sizeof(text), "0x%08x: %u byte%s behind the end of %s, of %u bytes",
              (unsigned)bad, (unsigned)(bad - symbol.start - symbol.size),
              plural(bad - symbol.start - symbol.size), symbol.name,
              (unsigned)symbol.size);
    if (bad - symbol.start == symbol.size)
        ksnprintf(text, sizeof(text), "0x%08x: right behind the end of %s, of %u bytes",
                  (unsigned)bad, symbol.name, (unsigned)symbol.size);
    san_line(text);
}

/* What GCC leaves where a frame's red zones begin. */
struct stack_mark {
    uint32_t magic;             /* STACK_MAGIC */
    const char *variables;      /* "1 32 16 8 array:12": how many; offset, bytes ... */
    uintptr_t function;
};

#define STACK_MAGIC 0x41b58ab3u

static const struct stack_mark *mark_of(uintptr_t bad)
{
    uintptr_t at = bad & ~(uintptr_t)(GRANULE - 1);

    for (unsigned i = 0; i < FAR / GRANULE; i++, at -= GRANULE) {
        const struct stack_mark *mark = (const struct stack_mark *)at;

        if (shadow_covers(at) && *shadow_of(at) == SHADOW_STACK_LEFT &&
            mark->magic == STACK_MAGIC)
            return mark;
    }
    return NULL;
}

static unsigned take_number(const char **at)
{
    unsigned n = 0;

    while (**at == ' ')
        (*at)++;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        n = n * 10 + (unsigned)(**at - '0');
    return n;
}

/* One variable of a description, which goes on behind it. */
static void describe_variable(const char **at)
{
    char text[LINE_SIZE];
    unsigned offset = take_number(at), bytes = take_number(at);
    unsigned length = take_number(at);

    *at += **at == ' ';
    ksnprintf(text, sizeof(text), " [%u, %u) '%.*s'", offset, offset + bytes,
              (int)length, *at);
    *at += length;
    san_line(text);
}

static void describe_stack(uintptr_t bad)
{
    const struct stack_mark *mark = mark_of(bad);
    char text[LINE_SIZE], name[TEXT_SIZE];

    if (mark == NULL)
        return;

    const char *at = mark->variables;
    unsigned count = take_number(&at);

    ksnprintf(text, sizeof(text), "0x%08x: at offset %u of the frame of %s, which has:",
              (unsigned)bad, (unsigned)(bad - (uintptr_t)mark),
              symbol_format(mark->function, name, sizeof(name)));
    san_line(text);
    for (unsigned i = 0; i < count && i < 16; i++)
        describe_variable(&at);
}

static void describe(uintptr_t bad, const struct mm_what *what)
{
    switch (reason(bad)) {
    case SHADOW_GLOBAL:
        describe_global(bad);
        break;
    case SHADOW_STACK_LEFT:
    case SHADOW_STACK_MID:
    case SHADOW_STACK_RIGHT:
    case SHADOW_SCOPE:
        describe_stack(bad);
        break;
    default:
        whatis_describe(what, san_line);
    }
}

/* For who reads the rows of the shadow. */
static const char *meaning(uint8_t shadow)
{
    switch (shadow) {
    case SHADOW_STACK_LEFT:
    case SHADOW_STACK_MID:
    case SHADOW_STACK_RIGHT: return "between locals";
    case SHADOW_SCOPE: return "a local that is gone";
    case SHADOW_GLOBAL: return "behind a global";
    case SHADOW_SLAB_FREE: return "a freed object";
    case SHADOW_SLAB_REDZONE: return "between objects";
    case SHADOW_NEVER: return "never handed out";
    case SHADOW_PAGE_REDZONE: return "behind a large object";
    case SHADOW_PAGE_FREE: return "free pages";
    default: return "around an alloca";
    }
}

/* ---- the shadow -------------------------------------------------------------- */

static void print_row(uintptr_t row, bool is_bad)
{
    char text[LINE_SIZE];
    size_t used = (size_t)ksnprintf(text, sizeof(text), "%c0x%08x:", is_bad ? '>' : ' ',
                                    (unsigned)row);

    for (uintptr_t at = row; at < row + ROW && shadow_covers(at); at += GRANULE)
        used += (size_t)ksnprintf(text + used, sizeof(text) - used, " %02x",
                                  *shadow_of(at));
    pr_err("%s", text);
}

static void print_rows(uintptr_t bad)
{
    uintptr_t bad_row = bad & ~(uintptr_t)(ROW - 1);
    int column = 13 + (int)(bad - bad_row) / GRANULE * 3;

    pr_err("Memory state around the buggy address:");
    for (int i = -ROWS; i <= ROWS; i++) {
        uintptr_t row = bad_row + (uintptr_t)(i * ROW);

        if (shadow_covers(row))
            print_row(row, i == 0);
        if (i == 0)
            pr_err("%*s^", column, "");
    }
    pr_err("  a pair is 8 bytes: 00 good, 01 to 07 so many, %02x %s", reason(bad),
           meaning(reason(bad)));
}

void kasan_report(const struct san_access *access, struct san_caller caller)
{
    char name[LINE_TEXT_SIZE];
    struct mm_what what;

    mm_what_is((const void *)access->bad, &what);
    pr_err("BUG: KASAN: %s in %s", bug(access->bad, &what),
           symbol_format_inside(caller.eip, caller.eip - 1, name, sizeof(name)));
    pr_err("  in %s", line_format(caller.eip, caller.eip - 1, name, sizeof(name)));
    pr_err("%s of size %u at addr 0x%08x%s%s", access->write ? "Write" : "Read",
           (unsigned)access->bytes, (unsigned)access->addr,
           shell_running != NULL ? " by command " : "",
           shell_running != NULL ? shell_running->name : "");
    describe(access->bad, &what);
    print_rows(access->bad);
}
