/*
 * lesson_priv.h - one lesson, or a quiz, under way: what those share that run it.
 */
#ifndef KERNEL_LESSONS_LESSON_PRIV_H
#define KERNEL_LESSONS_LESSON_PRIV_H

#include "kernel/lessons/lesson.h"
#include "mm/mm.h"

/* The answers of a whole quiz are words of one line, of which there are 32 (MAX_WORDS). */
enum { LESSON_QUESTIONS = 28, LESSON_ANSWER_SIZE = 24 };

enum lesson_kind { LESSON_NUMBER, LESSON_CHOICE, LESSON_WORD };

struct lesson_run {
    const struct lesson *lesson;
    const char *seed;
    uint32_t random;            /* of the seed */
    /* What was answered, and by whom: the first `given` came with the command. */
    char answers[LESSON_QUESTIONS][LESSON_ANSWER_SIZE];
    unsigned given, asked, right, shown;
    unsigned told;              /* of which question it was said what is right, the last */
    bool json, left;
    bool paged;                 /* a screen at a time, from lesson_prepare() to lesson_end() */
    bool stopped;               /* by a word that cannot be the answer that it came as */
    struct mm_stats before;     /* the heap when it began: what it takes is counted from there */
    enum lesson_kind kind;      /* of the last question, */
    unsigned choices;           /*   and how many letters it has */
    const char *about;          /*   and in a quiz its name */
    const char *then;           /* what ! tries, or NULL */
};

/* The words behind the command: the seed, then answers.  SHELL_OK, or what was told. */
int lesson_take_words(struct lesson_run *run, int argc, char **argv);
/* One more that came with the command; false: it is too long, or one too many. */
bool lesson_add_answer(struct lesson_run *run, const char *answer);

/* What stands around a word that a line to type is made of: a quote, if it has blanks, or "". */
const char *lesson_quote(const char *word);

/*
 * Switch off the dials, which lesson_begin() puts back.  False: it cannot run now, and why was
 * said; all is as before.
 */
bool lesson_prepare(struct lesson_run *run);
/* Is it recorded who takes what?  False: not, and that was said. */
bool lesson_has_records(const struct lesson_run *run);
/* Of the last question it was never said what is right: its author is told. */
void lesson_check_told(struct lesson_run *run);
/* Run it, and clean up behind it. */
void lesson_begin(struct lesson_run *run);
/* What a student tries meanwhile; nothing is left of it either. */
void lesson_try(const char *line);
/*
 * The status: not OK if it was left, or had nothing to ask, and, if it is to be judged, if not
 * all is right.  That bugs were reported meanwhile was meant.  As JSON also the summary.
 */
int lesson_end(struct lesson_run *run, bool judged);

extern const struct lesson __start_lessons[], __stop_lessons[];

/* The handout of that file, or NULL: the comment at its top, made by handouts.awk. */
const char *lesson_handout(const char *file);

#endif
