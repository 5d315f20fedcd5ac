/*
 * words.h - a line of text, cut into the words of one command after the other.
 */
#ifndef KERNEL_SHELL_WORDS_H
#define KERNEL_SHELL_WORDS_H

#include <stddef.h>

enum { MAX_WORDS = 32, MAX_TEXT = 512 };        /* of a command, and of its bytes */

/* The words of one command; they point into its text. */
struct words {
    int count;
    size_t used;                /* of text */
    const char *problem;        /* why they are not to be run; NULL: none */
    char *word[MAX_WORDS + 1];  /* NULL behind the last one */
    char text[MAX_TEXT];
};

/*
 * Take the words of the command at `line`; returns where the next one begins, which is
 * the line's end, a 0, if there is none.
 */
const char *words_take(const char *line, struct words *words);

#endif
