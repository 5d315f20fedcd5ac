/*
 * slab_priv.h - object caches: the struct, and how a slot is found, taken and given
 * back, which short.c and slab.c share.  slab.c tells the whole story.
 */
#ifndef MM_SLAB_PRIV_H
#define MM_SLAB_PRIV_H

#include "mm/heap_priv.h"

#define MAX_CACHES 256          /* struct page has one byte for the number */
#define MAX_SLOTS 512           /* a page of 8-byte objects */
#define MAX_SLAB_ORDER 3
#define SLAB_LEVELS 5           /* log4(MAX_SLOTS) + 1 */
#define MAX_OBJECT_SIZE ((size_t)PAGE_SIZE << MAX_SLAB_ORDER)

/* Where a slab's map of free slots lies. */
enum map_place {
    MAP_IN_PAGE,                /* up to 32 slots: in the page struct itself */
    MAP_IN_SLAB,                /* behind the slots, where there is room */
    MAP_APART,                  /* in an object of one of the map caches */
};

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
    uint32_t slots_end;         /* bytes of a slab that are slots; 0: none */
    uint32_t first_end;         /* the same of its first page */
    uint32_t record_offset;     /* of the records in a slab; 0: not in it */
    int32_t record_step;        /* slot i at p: p + record_offset + i * record_step */
    uint8_t map_place;          /* enum map_place */

    /* What the rare paths need. */
    uint8_t order;              /* of a slab's pages */
    uint16_t levels;            /* bit k: partial[k] has a slab */
    uint32_t partial[SLAB_LEVELS];      /* slabs by log4 of their free slots */
    uint32_t spare;             /* one empty slab kept back, or NO_PAGE */
    uint32_t slabs, peak_slabs;
    uint32_t slots;             /* in a slab */
    uint32_t object_size;       /* as asked for */
    uint32_t map_offset;        /* MAP_IN_SLAB: of the map in a slab */
    uint32_t align;
    uint32_t left;              /* of a slot, before its object: red zone, or 0 */
    uint8_t dials;              /* dials_priv.h: who watches it */
    const char *name;           /* NULL: this entry of the table is free */
    const struct kmem_cache *self;      /* itself; NULL: not for programs */
    void (*ctor)(void *object);
} __attribute__((aligned(128)));        /* so that its number is a shift away */

_Static_assert((sizeof(struct kmem_cache) & (sizeof(struct kmem_cache) - 1)) == 0,
               "a power of two");

/*
 * By number; the kmalloc caches first, by size; cache.c has the list.  Number 0 is
 * no cache: it is what the pages name that are in no slab, and it has no slots.
 */
extern struct kmem_cache caches[MAX_CACHES];
/* The same as pointers: a free finds its cache by one load. */
extern struct kmem_cache *cache_numbered[MAX_CACHES];
enum { NO_CACHE, NR_KMALLOC_CACHES = 13, NR_MAP_CACHES = 4,
       FIRST_KMALLOC_CACHE = 1,
       FIRST_MAP_CACHE = FIRST_KMALLOC_CACHE + NR_KMALLOC_CACHES,
       FIRST_FREE_CACHE = FIRST_MAP_CACHE + NR_MAP_CACHES };

/* kmalloc's cache for each size, by (size - 1) / 8. */
extern struct kmem_cache *kmalloc_by_size[KMALLOC_MAX_CACHE_SIZE / 8];

/* 1 <= size <= KMALLOC_MAX_CACHE_SIZE. */
static inline struct kmem_cache *kmalloc_cache(size_t size)
{
    return kmalloc_by_size[(size - 1) / 8];
}

/* An entry of the table, in use or not?  What is not in use serves nothing. */
static inline bool is_cache_entry(const struct kmem_cache *cache)
{
    const uintptr_t offsets = sizeof(caches) - sizeof(*cache);  /* all the bits */

    return !(((uintptr_t)cache - (uintptr_t)caches) & ~offsets);
}

static inline bool is_map_cache(const struct kmem_cache *cache)
{
    return cache >= &caches[FIRST_MAP_CACHE] && cache < &caches[FIRST_FREE_CACHE];
}

/* Does a slab of this cache begin at that page? */
static inline bool is_slab_of(const struct kmem_cache *cache, uint32_t pfn)
{
    return pfn < heap.buddy.npages && heap.buddy.page[pfn].cache == cache - caches &&
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

static inline uint32_t slot_index(const struct kmem_cache *cache, uint32_t offset)
{
    return (uint32_t)(divide(cache, offset) >> 32);
}

static inline uint32_t map_words(const struct kmem_cache *cache)
{
    return (cache->slots + 31) / 32;
}

static inline uint32_t *map_of(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->map_place == MAP_IN_PAGE)
        return &slab->map;
    return &heap.words[slab->map];
}

