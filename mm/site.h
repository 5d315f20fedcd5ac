/*
 * site.h - call sites: which line of code asked for this memory.
 *
 * Each use of an allocation macro places one struct alloc_site in the linker
 * section "alloc_sites".  A record keeps its number there (1, 2, 3 ...) in 16
 * bits; 0 is "nobody".  mm_init() tells each its number; those beyond the 65,534th
 * have one together, and its site says so.  Calls of the functions
 * themselves, (kmalloc)(n, f), have no line: their return address gets an entry of its
 * own in the same section.
 */
#ifndef MM_SITE_H
#define MM_SITE_H

#include "mm/port.h"

struct alloc_site {
    const char *file;           /* NULL: only the return address is known */
    const char *func;
    uint16_t line;
    uint16_t number;            /* its place in the section, from 1 */
    uint32_t objects;           /* these four are the result of the last */
    size_t bytes;               /* mm_count_sites(): live and not older than */
    uint32_t oldest, newest;    /* asked for; serial numbers */
    union {
        uintptr_t address;      /* where file is NULL: the return address */
        const char *call;       /* else the call, as written; NULL: as it is named */
    };
} __attribute__((aligned(sizeof(void *) * 8)));

_Static_assert(!(_Alignof(struct alloc_site) & ~MM_BUSY), "mm_state has room for bits");

/* The call site of the line on which it stands. */
#define ALLOC_SITE() ALLOC_SITE_OF(NULL)

/* The same of a call that is made of another, such as "kzalloc": reports call it so. */
#define ALLOC_SITE_OF(written)                                                \
    (__extension__({                                                          \
        static struct alloc_site site_ __attribute__((                        \
            section("alloc_sites"), used)) = {                                \
            .file = __FILE__, .func = __func__, .line = __LINE__,             \
            .call = written };                                                \
        &site_;                                                               \
    }))

/*
 * Count live objects and page allocations by site, of all with serial number
 * above `after`, into the fields of each site.  Linear in the heap.
 */
void mm_count_sites(uint32_t after);

/*
 * All that a record may name, to loop over: NULL begins, and ends.  First those in the
 * code, then those that stand for a whole stack of calls (mm/watch/stack.h).
 */
struct alloc_site *mm_next_site(const struct alloc_site *previous);

/* Those in the code alone, in the order of the link: site < mm_sites_end(). */
struct alloc_site *mm_sites(void);
struct alloc_site *mm_sites_end(void);

/*
 * Whose call a busy mm is at, by mm_state; NULL: it is not busy, or nobody is known.
 * Frees that were put off are done in the next call, whosever that is.
 */
const struct alloc_site *mm_current_site(void);

/* Calls whose return address found no room: they share one site, without address. */
uint32_t mm_sites_lost(void);

#endif
