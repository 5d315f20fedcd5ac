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
 * What mm is doing: 0, nothing; or whose call it is at, with some bits.
 *
 *     | address of the call site, or all ones | bits |      (a site is aligned to 32)
 *       MM_BUSY: any of these bits is set
 *
 * mm is busy while its structures are between two consistent states, or must not change
 * under somebody who reads them.  The bits:
 *
 *     MM_CALLED_OUT  it has called what is not its own: a constructor, a callback of a
 *                    walk, an observer; a fault is theirs
 *     MM_IRQ         in an interrupt handler: mm_irq_begin(), mm_irq_end()
 *     MM_PUT_OFF     frees from an interrupt wait for mm to be entered again
 *     MM_LONG_WAY    somebody watches or looks on, so every call goes the long way
 *     MM_READING     busy, but it only reads: it can be dropped where it stands
 */
#define MM_CALLED_OUT ((uintptr_t)1)
#define MM_IRQ ((uintptr_t)2)
#define MM_PUT_OFF ((uintptr_t)4)
#define MM_LONG_WAY ((uintptr_t)8)
#define MM_READING ((uintptr_t)16)
#define MM_BUSY (~(uintptr_t)31)
extern uintptr_t mm_state;

/* Are the structures half changed?  A fault now is one inside the allocator. */
static inline bool mm_is_changing(void)
{
    return mm_state & MM_BUSY && !(mm_state & MM_READING);
}

/* The compiler moves no access across it: what an interrupt may see is whole. */
static inline void mm_barrier(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

/*
 * Some bits change and the others stay as they are in memory, by one instruction:
 * whatever an interrupt does to those is not lost.
 */
static inline void mm_state_set(uintptr_t bits)
{
    mm_barrier();
    mm_state |= bits;
    mm_barrier();
}

static inline void mm_state_clear(uintptr_t bits)
{
    mm_barrier();
    mm_state &= ~bits;
    mm_barrier();
}

/* What mm was doing when the interrupt came that is served now; 0 outside of one. */
extern uintptr_t mm_interrupted;

/* For the trap code, around each interrupt handler.  Handlers do not nest. */
static inline void mm_irq_begin(void)
{
    mm_interrupted = mm_state & MM_BUSY;
    mm_state_set(MM_IRQ);
}

static inline void mm_irq_end(void)
{
    mm_state_clear(MM_IRQ);
    mm_interrupted = 0;
}

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

/*
 * Take whole pages of the heap away from everybody, so that who touches one faults, or give
 * them back, with what was in them.  NULL (the default): that cannot be done here.  False:
 * it could not be done this time, or only in part.  Called with mm entered; mm never asks
 * it to take away what is live.  Before mm_init is called again, all must be there.
 */
extern bool (*mm_map_hook)(void *start, size_t bytes, bool present);

#endif
