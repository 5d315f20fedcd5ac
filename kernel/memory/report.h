/*
 * report.h - what mm has to say about somebody's bug, on the console.
 */
#ifndef KERNEL_MEMORY_REPORT_H
#define KERNEL_MEMORY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mm_report;

/* From here on what mm reports is printed. */
void report_init(void);

/* mm/watch/dials.h: watch with the dials that were set, and know who calls. */
void dials_init(void);

/*
 * All dials of mm are off, as at a fresh boot; shell_put_back_dials() is for later, and comes
 * by itself if the command is ended.  `text`, of `size` bytes, gets those that were on:
 * "kfence.every=1, slub_debug=Z", or "".  False: one cannot be off yet, and the log says why.
 */
bool dials_rest(char *text, size_t size);

/* A fault is reported: was mm at work, and for whom? */
void report_busy(void);

/* The address of a fault: whose was it?  Nothing is said of what is not in the heap. */
void report_whose(uintptr_t addr);

/*
 * A page fault at addr, by the instruction at eip: if it is in memory that mm took away
 * (debug_pagealloc, kfence.every), say who was there.  False: it is not, and nothing was said.
 */
bool report_fault(uintptr_t addr, bool is_write, uintptr_t eip);

/* The report of overwritten bytes: where, whose, what is there, who is beside it. */
void report_damage(const struct mm_report *report);

/* Of mm_reports(), those that refused what was asked for; overwritten bytes refuse nothing. */
uint32_t report_refusals(void);

/* A bug was found and told by somebody else than mm: it counts as one of mm_reports(). */
void report_told(void);

/* An allocation gave NULL: there is no memory, or it was to fail. */
void report_failure(const struct mm_report *report);

/* How many bytes nobody can give back any more: a scan, which main.c hands in, or NULL. */
extern size_t (*report_lost)(void);

/* The shell says where a command begins and ends: see report_failure.c on repetition. */
void report_begin_command(void);
void report_end_command(void);

#endif
