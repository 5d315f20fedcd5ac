/*
 * slot_priv.h - object caches: the struct, and what a slab and a slot are.  slab.c
 * tells the whole story.
 */
#ifndef MM_SLOT_PRIV_H
#define MM_SLOT_PRIV_H

#include "mm/heap_priv.h"

#define MAX_CACHES 128          /* struct page has a byte for them: cache_name() */
#define CACHE_NAME_SIZE 64      /* with its end */
#define MAX_SLOTS 512           /* a page of 8-byte objects */
#define MAX_SLAB_ORDER 3
#define SLAB_LEVELS 5           /* log4(MAX_SLOTS) + 1 */
#define MAX_OBJECT_SIZE ((size_t)PAGE_SIZE << MAX_SLAB_ORDER)

/* Where the record of a slot lies. */
enum record_place {
    RECORD_NOWHERE,             /* nothing is recorded */
    RECORD_IN_SLAB,             /* behind the slots */
    RECORD_OF_PAGE,             /* slots of a page or more: slot i's is page i's */
};

/* Who watches a cache (dials.h, slub_debug). */
enum { DIAL_F = 1, DIAL_Z = 2, DIAL_P = 4, DIAL_U = 8 };

struct kmem_cache {
    /* What an allocation needs: the 32 slots that are being handed out. */
    uint32_t *word;             /* their bits in the map, 1 = free */
    char *group;                /* the first of them */
    struct record *group_record;        /* its record; NULL: not recorded */
    struct page *slab;          /* their slab's first page; NULL: no slab */
    uint32_t slot_size;         /* bytes from one slot to the next */
    uint32_t allocs, frees;     /* objects; live = allocs - frees (S6) */

    /* What a free needs, to get from an address to a slot. */
    uint32_t offset_mask;       /* bytes of a slab - 1 */
    uint32_t reciprocal;        /* of slot_size: see divide() */
    uint32_t many_end;          /* bytes that are slots, if they are many; else 0 */
    uint32_t slots_end;         /* the same, many or few; 0: none that can be freed */
    uintptr_t head_mask;        /* of a page struct's address: its slab's first */
    uint32_t record_offset;     /* RECORD_IN_SLAB: of the records in a slab */
    int32_t record_step;        /* slot i at p: p + record_offset + i * record_step */
    uint32_t map_word;          /* many: of the map in a slab, in words; few: 0 */
    uint8_t record_place;       /* enum record_place */

    /* What the rare paths need. */
    uint8_t order;              /* of a slab's pages */
    uint8_t dials;              /* DIAL_F ...: who watches it */
    uint16_t slots;             /* in a slab */
    uint16_t levels;            /* bit k: partial[k] has a slab */
    uint32_t partial[SLAB_LEVELS];      /* slabs by log4 of their free slots */
    uint32_t spare;             /* one empty slab kept back, or NO_PAGE */
    uint32_t slabs, peak_slabs;
    uint32_t object_size;       /* as asked for */
    uint32_t align;
    uint32_t left;              /* of a slot, before its object: red zone, or 0 */
    const char *name;           /* NULL: this entry of the table is free */
    void (*ctor)(void *object);
} __attribute__((aligned(128)));        /* so that its number is a shift away */

_Static_assert(sizeof(struct kmem_cache) == (sizeof(void *) > 4 ? 256 : 128),
               "a power of two, and no larger than it was");

/*
 * By number; the kmalloc caches first, by size; cache.c has the list.  Number 0 is
 * no cache: it is what the pages name that are in no slab, and it has no slots.
 */
extern struct kmem_cache caches[MAX_CACHES];
/*
 * By what page structs call them: a free finds its cache by one load.  Names that are
 * none, one overwritten bit of one above all, lead to no cache.
 */
extern struct kmem_cache *cache_named[2 * MAX_CACHES];
enum { NO_CACHE, NR_KMALLOC_CACHES = 13, FIRST_KMALLOC_CACHE = 1,
       FIRST_FREE_CACHE = FIRST_KMALLOC_CACHE + NR_KMALLOC_CACHES };

