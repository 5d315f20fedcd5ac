/*
 * last_lines.c - the last lines of code that were executed, each once.
 *
 *     | a.c:7 | a.c:9 | b.c:3 | a.c:8 |       a.c:9 again:
 *     | a.c:7 | b.c:3 | a.c:8 | a.c:9 |
 *
 * So a loop is as many lines as it has, however often it went round.
 *
 * To find the line of an address takes some hundred instructions, so what was found for some
 * addresses is kept.
 */
#include "kernel/trace/last_lines.h"

#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

enum { KEPT = 256, NAME_SIZE = 64 };

static struct {
    uintptr_t inside;
    struct line line;
} kept[KEPT];

static struct line find_line(uintptr_t inside)
{
    unsigned place = (unsigned)inside % KEPT;

    if (kept[place].inside != inside) {
        kept[place].inside = inside;
        if (!line_find(inside, &kept[place].line))
            kept[place].line = (struct line){ "", 0 };
    }
    return kept[place].line;
}

static bool is_same(const struct line *a, const struct line *b)
{
    return a->number == b->number && a->file == b->file;
}

void last_lines_add(struct last_lines *last, uintptr_t inside)
{
    struct line line = find_line(inside);
    unsigned i = 0;

    if (line.number == 0)
        return;
    if (last->count > 0 && is_same(&last->lines[last->count - 1], &line))
        return;
    while (i < last->count && !is_same(&last->lines[i], &line))
        i++;
    if (i == LAST_LINES)
        i = 0;                          /* the oldest goes */
    if (i == last->count)
        last->count++;
    for (; i + 1 < last->count; i++) {
        last->lines[i] = last->lines[i + 1];
        last->inside[i] = last->inside[i + 1];
    }
    last->lines[i] = line;
    last->inside[i] = inside;
}

void last_lines_print(const struct last_lines *last)
{
    struct symbol symbol;

    for (unsigned i = 0; i < last->count; i++) {
        bool is_known = symbol_find(last->inside[i], &symbol);

        kprint_wrapped(4, "  %s:%u%s%s", last->lines[i].file, last->lines[i].number,
                       is_known ? ", " : "", is_known ? symbol.name : "");
    }
}
