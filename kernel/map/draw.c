/*
 * draw.c - how it is drawn: from cells to characters.
 *
 *     a cell   s.     two columns, for a character is twice as high as it is wide: so a
 *                     square of cells is one on the screen
 *
 * The letters say everything, and are ASCII: what goes to the console goes to a terminal
 * and to the VGA screen alike, and that has other characters behind 0x7f, and no colours.
 * Colour is put around the letters where the terminal has told its size, as those do that
 * understand escape sequences, unless term=mono; not in a log, or with run=.  It is sent
 * only where it changes: cells of one class, side by side, cost their letters alone.
 */
#include "kernel/map/draw.h"

#include "kernel/line/tty.h"
#include "kernel/printk.h"

static const struct class *now;         /* in whose colour the terminal writes */

static unsigned colour_of(const struct class *class)
{
    bool has_colours = tty_attended && tty.width != 0 && !tty.mono;

    return class != NULL && has_colours ? class->colour : 0;
}

static void set_colour(const struct class *class)
{
    unsigned colour = colour_of(class);

    if (colour == colour_of(now))
        return;
    if (colour != 0)
        kprintf("\x1b[30;4%um", colour);        /* black, on that */
    else
        kprintf("\x1b[m");
    now = class;
}

void draw_sign(const struct class *class, char sign)
{
    set_colour(class);
    kprintf("%c", sign);
}

void draw_text(void)
{
    set_colour(NULL);
}

static void draw_cell(const struct cell *cell)
{
    if (cell->left == NULL) {
        draw_text();
        kprintf("  ");
        return;
    }
    draw_sign(cell->left, cell->left->letter);
    draw_sign(cell->right, cell->sign != 0 ? cell->sign : cell->right->letter);
}

/* At the right of the first rows: how to read it. */
static void draw_guide(unsigned y)
{
    static const char *const guide[] = {
        "the order of", "the cells:", " 0  1  4  5", " 2  3  6  7", " 8  9 12 13",
        "10 11 14 15",
    };

    draw_text();
    kprintf("%s%s\n", y < sizeof(guide) / sizeof(guide[0]) ? "  " : "",
            y < sizeof(guide) / sizeof(guide[0]) ? guide[y] : "");
}

void draw_cells(void)
{
    now = NULL;
    for (unsigned y = 0; y < CELLS_HEIGHT; y++) {
        for (unsigned x = 0; x < CELLS_WIDTH; x++) {
            struct cell cell = cells_look(cells_at(x, y));

            draw_cell(&cell);
        }
        draw_guide(y);
    }
}
