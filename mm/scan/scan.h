/*
 * scan.h - what is live, and does anything still point to it?
 *
 *     mm_scan_begin(&counts);         the world must stand still: interrupts off
 *     mm_scan_root(start, end);       ... each range of words that are somebody's variables
 *     mm_scan_end();
 *
 * Each live object and block of pages is then of one kind (Valgrind's words):
 *
 *     reachable   by pointers to its start, from a root, through others that are
 *     possible    the same, but some step is a pointer into its middle
 *     definite    a leak: nothing that is not lost itself points to it
 *     indirect    lost, and held by what is lost: it goes with that
 *
 * A word is a pointer if its value is an address of something live; whether its owner
 * meant it so nobody knows (conservative: Boehm and Weiser, Garbage Collection in an
 * Uncooperative Environment, 1988).  A pointer to a struct page points to its block.
 * An address right behind an object is its neighbour's.
 *
 * What was found stays, beside the records, until the next scan or the object's end:
 * its kind, and the word in which it was found first.  So these words lead back, by the
 * shortest way, to a root; and of what is lost they tell where it was last seen.
 *
 * Nothing is allocated and nothing recurses; linear in what is live.  Only with records
 * (mm_records).  mark.c tells how.
 */
#ifndef MM_SCAN_SCAN_H
#define MM_SCAN_SCAN_H

#include "mm/mm.h"

enum mm_scan_kind {
    MM_UNSEEN,                  /* taken, or given another size, since the last scan */
    MM_REACHABLE,
    MM_POSSIBLE,
    MM_INDIRECT,
    MM_DEFINITE,
    MM_SCAN_KINDS,
};

struct mm_scan {
    uint32_t number;            /* of this scan, from 1 */
    uint32_t serial;            /* of the newest allocation then */
    uint32_t objects[MM_SCAN_KINDS];
    size_t bytes[MM_SCAN_KINDS];        /* as asked for */
    uint32_t roots;             /* ranges, */
    size_t root_bytes;          /*   and their bytes */
};

/* False, and nothing was done: nothing is recorded, or mm is busy. */
bool mm_scan_begin(void);
/* The whole words in [start, end).  They are read, and nothing else. */
void mm_scan_root(const void *start, const void *end);
/* Sort what is live.  The result stays as it is until the next scan. */
const struct mm_scan *mm_scan_end(void);

/* The last scan's; number 0: there was none. */
const struct mm_scan *mm_scan_last(void);

/*
 * For a variable, without a value at first, that holds what is somebody else's: who scans
 * finds all such side by side, if the linker puts them there (linker.ld).
 */
#define MM_SCANNED __attribute__((section(".bss.roots")))

/* ---- what is live, thing by thing ------------------------------------------- */

struct mm_live {
    uintptr_t start;
    size_t room;                /* bytes that are its own */
    size_t asked;
    uint32_t serial;
    struct alloc_site *site;
    const char *cache;          /* NULL: whole pages */
    enum mm_scan_kind kind;     /* by the last scan */
    uintptr_t seen_in;          /* the word that it was last found in; 0: in none */
};

/*
 * The first one that starts at or behind that address.  False: there is none, mm is busy, or
 * nothing is recorded.  So all of them, whatever comes and goes meanwhile, and with mm left
 * to others between two:
 *
 *     for (from = 0; mm_scan_next(from, &live); from = live.start + 1)
 */
bool mm_scan_next(uintptr_t from, struct mm_live *live);

/* The one around addr.  False: there is none. */
bool mm_scan_find(const void *addr, struct mm_live *live);

/*
 * Sum up by call site, in its fields, as mm_count_sites does: of those that are of one of
 * these kinds (bits: 1 << MM_DEFINITE ...) and have a serial number above `after`.
 */
void mm_scan_count_sites(unsigned kinds, uint32_t after);

/* ---- what goes with what is lost: tree.c -------------------------------------------- */

/* A definite leak and, by the notes, all that it takes with it: what is indirect. */
struct mm_lost {
    uintptr_t start;            /* of the leak */
    uint32_t objects;           /* it and what it takes, */
    size_t bytes;               /*   as asked for */
    bool is_ring;               /* something that it takes points back to it */
};

/*
 * Each one, by ascending address; fn returns false to stop, and must not allocate or free;
 * it may ask, all that is declared here included, but scan.  mm is busy meanwhile, so it had
 * better not print.  Nothing is visited while mm is busy, or if nothing is recorded.
 */
void mm_scan_each_lost(bool (*fn)(const struct mm_lost *lost, void *arg), void *arg);

/* Where one is in a tree.  Begin: only top is set, to the start of a definite leak. */
struct mm_scan_tree {
    uintptr_t top;
    unsigned depth;             /* of the one that was found last; the leak's is 0 */
    uintptr_t at, word;         /* it, and which of its words comes next */
    uint32_t serial;
};

/*
 * The leak, then all that it takes, one at each call: holders first, then what they hold, in
 * the order of their words.  False: that was all, or the last one is not there any more.
 */
bool mm_scan_next_in_tree(struct mm_scan_tree *tree, struct mm_live *live);

/* ---- who points there ---------------------------------------------------------- */

/*
 * Call fn for each word in [from, to) that points into [start, start + bytes), which is
 * not empty, or to the page struct of one of its pages.
 */
struct mm_wanted {
    uintptr_t start;
    size_t bytes;
    void (*fn)(const uintptr_t *word, void *arg);
    void *arg;
};

void mm_refs_in(const struct mm_wanted *wanted, const void *from, const void *to);
/* In all that is live. */
void mm_refs_in_heap(const struct mm_wanted *wanted);

/* ---- what is said of objects (kmemleak.h): said.c, own.c ----------------------------- */

struct mm_scan_said {
    uint32_t entries, own;      /* in the tables: of objects; pieces of own allocators */
    uint32_t cleared;           /* objects that are not reported again */
    uint32_t no_room;           /* calls without effect: the table was full, */
    uint32_t unknown;           /*   nothing is there, */
    uint32_t busy;              /*   mm was busy */
};

struct mm_scan_said mm_scan_get_said(void);
/* What was lost by the last scan is from now on no leak, until its end. */
void mm_scan_clear(void);
/* Pieces of one's own allocators that were lost by the last scan; the cache is NULL. */
void mm_scan_walk_lost_own(bool (*fn)(const struct mm_live *live, void *arg), void *arg);
/* For mm_init: nothing was said. */
void mm_scan_start(void);

#endif
