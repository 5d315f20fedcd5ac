/*
 * unknown.h - the answer to what is no command.
 */
#ifndef KERNEL_SHELL_UNKNOWN_H
#define KERNEL_SHELL_UNKNOWN_H

/* How to leave, for who tries it by another name. */
extern const char *const leave_hint;

/* Say so, and what it may have been meant for; gives SHELL_UNKNOWN. */
int unknown_command(const char *name);

#endif
