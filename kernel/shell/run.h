/*
 * run.h - running a command under a guard: see run.c.
 */
#ifndef KERNEL_SHELL_RUN_H
#define KERNEL_SHELL_RUN_H

#include "kernel/shell.h"

/* Run it with these words, which it gets as a copy; its status, 0 to 63. */
int run_guarded(const struct shell_command *command, int argc, char **argv);

/* A handler that the running command may have set up was ended: the place of its end. */
void run_handler_ended(uintptr_t handler);

#endif
