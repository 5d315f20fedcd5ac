/*
 * find.h - find it: what the files of this lab share, and how one answers.
 *
 *     FIND_ANSWER("ann", "double-free", "post.c", 57, 312);
 *
 * at file scope of what is handed in: in ann's server the mistake is of this kind, in this
 * file and line, and hurts the object with this serial number.
 */
#ifndef TESTS_LABS_FIND_FIND_H
#define TESTS_LABS_FIND_FIND_H

#include <stdbool.h>
#include <stdint.h>

struct find_answer {
    const char *name, *kind, *file;
    uint32_t line, serial;
};

extern const struct find_answer find_answer;

#define FIND_ANSWER(name, kind, file, line, serial) \
    const struct find_answer find_answer = { name, kind, file, line, serial }

/* ---- planted.c: which mistake is made, and when ------------------------------------ */

enum find_kind {
    FIND_ERROR_PATH, FIND_LIST_HEAD, FIND_OWNER_FIRST, FIND_KREALLOC, FIND_INTERRUPT,
    FIND_DOUBLE_FREE, FIND_INTERIOR, FIND_USE_AFTER_FREE, FIND_OVERFLOW, FIND_PAGES,
    FIND_CACHE, FIND_COUNT,
    FIND_KINDS,
};

/*
 * In a line that does one thing or, if this is true, makes its mistake with the object.
 * That is so once a day at most, in one of the twelve lines; NULL is no object.
 */
#define SLIPS(kind, object) find_slips(FIND_##kind, object, __FILE__, __LINE__)
bool find_slips(enum find_kind kind, const void *object, const char *file,
                uint32_t line);

/* ---- server.c: letters come in ------------------------------------------------------ */

/* How often things happen, by the name: to one letter in so many. */
struct find_habits {
    uint32_t refused, attached, huge;
};

/* Take all letters of a day. */
void server_day(const struct find_habits *habits);
/* Give back all that the server has, and then what the post has. */
void server_stop(void);

/* ---- post.c: and go out ------------------------------------------------------------- */

struct mail {
    struct mail *next;          /* waits behind it */
    struct thread *thread;
    char *text;
    uint32_t number;
};

/* Take over a mail that is complete; it waits until three newer ones do. */
void post(struct mail *mail);
/* Give back a mail, and what it has.  Gives NULL, for the variable that had it. */
struct mail *mail_free(struct mail *mail);
/* Deliver all that waits. */
void post_stop(void);

#endif
