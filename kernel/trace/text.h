/*
 * text.h - events as ftrace writes them: see text.c.
 */
#ifndef KERNEL_TRACE_TEXT_H
#define KERNEL_TRACE_TEXT_H

#include "kernel/trace/ring.h"

/* Of these events: only of that object, by its serial number; 0: all. */
void trace_print(uint32_t serial, bool stacks);
/* The same, an object a line, and a summary. */
void trace_print_json(uint32_t serial);

/* "receive+0x1c/0x94", from where it was called, into buf; returns buf. */
const char *trace_call_site(const struct trace_event *event, char *buf, size_t size);

#endif
