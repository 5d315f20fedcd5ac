/*
 * functions.h - which functions are noticed: see functions.c.
 */
#ifndef KERNEL_TRACE_FUNCTIONS_H
#define KERNEL_TRACE_FUNCTIONS_H

#include <stdbool.h>

/* What is meant where nobody has said it: mm, lessons, labs. */
extern const char functions_usual[];

/*
 * Fill the set of probe.h with what the list means, and, if roots is true, with what runs
 * each command.  False after a line that says what is wrong with the list.
 */
bool functions_choose(const char *list, bool roots);

/* Is it a list, and does each of its words mean something?  Else that is said. */
bool functions_try(const char *list);

#endif
