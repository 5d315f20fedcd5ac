/*
 * colour.c - letters on a colour, where the terminal has colours.
 *
 * The letters of a picture say everything, and are ASCII: what goes to the console goes to
 * a terminal and to the VGA screen alike, and that has other characters behind 0x7f, and no
 * colours.  Colour is put around the letters where the terminal has told its size, as those
 * do that understand escape sequences, unless term=mono; not in a log, or with run=.  It is
 * sent only where it changes: letters of one colour, side by side, cost themselves alone.
 */
#include "kernel/line/colour.h"

#include "kernel/line/tty.h"
#include "kernel/printk.h"

static unsigned now;            /* on which the terminal writes */

void colour_begin(void)
{
    now = BLACK;
}

void colour_set(unsigned colour)
{
    bool has_colours = tty_attended && tty.width != 0 && !tty.mono;

    if (!has_colours)
        colour = BLACK;
    if (colour == now)
        return;
    if (colour != BLACK)
        kprintf("\x1b[30;4%um", colour);        /* black, on that */
    else
        kprintf("\x1b[m");
    now = colour;
}
