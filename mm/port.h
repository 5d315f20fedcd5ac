/*
 * port.h - all that mm wants from outside, and all it tells about its state.
 *
 * mm is handed its memory (mm_init), never prints and never sleeps.  It is the
 * same source in the 32-bit kernel and in a hosted program; what differs is
 * only who stands behind the names below.
 */
#ifndef MM_PORT_H
#define MM_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The C library's own, or the kernel's kernel/string.c. */
void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);
size_t strlen(const char *s);

/*
 * What mm is doing: 0, nothing; or whom it is serving, with some bits.
 *
 *     | address of the call site being served, or all ones |  DIALS PUT_OFF IRQ - |
 *       MM_BUSY: any of these bits                            a site is aligned to 32
 *
 * mm is busy while its structures are between two consistent states: a fault then
 * happened inside the allocator.  The trap code sets MM_IRQ at the start of an
 * interrupt handler and clears that bit, no other, at its end; MM_PUT_OFF says that
 * frees from an interrupt wait for mm to be entered again; MM_DIALS that some dial is
 * on (dials.h), so that every call goes the long way.
 */
enum { MM_IRQ = 2, MM_PUT_OFF = 4, MM_DIALS = 8 };
#define MM_BUSY (~(uintptr_t)31)
extern uintptr_t mm_state;

/* What the compiler may know of a path: that it is the common one, or a rare one. */
#define likely(truth) __builtin_expect(!!(truth), 1)
#define unlikely(truth) __builtin_expect(!!(truth), 0)
#define SHORT static inline __attribute__((always_inline))  /* part of a common path */
#define RARE __attribute__((noinline))  /* a function that only rare ones need */

struct mm_report;

/*
 * Called once for each misuse or failed request, with nothing changed by the refused
 * call, and mm consistent; but for what the dials find, and for broken lists, mm is
 * busy meanwhile: it can be looked at by mm_what_is, not walked.  NULL (the default):
 * reports are only counted.  It may return; after a fatal one mm then traps.  It must
 * not allocate.
 */
extern void (*mm_report_hook)(const struct mm_report *report);

#endif
