/*
 * slab.c - object caches: slabs of equal slots, and a map of the free ones.
 *
 * A cache hands out objects of one size (Bonwick, The Slab Allocator, USENIX
 * 1994).  Its pages come in slabs, blocks of the buddy allocator that hold as
 * many slots as fit:
 *
 *     | slot 0 | slot 1 | slot 2 | ... | slot n-1 | records | map |
 *       ^ aligned to the slab, so powers of two are aligned to themselves
 *
 * Which slots are free is told by the map, one bit a slot, 1 = free.  It is never
 * told by the slots: nothing of ours is written into memory that a program may
 * still write to after kfree, a double free is seen as such whatever the memory
 * holds, constructed objects stay constructed, and no stale link keeps a leaked
 * neighbour alive.  Up to 32 slots the map is a word of the page struct.  A larger
 * one lies behind the slots where there is room, else in an object of a map cache.
 *
 * The life of a request.  An allocation takes the lowest bit of the word that the
 * cache is serving: 32 slots of one slab.  When the word is used up, slab_refill() finds
 * the next word: in this slab; in the fullest partial slab; in the spare one; in a
 * new one.  A free goes from the address to its page, its cache, its slot, proves
 * each step, and sets the bit.
 *
 *     partial[0]  slabs with 1 to 3 free slots  served first: full slabs stay
 *     partial[1]  4 to 15 free slots            full, and emptying ones get the
 *     partial[2]  16 to 63 free slots  ...      time to become empty
 *
 * A slab changes lists only when its number of free slots reaches a power of four, and
 * its page struct counts the frees down that are left until then: that is all a free
 * has to do for it.  While a slab is being served it is on no list, and needs none.
 * An empty slab goes back to the page allocator, but for the one being served and
 * one spare; these go back with mm_reclaim(), and when memory is short.
 *
 * A debugging dial (dials.h) may put red zones around the objects, and let freed ones
 * wait in quarantine before their bit is set: watch.c and quarantine.c.
 *
 * Rules, each one proved by mm_check():
 *   S1  every page of a slab names its cache, and the slab has the cache's order; all
 *       other pages name no cache;
 *   S2  a slab's map is where its cache says, its own, without a bit past its slots;
 *   S3  partial[k] has the slabs with 4^k to 4^(k+1) - 1 free slots that are neither
 *       being served nor spare, linked both ways; bit k of levels tells if any; the
 *       countdown of these, and of full ones, ends where the next level begins;
 *   S4  the spare slab is empty, and no slab but it and the one served is;
 *   S5  the word being served is one of the served slab's, with its group;
 *   S6  allocs - frees is the number of live slots; slabs, the number of slabs;
 *   S7  a slot is live if and only if its record says so;
 *   S8  a cache's layout follows from its slot size;
 *   S9  a slot that is neither live nor free is in quarantine, and no other is.
 *
 * Cost: both short paths are straight lines (slab_priv.h); the rest is O(1), but for
 * what a new slab must clear.
 */
#include "mm/dials_priv.h"

static uint32_t no_bits;        /* the word of a cache without a slab: always 0 */

static uint32_t pfn_of_slab(const struct page *slab)
{
    return (uint32_t)(slab - heap.buddy.page);
}

/* ---- the lists of partial slabs (S3) ----------------------------------------- */

/* In parallel in pairs, nibbles, bytes (Warren, Hacker's Delight, 5-1). */
static uint32_t count_bits(uint32_t bits)
{
    bits -= bits >> 1 & 0x55555555;
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
    return bits * 0x01010101 >> 24;
}

static inline uint32_t count_free(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->map_place == MAP_IN_PAGE)
        return count_bits(slab->map);

    const uint32_t *map = map_of(cache, slab);
    uint32_t n = 0;

    for (uint32_t i = 0; i < map_words(cache); i++)
        n += count_bits(map[i]);
    return n;
}

uint32_t slab_count_free(struct page *slab)
{
    return count_free(&caches[slab->cache], slab);
}

uint32_t slab_countdown(const struct kmem_cache *cache, uint32_t nfree)
{
    uint32_t next = nfree ? 4u << 2 * slab_level(nfree) : 1;

    return (next < cache->slots ? next : cache->slots) - nfree;
}

static void partial_add(struct kmem_cache *cache, struct page *slab, uint32_t nfree)
{
    unsigned level = slab_level(nfree);
    uint32_t first = cache->partial[level];

    slab->countdown = (uint16_t)slab_countdown(cache, nfree);
    slab->prev = NO_PAGE;
    slab->next = first;
    if (first != NO_PAGE)
        heap.buddy.page[first].prev = pfn_of_slab(slab);
    cache->partial[level] = pfn_of_slab(slab);
    cache->levels |= (uint16_t)(1u << level);
}