/* kmalloc's cache for each size, by (size - 1) / 8. */
extern struct kmem_cache *kmalloc_by_size[KMALLOC_MAX_CACHE_SIZE / 8];

/* 1 <= size <= KMALLOC_MAX_CACHE_SIZE. */
static inline struct kmem_cache *kmalloc_cache(size_t size)
{
    return kmalloc_by_size[(size - 1) / 8];
}

/* An entry of the table?  One that is not in use serves nothing. */
static inline bool is_cache_entry(const struct kmem_cache *cache)
{
    const uintptr_t offsets = sizeof(caches) - sizeof(*cache);  /* all the bits */

    return !(((uintptr_t)cache - (uintptr_t)caches) & ~offsets);
}

static inline uint32_t cache_number(const struct kmem_cache *cache)
{
    return (uint32_t)(cache - caches);
}

/* What the page structs call it: its number, and behind that a bit, the parity. */
static inline uint8_t cache_name(const struct kmem_cache *cache)
{
    uint32_t number = cache_number(cache);

    return (uint8_t)(number << 1 | (unsigned)__builtin_parity(number));
}

static inline struct kmem_cache *cache_of(const struct page *page)
{
    return cache_named[page->cache];
}

/* Does a slab of this cache begin at that page? */
static inline bool is_slab_of(const struct kmem_cache *cache, uint32_t pfn)
{
    return pfn < heap.buddy.npages && cache_of(&heap.buddy.page[pfn]) == cache &&
           heap.buddy.page[pfn].tag == page_tag(PG_SLAB, cache->order) &&
           !(pfn & ((1u << cache->order) - 1));
}

/* ---- a slot --------------------------------------------------------------- */

struct slot {
    struct kmem_cache *cache;
    struct page *slab;          /* its slab's first page struct */
    uint32_t index;             /* from 0 */
};

/*
 * offset / slot_size by multiplication: reciprocal is 2^32 / slot_size rounded up.
 * The upper half of the product is the quotient, exact for every offset below 2^15,
 * the largest slab; the lower half is below reciprocal if and only if nothing
 * remains (Lemire, Kaser and Kurz, Faster remainder by direct computation, 2019).
 */
static inline uint64_t divide(const struct kmem_cache *cache, uint32_t offset)
{
    return (uint64_t)offset * cache->reciprocal;
}

/* Does a slot start at that offset of a slab?  Then its index. */
static inline bool starts_slot(const struct kmem_cache *cache, uint32_t offset,
                               uint32_t *index)
{
    uint64_t quotient = divide(cache, offset);

    mm_barrier();               /* the reciprocal is read again, which costs 1 less */
    if (unlikely((uint32_t)quotient >= cache->reciprocal))
        return false;
    *index = (uint32_t)(quotient >> 32);
    return true;
}

static inline uint32_t slot_index(const struct kmem_cache *cache, uint32_t offset)
{
    return (uint32_t)(divide(cache, offset) >> 32);
}

/* The first page struct of a slab, from any: the array of them is aligned to pages. */
static inline struct page *slab_head(const struct kmem_cache *cache, struct page *page)
{
    return (struct page *)((uintptr_t)page & cache->head_mask);
}

static inline uint32_t map_words(const struct kmem_cache *cache)
{
    return (cache->slots + 31u) / 32;
}

static inline char *slab_start(const struct page *slab)
{
    return address_of(pfn_of_page(slab));
}

/* Of few slots, up to 32, the page struct has the map; of many the slab itself. */
static inline uint32_t *map_of(const struct kmem_cache *cache, struct page *slab)
{
    return cache->map_word ? (uint32_t *)slab_start(slab) + cache->map_word : &slab->map;
}

static inline uint32_t slot_bit(const struct slot *slot)
{
    return 1u << (slot->index & 31);
}

/* The word of the map in which the slot has its bit. */
static inline uint32_t *slot_word(const struct slot *slot)
{
    return map_of(slot->cache, slot->slab) + slot->index / 32;
}

