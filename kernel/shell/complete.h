/*
 * complete.h - the words that may stand at a place of a command line.
 */
#ifndef KERNEL_SHELL_COMPLETE_H
#define KERNEL_SHELL_COMPLETE_H

#include <stddef.h>

/* The nth word that may stand where the one at line[start] stands; NULL: no more. */
const char *complete_candidate(const char *line, size_t start, unsigned n);

#endif
