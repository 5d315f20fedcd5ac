/*
 * readline.h - a line typed at the console, with editing and history.
 */
#ifndef KERNEL_LINE_READLINE_H
#define KERNEL_LINE_READLINE_H

#include <stdbool.h>
#include <stddef.h>

#define READLINE_SIZE 256       /* of a line, its final 0 included */

struct history;

/* The nth word that may stand where the one at line[start] stands; NULL: no more. */
typedef const char *(*readline_candidates)(const char *line, size_t start, unsigned n);

/* What Tab completes, and what Ctrl-D on an empty line says. */
void readline_init(readline_candidates candidates, const char *leave_hint);

/*
 * Show the prompt and read a line into `line` (size at most READLINE_SIZE),
 * without its end and with a final 0.  False: abandoned with Ctrl-C, or
 * too long, which was said.
 */
bool readline(const char *prompt, char *line, size_t size);

/* The lines read so far. */
const struct history *readline_history(void);

#endif
