/*
 * tell.h - tell them apart: how one answers.
 *
 *     TELL("ann", "take", "fill 0", "give 0");
 *
 * at file scope of what is handed in: these commands tell the pools apart that have ann's
 * numbers.
 */
#ifndef TESTS_LABS_TELL_TELL_H
#define TESTS_LABS_TELL_TELL_H

enum { TELL_LINES = 40 };

struct tell_session {
    const char *name;
    unsigned count;             /* of lines: from 1 to TELL_LINES, or it is not run */
    const char *const *lines;
};

extern const struct tell_session tell_session;

#define TELL(name, ...) \
    const struct tell_session tell_session = { \
        name, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), \
        (const char *const[]){ __VA_ARGS__ } }

#endif