static inline char *slab_start(const struct page *slab)
{
    return address_of((uint32_t)(slab - heap.buddy.page));
}

static inline uint32_t slot_bit(const struct slot *slot)
{
    return 1u << (slot->index & 31);
}

/* The word of the map in which the slot has its bit. */
static inline uint32_t *slot_word(const struct slot *slot)
{
    if (slot->cache->map_place == MAP_IN_PAGE)
        return &slot->slab->map;        /* it is the only one */
    return map_of(slot->cache, slot->slab) + slot->index / 32;
}

static inline bool is_free_slot(const struct slot *slot)
{
    return *slot_word(slot) & slot_bit(slot);
}

/* The proof: p, in this page of a slab of the cache, is the start of a slot. */
static inline bool find_slot_in(struct kmem_cache *cache, struct page *page,
                                const void *p, struct slot *slot)
{
    uint32_t offset = (uint32_t)(uintptr_t)p & cache->offset_mask;

    if (offset >= cache->first_end) {
        if (unlikely(offset >= cache->slots_end))
            return false;       /* as every offset is in a page of no slab */
        page -= offset >> PAGE_SHIFT;
    }

    uint64_t quotient = divide(cache, offset);

    slot->cache = cache;
    slot->slab = page;
    slot->index = (uint32_t)(quotient >> 32);
    return likely((uint32_t)quotient < cache->reciprocal);
}

/* The same anywhere: p is the start of a slot, handed out or not.  Reads only. */
static inline bool find_slot(const void *p, struct slot *slot)
{
    uintptr_t pfn = pfn_of(p);

    if (unlikely(pfn >= heap.buddy.npages))
        return false;

    struct page *page = &heap.buddy.page[pfn];

    return find_slot_in(cache_numbered[page->cache], page, p, slot);
}

/* And of this cache, which may be anything. */
static inline bool find_slot_of(struct kmem_cache *cache, const void *p,
                                struct slot *slot)
{
    uintptr_t pfn = pfn_of(p);

    if (unlikely(pfn >= heap.buddy.npages))
        return false;

    struct page *page = &heap.buddy.page[pfn];

    return likely(cache_numbered[page->cache] == cache) &&
           find_slot_in(cache, page, p, slot);
}

/* Slot `index` of a slab. */
static inline struct slot slot_of_slab(struct page *slab, uint32_t index)
{
    return (struct slot){ &caches[slab->cache], slab, index };
}

static inline char *slot_address(const struct slot *slot)
{
    return slab_start(slot->slab) + slot->index * slot->cache->slot_size;
}

/* With red zones a slot is more than its object: see watch.c. */
static inline char *object_address(const struct slot *slot)
{
    return slot_address(slot) + slot->cache->left;
}

static inline uint32_t object_room(const struct kmem_cache *cache)
{
    return cache->slot_size - cache->left;
}

/* The proof for any cache: p is the start of an object, handed out or not. */
static inline bool find_object(const void *p, struct slot *slot)
{
    uintptr_t pfn = pfn_of(p);

    if (pfn >= heap.buddy.npages)
        return false;

    uint32_t left = cache_numbered[heap.buddy.page[pfn].cache]->left;

    return find_slot((const char *)p - left, slot) && object_address(slot) == p;
}

/*
 * The record of a slot, or NULL where nothing is recorded.  Slots of a page or
 * more use the records of the slab's pages: slot i that of page i.
 */
static inline struct record *slot_record(const struct slot *slot)
{
    const struct kmem_cache *cache = slot->cache;

    if (cache->record_offset)
        return (struct record *)(slab_start(slot->slab) + cache->record_offset) +
               slot->index;
    if (!heap.record || is_map_cache(cache))
        return NULL;
    return &heap.record[slot->slab - heap.buddy.page] + slot->index;
}

/* Handed out, and not freed: what waits in quarantine is neither free nor live. */
static inline bool is_live_slot(const struct slot *slot)
{
    const struct record *record = slot_record(slot);

    return !is_free_slot(slot) && (!record || is_live(record));
}

/* ---- taking and giving back a slot ------------------------------------------ */

/* Point the cache at 32 slots with a free one among them.  False: no memory. */
bool slab_refill(struct kmem_cache *cache, gfp_t gfp);

/* Note who freed a slot whose record is that of a page. */
void slab_record_freed(struct page *slab, uint32_t index, struct alloc_site *site);