/* S3, before a link is followed: both neighbours, or the list's head, know it. */
static bool is_linked(const struct kmem_cache *cache, const struct page *slab,
                      unsigned level)
{
    uint32_t pfn = pfn_of_slab(slab);

    if (slab->next != NO_PAGE && (!is_slab_of(cache, slab->next) ||
                                  heap.buddy.page[slab->next].prev != pfn))
        return false;
    if (slab->prev == NO_PAGE)
        return cache->partial[level] == pfn;
    return is_slab_of(cache, slab->prev) && heap.buddy.page[slab->prev].next == pfn;
}

static void partial_remove(struct kmem_cache *cache, struct page *slab, unsigned level)
{
    if (slab->next != NO_PAGE)
        heap.buddy.page[slab->next].prev = slab->prev;
    if (slab->prev != NO_PAGE)
        heap.buddy.page[slab->prev].next = slab->next;
    else if ((cache->partial[level] = slab->next) == NO_PAGE)
        cache->levels &= (uint16_t)~(1u << level);
}

/* ---- maps ------------------------------------------------------------------- */

struct kmem_cache *slab_map_cache(const struct kmem_cache *cache)
{
    unsigned i = 0;             /* maps of 8, 16, 32 and 64 bytes */

    while ((2u << i) < map_words(cache))
        i++;
    return &caches[FIRST_MAP_CACHE + i];
}

static uint32_t map_reference(const void *map)
{
    return (uint32_t)(((uintptr_t)map - heap.base) / sizeof(uint32_t));
}

/* Give a new slab its map, all slots free (S2).  False: no memory for one. */
static bool map_attach(struct kmem_cache *cache, struct page *slab, gfp_t gfp)
{
    if (cache->map_place == MAP_IN_SLAB) {
        slab->map = map_reference(slab_start(slab) + cache->map_offset);
    } else if (cache->map_place == MAP_APART) {
        void *map = take_slot(slab_map_cache(cache), NULL, 0, gfp);

        if (!map)
            return false;
        slab->map = map_reference(map);
    }

    uint32_t *map = map_of(cache, slab);
    uint32_t words = map_words(cache);
    uint32_t last = cache->slots & 31;

    for (uint32_t i = 0; i < words; i++)
        map[i] = UINT32_MAX;
    if (last)
        map[words - 1] = (1u << last) - 1;
    return true;
}

static void map_detach(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->map_place != MAP_APART)
        return;

    const char *map = (const char *)map_of(cache, slab);
    struct slot slot = slot_of_slab(&heap.buddy.page[pfn_of(map)], 0);

    slot.index = slot_index(slot.cache, (uint32_t)(map - slab_start(slot.slab)));
    give_back_slot(map, &slot, NULL);
}

bool slab_map_is_sound(const struct kmem_cache *cache, const struct page *slab)
{
    uintptr_t offset = (uintptr_t)slab->map * sizeof(uint32_t);
    uintptr_t pfn = offset >> PAGE_SHIFT;
    const struct kmem_cache *maps = slab_map_cache(cache);

    if (cache->map_place == MAP_IN_PAGE)
        return true;
    if (cache->map_place == MAP_IN_SLAB)
        return heap.base + offset == (uintptr_t)slab_start(slab) + cache->map_offset;
    if (pfn >= heap.buddy.npages || heap.buddy.page[pfn].kind != PG_MAPS ||
        heap.buddy.page[pfn].cache != maps - caches)
        return false;

    struct slot slot = slot_of_slab(&heap.buddy.page[pfn], 0);
    uint32_t in_slab = (uint32_t)(offset & (PAGE_SIZE - 1));

    slot.index = slot_index(maps, in_slab);
    return slot.index < maps->slots && in_slab % maps->slot_size == 0 &&
           !is_free_slot(&slot);
}

/* ---- a slab's life ------------------------------------------------------------ */

/* No slot of it was ever handed out: site 0 everywhere (S7). */
static void clear_records(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->record_offset)
        memset(slab_start(slab) + cache->record_offset, 0,
               cache->slots * sizeof(struct record));
    else if (heap.record)
        memset(&heap.record[pfn_of_slab(slab)], 0,
               sizeof(struct record) << cache->order);
}

static void construct(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->ctor)
        for (uint32_t i = 0; i < cache->slots; i++)
            cache->ctor(slab_start(slab) + i * cache->slot_size + cache->left);
}

static void set_kind(struct page *slab, unsigned order, enum page_kind kind,
                     uint32_t cache_number)
{
    for (uint32_t i = 0; i < 1u << order; i++) {
        slab[i].cache = (uint8_t)cache_number;
        slab[i].order = order & 15;
        mm_barrier();           /* an interrupt that sees the kind sees the cache */
        slab[i].kind = kind & 15;
    }
}