static inline bool is_free_slot(const struct slot *slot)
{
    return *slot_word(slot) & slot_bit(slot);
}

/* Slot `index` of a slab. */
static inline struct slot slot_of_slab(struct page *slab, uint32_t index)
{
    return (struct slot){ cache_of(slab), slab, index };
}

static inline char *slot_address(const struct slot *slot)
{
    return slab_start(slot->slab) + slot->index * slot->cache->slot_size;
}

/* With red zones a slot is more than its object: see layout.c. */
static inline char *object_address(const struct slot *slot)
{
    return slot_address(slot) + slot->cache->left;
}

static inline uint32_t object_room(const struct kmem_cache *cache)
{
    return cache->slot_size - cache->left;
}

/* Bytes of a new object that may be used: with red zones those asked for, if known. */
static inline size_t usable_room(const struct kmem_cache *cache, size_t asked)
{
    if (!cache->left)
        return object_room(cache);
    return heap.record && asked < cache->object_size ? asked : cache->object_size;
}

/* The record of a slot, or NULL where nothing is recorded. */
static inline struct record *slot_record(const struct slot *slot)
{
    const struct kmem_cache *cache = slot->cache;

    switch (cache->record_place) {
    case RECORD_IN_SLAB:
        return (struct record *)(slab_start(slot->slab) + cache->record_offset) +
               slot->index;
    case RECORD_OF_PAGE:
        return &heap.record[pfn_of_page(slot->slab) + slot->index];
    default:
        return NULL;
    }
}

/* Handed out, and not freed: what waits in quarantine is neither free nor live. */
static inline bool is_live_slot(const struct slot *slot)
{
    const struct record *record = slot_record(slot);

    return !is_free_slot(slot) && (!record || is_live(record));
}

/* ---- free slots, counted ------------------------------------------------------ */

/* In parallel in pairs, nibbles, bytes (Warren, Hacker's Delight, 5-1). */
static inline uint32_t count_bits(uint32_t bits)
{
    bits -= bits >> 1 & 0x55555555;
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
    return bits * 0x01010101 >> 24;
}

static inline uint32_t slab_count_free(const struct kmem_cache *cache,
                                       struct page *slab)
{
    const uint32_t *map = map_of(cache, slab);
    uint32_t n = 0;

    for (uint32_t i = 0; i < map_words(cache); i++)
        n += count_bits(map[i]);
    return n;
}

/* ---- how a slab is divided: layout.c --------------------------------------------- */

/* Of these dials, those that are possible for the cache. */
uint8_t cache_possible_dials(const struct kmem_cache *cache, uint8_t flags);
/* Lay out with these dials, which are possible; the cache has no slabs. */
void cache_lay_out(struct kmem_cache *cache, uint8_t flags);
/* Does everything that is derived from its slot size still follow from it? (S8) */
bool cache_is_sound(const struct kmem_cache *cache);

/* ---- the lists of partial slabs: partial.c -------------------------------------- */

/* Which list is for slabs with that many free slots. */
static inline unsigned partial_level(uint32_t nfree)
{
    return (31 - (unsigned)__builtin_clz(nfree)) / 2;
}

/* How many frees until a slab with nfree free slots, not all, must move. */
uint32_t partial_countdown(const struct kmem_cache *cache, uint32_t nfree);

/*
 * Put a slab, which has so many free slots, first on the list for that many.  False: the
 * slab that is first now is none of this cache, so no link is laid, and nothing was done.
 */
bool partial_add(struct kmem_cache *cache, struct page *slab, uint32_t nfree);
void partial_remove(struct kmem_cache *cache, struct page *slab, unsigned level);

/* S3, before a link is followed: both neighbours, or the list's head, know the slab. */
bool partial_is_linked(const struct kmem_cache *cache, const struct page *slab,
                       unsigned level);
/* The first slab of a list; NULL: its links cannot be believed. */
struct page *partial_first(const struct kmem_cache *cache, unsigned level);

/* Being served, or spare: on no list. */
bool slab_is_at_hand(const struct kmem_cache *cache, const struct page *slab);

#endif
