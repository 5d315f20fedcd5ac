/*
 * calls_text.h - calls of functions as ftrace writes them: see calls_text.c.
 */
#ifndef KERNEL_TRACE_CALLS_TEXT_H
#define KERNEL_TRACE_CALLS_TEXT_H

#include <stdint.h>

/* What is kept of the calls from that number on: as function_graph; as function; as JSON. */
void calls_print_graph(uint32_t from);
void calls_print_functions(uint32_t from);
void calls_print_json(uint32_t from);

#endif
