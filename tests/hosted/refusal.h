/*
 * refusal.h - what every wrong free has in common: one report, from this line, and
 * nothing but the counter of refusals has changed.
 */
#ifndef TESTS_HOSTED_REFUSAL_H
#define TESTS_HOSTED_REFUSAL_H

#include "tests/hosted/arena.h"

/* The state before the wrong free. */
extern struct arena_state refusal_before;

const struct mm_report *check_refusal(enum mm_bug bug, const char *call,
                                      const char *file, uint32_t line);

/*
 * The statement frees wrongly: this bug, by the call of that name, from this line.
 * The report.  Each use stands on one line: of several, GCC means the last, and clang
 * the one where the statement ends.
 */
#define REFUSED(statement, bug, name)                                         \
    (refusal_before = arena_state(), (statement),                             \
     check_refusal(bug, name, __FILE__, __LINE__))

/* The report says that the pointer is so far inside something of this kind. */
#define assert_what(report, kind, start, offset) \
    check_what(report, kind, start, offset, __FILE__, __LINE__)
void check_what(const struct mm_report *report, enum mm_what_kind kind,
                const void *start, size_t offset, const char *file, int line);

#endif
