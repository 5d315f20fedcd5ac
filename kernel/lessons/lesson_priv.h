/*
 * lesson_priv.h - one lesson under way: what cmd_lesson.c and lesson.c share.
 */
#ifndef KERNEL_LESSONS_LESSON_PRIV_H
#define KERNEL_LESSONS_LESSON_PRIV_H

#include "kernel/lessons/lesson.h"

enum { LESSON_QUESTIONS = 12, LESSON_ANSWER_SIZE = 24 };

struct lesson_run {
    const struct lesson *lesson;
    const char *seed;
    uint32_t random;            /* of the seed */
    /* What was answered, and by whom: the first `given` came with the command. */
    char answers[LESSON_QUESTIONS][LESSON_ANSWER_SIZE];
    unsigned given, asked, right, shown;
    bool json, left;
    unsigned choices;           /* of the last question; 0: its answer is a number */
};

/* Run it; of the result one line or, as JSON, rows. */
void lesson_begin(struct lesson_run *run);

extern const struct lesson __start_lessons[], __stop_lessons[];

/* The handout of that file, or NULL: the comment at its top, made by handouts.awk. */
const char *lesson_handout(const char *file);

#endif
