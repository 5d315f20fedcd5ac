/*
 * console.h - characters out, to the serial line and the screen, and in.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct multiboot_info;

/* From here on text goes out.  Input needs interrupts: console_listen. */
void console_init(void);
void console_listen(void);

/* A command has run, and may have written to the chip's ports: it sends and receives. */
void console_put_back(void);

/*
 * Print on the screen as well, if there is one with VGA text, which is cleared.
 * The loader's information is asked whether there may be one.
 */
void console_find_screen(const struct multiboot_info *info);

/* Is there a serial line to type at? */
bool console_has_serial(void);

/* Text for who sits at the screen, and not on the serial line. */
void console_tell_screen(const char *text);

/*
 * Where to print: everywhere until this is called; then on what was chosen, one or
 * both.  False: the machine has no such thing.  If it has nothing of what was
 * chosen, the output stays where it was.
 */
enum console_place { CONSOLE_SERIAL = 1 << 0, CONSOLE_SCREEN = 1 << 1 };
bool console_choose(enum console_place place);

/* Set the speed of the line.  False: it cannot be that. */
bool console_set_baud(uint32_t baud);

/* Send text; "\n" goes out as "\r\n".  Nothing is dropped: it waits. */
void console_write(const char *text, size_t length);

/* What the terminal obeys and keeps no trace of: a line is begun or not, as before. */
void console_control(const char *text, size_t length);

/*
 * From here on nothing is sent, whoever it is from (true); or all is.  A kernel that stops
 * ends it.
 */
void console_mute(bool mute);
bool console_is_muted(void);

/* How many times the serial line went on behind a gap; if it does now, it says so. */
uint32_t console_gaps(void);

/* Has somebody begun a line?  End it, if so. */
bool console_line_is_begun(void);
void console_fresh_line(void);

/*
 * The line that was begun is over, and ends before whatever is written next (or
 * nothing), unless its writer has more of it: true, if nothing came between.
 */
void console_end_later(void);
bool console_goes_on(void);

/* The next byte typed, or -1 if there is none now. */
int console_poll(void);
/* How many Ctrl-C (3) came in since console_clear_interrupt, or then waited unread. */
int console_interrupted(void);
void console_clear_interrupt(void);

/* With interrupts off: take what has come in, whether or not an interrupt told of it. */
void console_look(void);

/*
 * Drop what was typed before the last Ctrl-C that waits unread, and it; what was typed
 * behind it stays.  False: none waits.
 */
bool console_drop_to_interrupt(void);

/* Bytes lost because nobody read the receive queue, or the UART overran. */
uint32_t console_overruns(void);

#endif
