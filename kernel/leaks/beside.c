/*
 * beside.c - words beside a picture: the text in rows, and at the left of each its part of
 * the picture.
 */
#include "kernel/leaks/beside.h"

#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/wrap.h"

enum { LINE_SIZE = 480 };

static struct {
    size_t column;
    beside_fn *draw;
    const void *arg;
    unsigned printed;           /* rows */
    const char *text;           /* of the next one; NULL: there is none */
    size_t length;
} rows;

static void print_row(bool is_last)
{
    size_t width = rows.draw(rows.printed++, is_last, rows.arg);

    if (rows.length > 0)
        kprintf("%*s%.*s", (int)(rows.column - width), "", (int)rows.length, rows.text);
    kprintf("\n");
}

/* Each waits for the one behind it: only then it is known whether it is the last. */
static void take_row(size_t column, const char *text, size_t length)
{
    size_t margin = rows.text == NULL ? rows.column : 0;

    (void)column;
    if (rows.text != NULL)
        print_row(false);
    rows.text = text + margin;
    rows.length = length - margin;
}

void beside_print(size_t column, unsigned least, const char *text, beside_fn *draw,
                  const void *arg)
{
    char line[LINE_SIZE];

    memset(&rows, 0, sizeof(rows));
    rows.column = column;
    rows.draw = draw;
    rows.arg = arg;
    ksnprintf(line, sizeof(line), "%*s%s", (int)column, "", text);
    wrap(line, strlen(line), column, take_row);
    while (rows.printed + 1 < least) {
        print_row(false);
        rows.length = 0;
    }
    print_row(true);
}
