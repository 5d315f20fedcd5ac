/*
 * report.h - what mm has to say about somebody's bug, on the console.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include <stdint.h>

/* From here on what mm reports is printed. */
void report_init(void);

/* Bugs reported since boot; running out of memory is none. */
uint32_t report_bugs(void);

/* The shell says where a command begins and ends: see report.c on repetition. */
void report_begin_command(void);
void report_end_command(void);

#endif
