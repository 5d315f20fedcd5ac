/*
 * text.h - events as ftrace writes them: see text.c.
 */
#ifndef KERNEL_TRACE_TEXT_H
#define KERNEL_TRACE_TEXT_H

#include "kernel/trace/ring.h"

/* Which events: from that number on; and of one object, by its serial number or address. */
struct trace_choice {
    uint32_t from;
    uint32_t object;            /* 0: all; else a serial number, */
    bool or_address;            /*   or also an address */
};

/* When and in whose name something happened: what a line begins with. */
struct trace_moment {
    const char *task;
    uint32_t command, ticks;
    bool irqs_off, in_interrupt;
};
void trace_format_head(char *buf, size_t size, const struct trace_moment *moment);

/* What stands above such lines. */
void trace_print_header(const char *tracer, uint32_t kept, uint32_t written);

/* How many they were.  Of one object there is no header. */
unsigned trace_print(const struct trace_choice *choice, bool stacks);
/* The same, an object a line, and a summary. */
void trace_print_json(const struct trace_choice *choice);

#endif
