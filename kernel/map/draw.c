/*
 * draw.c - how it is drawn: from cells to characters.
 *
 *     a cell   s.     two columns, for a character is twice as high as it is wide: so a
 *                     square of cells is one on the screen
 *
 * The letters say everything; where the terminal has colours (kernel/line/colour.c) they
 * stand on that of their class.
 */
#include "kernel/map/draw.h"

#include "kernel/line/colour.h"
#include "kernel/printk.h"

void draw_sign(const struct class *class, char sign)
{
    colour_set(class != NULL ? class->colour : BLACK);
    kprintf("%c", sign);
}

void draw_text(void)
{
    colour_set(BLACK);
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
        "10 11 14 15", "", "in N below:", "N blocks of", "pages (kB),", "or N objects", "(B)",
    };

    const char *beside = y < sizeof(guide) / sizeof(guide[0]) ? guide[y] : "";

    draw_text();
    kprintf("%s%s\n", *beside != 0 ? "  " : "", beside);
}

void draw_cells(void)
{
    colour_begin();
    for (unsigned y = 0; y < CELLS_HEIGHT; y++) {
        for (unsigned x = 0; x < CELLS_WIDTH; x++) {
            struct cell cell = cells_look(cells_at(x, y));

            draw_cell(&cell);
        }
        draw_guide(y);
    }
}
