/*
 * readline.h - a line typed at the console, with editing and history.
 */
#ifndef KERNEL_LINE_READLINE_H
#define KERNEL_LINE_READLINE_H

#include <stdbool.h>
#include <stddef.h>

#define READLINE_SIZE 256       /* of a line, its final 0 included */

struct history;

/*
 * Show the prompt and read a line into `line` (size at most READLINE_SIZE),
 * without its end and with a final 0.  False: abandoned with Ctrl-C.
 */
bool readline(const char *prompt, char *line, size_t size);

/* The lines read so far. */
const struct history *readline_history(void);

#endif
