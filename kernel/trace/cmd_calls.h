/*
 * cmd_calls.h - trace graph, trace functions: see cmd_calls.c.
 */
#ifndef KERNEL_TRACE_CMD_CALLS_H
#define KERNEL_TRACE_CMD_CALLS_H

#include <stdbool.h>

/*
 * Of `trace`, from its word graph or functions on: trace what follows, or show what is
 * kept.  Gives a status.
 */
int cmd_trace_calls(int argc, char **argv, bool json);

#endif
