/*
 * hooks.h - what the shell asks of those who know it, and whom it does not know.
 */
#ifndef KERNEL_SHELL_HOOKS_H
#define KERNEL_SHELL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct shell_hooks {
    /* Around each command; one that runs others stands around theirs. */
    void (*command_begins)(void);
    void (*command_ends)(void);
    /* Bugs that were reported since boot. */
    uint32_t (*reports)(void);

    /* The address that is held as $number (0: the last one); false: none is. */
    bool (*held)(uint32_t number, uint32_t *address);
};

/* Before the first command runs, with every hook there. */
void shell_init(const struct shell_hooks *hooks);

extern const struct shell_hooks *shell_hooks;

#endif