uint32_t pages_take(unsigned order, gfp_t gfp)
{
    uint32_t pfn = buddy_alloc(&heap.buddy, order);

    if (unlikely(pfn == NO_PAGE) && !(gfp & __GFP_NORETRY)) {
        quarantine_limit(0);
        if (slab_reclaim())
            pfn = buddy_alloc(&heap.buddy, order);
    }
    if (watched() && pfn != NO_PAGE)
        watch_pages_taken(pfn, order);
    return pfn;
}

static struct page *grow(struct kmem_cache *cache, gfp_t gfp)
{
    uint32_t pfn = pages_take(cache->order, gfp);

    if (pfn == NO_PAGE)
        return NULL;

    struct page *slab = &heap.buddy.page[pfn];

    if (!map_attach(cache, slab, gfp)) {
        if (watched())
            watch_pages_freed(pfn, 1u << cache->order);
        buddy_free(&heap.buddy, pfn);
        return NULL;
    }
    set_kind(slab, cache->order, is_map_cache(cache) ? PG_MAPS : PG_SLAB,
             (uint32_t)(cache - caches));
    clear_records(cache, slab);
    if (cache->dials)
        watch_new_slab(cache, slab);
    construct(cache, slab);
    if (++cache->slabs > cache->peak_slabs)
        cache->peak_slabs = cache->slabs;
    return slab;
}

/*
 * A slab's pages remember that they held objects, and the first page which one
 * lay at its start, so that a late kfree is known to be a double free.
 */
static void remember(const struct kmem_cache *cache, uint32_t pfn)
{
    struct record *record = &heap.record[pfn];

    if (cache->slot_size == PAGE_SIZE)
        return;                 /* each page has its own object's record */
    if (cache->record_offset)
        *record = *(const struct record *)((char *)address_of(pfn) +
                                           cache->record_offset);
    for (uint32_t i = 1; i < 1u << cache->order; i++) {
        record[i] = *record;
        record[i].size = 0;     /* which object it was is not known */
        record[i].site = 0;
    }
}

/* Give an empty slab, on no list, back to the page allocator. */
static void discard(struct kmem_cache *cache, struct page *slab)
{
    uint32_t pfn = pfn_of_slab(slab);

    if (heap.record && !is_map_cache(cache))
        remember(cache, pfn);
    map_detach(cache, slab);
    set_kind(slab, cache->order, PG_TAIL, NO_CACHE);
    cache->slabs--;
    if (watched())
        watch_pages_freed(pfn, 1u << cache->order);
    buddy_free(&heap.buddy, pfn);
}

/* Put a slab that is not served any more where it belongs (S3, S4). */
static void put_aside(struct kmem_cache *cache, struct page *slab, uint32_t nfree)
{
    if (nfree == 0)
        slab->countdown = 1;            /* full: on no list until a free */
    else if (nfree < cache->slots)
        partial_add(cache, slab, nfree);
    else if (cache->spare == NO_PAGE)
        cache->spare = pfn_of_slab(slab);
    else
        discard(cache, slab);
}

/* ---- choosing a slab ------------------------------------------------------------ */

/*
 * Serve this slab from its first word with a free slot on (S5).  The one served
 * before is full, unless making room for a new one gave a map back to it.  False:
 * its map was overwritten, there is no free slot; it stays aside.
 */
static bool serve(struct kmem_cache *cache, struct page *slab)
{
    uint32_t *map = map_of(cache, slab);
    struct page *before = cache->slab;
    struct slot slot = slot_of_slab(slab, 0);

    while (slot.index < cache->slots && !map[slot.index / 32])
        slot.index += 32;
    if (slot.index >= cache->slots)
        return false;
    cache->slab = slab;
    cache->word = &map[slot.index / 32];
    cache->group = object_address(&slot);
    cache->group_record = slot_record(&slot);
    if (before && before != slab)
        put_aside(cache, before, count_free(cache, before));
    return true;
}

void slab_serve_nothing(struct kmem_cache *cache)
{
    cache->slab = NULL;
    cache->word = &no_bits;
}

/* A link of the slab's is wrong; but the maps tell who belongs where. */
static void mend_lists(struct kmem_cache *cache, const struct page *slab)
{
    slab_mend(cache);
    mm_corrupted("slab", NULL,
                 "S3: a list of partial slabs is broken; it was made anew",
                 slab_start(slab));
}

/* The first slab of a list, if its links can be believed. */
static struct page *first_partial(const struct kmem_cache *cache, unsigned level)
{
    uint32_t pfn = cache->partial[level];

