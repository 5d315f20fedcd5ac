/*
 * quiz.h - the questions of the course: see quiz.c, which asks them, and quiz_table.c.
 */
#ifndef KERNEL_LESSONS_QUIZ_H
#define KERNEL_LESSONS_QUIZ_H

#include <stdint.h>

struct quiz_question {
    const char *lesson;         /* which tells it: "any" */
    const char *name;           /* of its own: "kfree-null" */
    const char *ask;
    const char *choices;        /* "nothing|it crashes|it is refused", or NULL */
    /*
     * What is right.  Measured: which of the choices it is, as it happens (0: the first), or
     * without choices the number, or LESSON_NOT_NOW.  NULL: a fact; then it is the first of the choices, or one
     * of these words ("kmemleak|leaks").
     */
    uint32_t (*measure)(void);
    const char *words;
    const char *why;
    const char *then;           /* a line that shows it */
};

extern const struct quiz_question quiz_questions[];
extern const unsigned quiz_count;

#endif