/* A slab's countdown is over: it has another place now (S3, S4). */
void slab_resort(struct kmem_cache *cache, struct page *slab);

/* Hand out the first free slot of the word being served, whose bits are given. */
static inline void *take_first(struct kmem_cache *cache, uint32_t bits,
                               struct alloc_site *site, const uint32_t *size)
{
    uint32_t bit = (uint32_t)__builtin_ctz(bits);
    struct record *records = cache->group_record;

    *cache->word = bits & ~(1u << bit);
    cache->allocs++;
    if (likely(records))
        record_taken(records + bit, site, *size);
    return cache->group + bit * cache->slot_size;
}

/* Hand out a slot of whichever slab.  mm is entered.  NULL: no memory. */
static inline void *take_slot(struct kmem_cache *cache, struct alloc_site *site,
                              uint32_t size, gfp_t gfp)
{
    if (!*cache->word && !slab_refill(cache, gfp))
        return NULL;
    return take_first(cache, *cache->word, site, &size);
}

/* Take the slot at p back if it is handed out.  mm is entered.  False: it is free. */
static inline bool give_back_slot(const void *p, const struct slot *slot,
                                  struct alloc_site *site)
{
    struct kmem_cache *cache = slot->cache;
    uint32_t *word = slot_word(slot);
    uint32_t free = *word | slot_bit(slot);

    if (unlikely(free == *word))
        return false;
    *word = free;
    cache->frees++;

    if (likely(cache->record_step)) {
        intptr_t to_record = (int32_t)slot->index * cache->record_step;

        ((struct record *)((uintptr_t)p + (uintptr_t)to_record +
                           cache->record_offset))->freed_by = site->number;
    } else if (heap.record) {
        slab_record_freed(slot->slab, slot->index, site);
    }
    if (unlikely(--slot->slab->countdown == 0))
        slab_resort(cache, slot->slab);
    return true;
}

/* ---- the longer ways: slab.c ------------------------------------------------ */

/* Free the live object in this slot.  mm is entered. */
void slab_free(const struct slot *slot, struct alloc_site *site);
/* One half of it: the slot, whose object was freed before, may be handed out again. */
void slab_put_back(const struct slot *slot);
/* Call fn for each slab of this cache. */
void slab_for_each(struct kmem_cache *cache, void (*fn)(struct kmem_cache *cache,
                                                      struct page *slab));
/* Make the cache's lists anew, from what the page structs and maps say. */
void slab_mend(struct kmem_cache *cache);
/* check.c: the rules of one slab; NULL, or the one that is broken. */
const char *slab_fault(struct page *slab);
/* Can its page structs and its map be believed? (S1, S2) */
bool slab_is_sound(struct page *slab);

/* cache.c: these dials from now on; NULL, or why not all of them. */
const char *cache_set_dials(struct kmem_cache *cache, uint8_t flags);
/* The long ways of short.c: kmalloc.c and cache.c. */
void *kmalloc_long(struct alloc_site *site, size_t size, gfp_t gfp);
void kfree_long(struct alloc_site *site, const void *p);
void *cache_alloc_long(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp);
void cache_free_long(struct alloc_site *site, struct kmem_cache *cache, void *p);

/* cache.c: allocate in any state of mm; reports failure. */
void *cache_alloc(struct kmem_cache *cache, const struct mm_request *request);
/* Free slots of a slab, counted in its map. */
uint32_t slab_count_free(struct page *slab);
/* Which partial list is for slabs with that many free slots. */
static inline unsigned slab_level(uint32_t nfree)
{
    return (31 - (unsigned)__builtin_clz(nfree)) / 2;
}

/* How many frees until a slab with nfree free slots, not all, must move. */
uint32_t slab_countdown(const struct kmem_cache *cache, uint32_t nfree);
/* Give back all empty slabs of all caches; how many pages.  mm is entered. */
uint32_t slab_reclaim(void);
uint32_t slab_shrink(struct kmem_cache *cache);

/* The cache hands out nothing until it has a slab. */
void slab_serve_nothing(struct kmem_cache *cache);

/* cache.c: make the caches that are there from the start. */
void cache_init(void);
/* kmalloc.c: know which of them is for which size. */
void kmalloc_init(void);
/* Does everything that is derived from its slot size still follow from it? (S8) */
bool cache_is_sound(const struct kmem_cache *cache);
/* The map cache whose objects are the maps of this cache's slabs (MAP_APART). */
struct kmem_cache *slab_map_cache(const struct kmem_cache *cache);
/* Is the slab's map where its cache says? (S2) */
bool slab_map_is_sound(const struct kmem_cache *cache, const struct page *slab);

#endif
