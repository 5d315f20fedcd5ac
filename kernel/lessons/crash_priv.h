/*
 * crash_priv.h - the kinds of mistakes that `crash` can make.
 */
#ifndef KERNEL_LESSONS_CRASH_PRIV_H
#define KERNEL_LESSONS_CRASH_PRIV_H

#include <stddef.h>

/* Who ends it?  Itself: by a fault, or because nobody minds.  Behind a panic is no prompt. */
enum crash_end { BY_ITSELF, BY_CTRL_C, BY_NMI, NEVER };

/* What to look for if that dial is on: with that flag, if it has flags, else that value. */
struct crash_seen {
    const char *dial;           /* "SAN": made with SAN=1; NULL: the list ends */
    const char *value;
    const char *look_for;
};

struct crash_kind {
    const char *name;
    enum crash_end end;
    const char *does;           /* at most 58 columns, behind its name */
    const char *look_for;       /* at most 68 */
    void (*make)(void);
    const struct crash_seen *seen;      /* the first that is on counts; NULL: none does */
};

extern const struct crash_kind crash_kinds[];
extern const size_t nr_crash_kinds;

#endif
