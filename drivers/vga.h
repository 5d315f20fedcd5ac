/*
 * vga.h - text on a VGA screen: see vga.c.
 */
#ifndef DRIVERS_VGA_H
#define DRIVERS_VGA_H

#include <stdbool.h>
#include <stdint.h>

/* Where the text lies, if there is a screen of this kind. */
enum { VGA_TEXT_START = 0xb8000, VGA_TEXT_END = 0xc0000 };

/* Clear the screen and use it.  False: there is none that shows text. */
bool vga_init(void);

/* Off: the screen stays as it is.  On: as it was after vga_init. */
void vga_use(bool on);

/* One character.  Without a screen, or with one not in use: nothing. */
void vga_put(uint8_t byte);

/* Put the cursor behind the last character: once a text, not once a character. */
void vga_show_cursor(void);

#endif
