/*
 * filter.h - which events are meant: Linux's filter expressions.  See filter.c.
 */
#ifndef KERNEL_TRACE_FILTER_H
#define KERNEL_TRACE_FILTER_H

#include "kernel/trace/ring.h"

/*
 * From now on only events that the expression means; "0": all, as in Linux.  False after a
 * line that says what is wrong with it: then the old one stays.
 */
bool trace_filter_set(const char *text);

/* The one that is set; "": none. */
const char *trace_filter_text(void);

#endif
