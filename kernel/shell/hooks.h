/*
 * hooks.h - what the shell asks of those who know it, and whom it does not know.
 */
#ifndef KERNEL_SHELL_HOOKS_H
#define KERNEL_SHELL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

enum { SHELL_LEVELS = 8 };              /* of commands within each other */

struct shell_hooks {
    /* A command begins, within so many others (below SHELL_LEVELS). */
    void (*command_begins)(unsigned level);
    /* It returns; or it was ended: what did it leave?  Told in the log. */
    void (*command_returns)(void);
    void (*command_ended)(unsigned level, const char *name);
    /* Bugs that were reported since boot. */
    uint32_t (*reports)(void);

    /* The address that is held as $number (0: the last one); false: none is. */
    bool (*held)(uint32_t number, uint32_t *address);
};

/* Before the first command runs, with every hook there. */
void shell_init(const struct shell_hooks *hooks);

extern const struct shell_hooks *shell_hooks;

/* The name of the command that was typed, while one runs. */
const char *shell_outermost(void);

/*
 * The part of the stack that belongs to those who have called the command that runs now:
 * with what they had in registers, up to the outermost one.  False: nobody has.
 */
bool shell_callers_stack(const void **start, const void **end);

#endif