    if (likely(is_slab_of(cache, pfn) &&
               is_linked(cache, &heap.buddy.page[pfn], level)))
        return &heap.buddy.page[pfn];
    return NULL;
}

/* The fullest slab with a free slot, off its list; or NULL. */
static struct page *next_slab(struct kmem_cache *cache)
{
    struct page *slab;

    if (cache->levels) {
        unsigned fullest = (unsigned)__builtin_ctz(cache->levels) % SLAB_LEVELS;

        slab = first_partial(cache, fullest);
        if (unlikely(!slab)) {
            mend_lists(cache, heap.buddy.page);
            if (!cache->levels)
                return NULL;
            fullest = (unsigned)__builtin_ctz(cache->levels);
            slab = first_partial(cache, fullest);
        }
        if (slab)
            partial_remove(cache, slab, fullest);
        return slab;
    }
    if (cache->spare == NO_PAGE)
        return NULL;
    slab = &heap.buddy.page[cache->spare];
    cache->spare = NO_PAGE;
    return slab;
}

bool slab_refill(struct kmem_cache *cache, gfp_t gfp)
{
    struct page *slab = cache->slab;

    if (slab && serve(cache, slab))
        return true;            /* from another word of the same slab */
    while ((slab = next_slab(cache)))
        if (serve(cache, slab))
            return true;
    slab = grow(cache, gfp);
    if (!slab)                  /* looking for memory may have freed a map */
        slab = cache->slab && count_free(cache, cache->slab) ? cache->slab
                                                             : next_slab(cache);
    return slab && serve(cache, slab);
}

void slab_record_freed(struct page *slab, uint32_t index, struct alloc_site *site)
{
    if (slab->kind != PG_MAPS)
        heap.record[pfn_of_slab(slab) + index].freed_by = site->number;
}

/* Its free slots reached a power of four, or all (S3). */
void slab_resort(struct kmem_cache *cache, struct page *slab)
{
    if (slab == cache->slab)
        return;                 /* being served: on no list, empty or not (S4) */

    uint32_t nfree = count_free(cache, slab);

    if (nfree > 1 && unlikely(!is_linked(cache, slab, slab_level(nfree - 1)))) {
        mend_lists(cache, slab);
        return;                 /* it is where it belongs */
    }
    if (nfree > 1)
        partial_remove(cache, slab, slab_level(nfree - 1));
    put_aside(cache, slab, nfree);
}

void slab_put_back(const struct slot *slot)
{
    *slot_word(slot) |= slot_bit(slot);
    if (--slot->slab->countdown == 0)
        slab_resort(slot->cache, slot->slab);
}

void slab_free(const struct slot *slot, struct alloc_site *site)
{
    struct record *record = slot_record(slot);

    slot->cache->frees++;
    if (record)
        record->freed_by = site->number;
    if (dials.quarantine && record)
        quarantine_add(slot);
    else
        slab_put_back(slot);
}

void slab_for_each(struct kmem_cache *cache, void (*fn)(struct kmem_cache *cache,
                                                      struct page *slab))
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct page *page = &heap.buddy.page[pfn];

        if (!is_slab_of(cache, pfn))
            continue;
        fn(cache, page);
        pfn += (1u << cache->order) - 1;
    }
}

static void put_where_it_belongs(struct kmem_cache *cache, struct page *slab)
{
    if (slab != cache->slab && slab_is_sound(slab))
        put_aside(cache, slab, count_free(cache, slab));
}

void slab_mend(struct kmem_cache *cache)
{
    for (unsigned level = 0; level < SLAB_LEVELS; level++)
        cache->partial[level] = NO_PAGE;
    cache->levels = 0;
    cache->spare = NO_PAGE;
    slab_for_each(cache, put_where_it_belongs);
}

uint32_t slab_shrink(struct kmem_cache *cache)
{
    uint32_t before = cache->slabs;

    if (cache->spare != NO_PAGE) {
        discard(cache, &heap.buddy.page[cache->spare]);
        cache->spare = NO_PAGE;
    }
    if (cache->slab && count_free(cache, cache->slab) == cache->slots) {
        discard(cache, cache->slab);
        slab_serve_nothing(cache);
    }
    return before - cache->slabs;
}

/* The map caches last: the maps of the others come back to them. */
uint32_t slab_reclaim(void)
{
    uint32_t before = heap.buddy.nfree;

    for (struct kmem_cache *cache = caches; cache < caches + MAX_CACHES; cache++)
        if (cache->name && !is_map_cache(cache))
            slab_shrink(cache);
    for (unsigned i = 0; i < NR_MAP_CACHES; i++)
        slab_shrink(&caches[FIRST_MAP_CACHE + i]);
    return heap.buddy.nfree - before;
}
