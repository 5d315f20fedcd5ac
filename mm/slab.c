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
 * neighbour alive.  Of few slots, up to 32, the map is a word of the page struct; that
 * of many slots, which are always in a single page, lies behind them.
 *
 * A cache serves one word of one slab's map: 32 slots, and all that an allocation needs
 * to know of them.
 *
 *     cache->word          -> | 0 0 1 0 1 1 ... |    in the map; 1 = free
 *     cache->group         -> | slot 32 | slot 33 | slot 34 | ...    the slots of its bits
 *     cache->group_record  -> | record  | record  | record  | ...    and their records
 *
 * The life of a request.  An allocation takes the lowest bit of the word being served.
 * When that is used up, slab_refill() finds the next word: in this slab; in the fullest
 * partial slab (partial.c); in the spare one; in a new one.  A free goes from the address
 * to its page, its cache, its slot, proves each step, and sets the bit.
 *
 * Where objects come and go one by one beside many that stay, nearly all slabs are full.
 * Then a free makes its slab the fullest partial one there can be, and if the served
 * word is used up, and no other of its slab has a free slot, the next allocation would
 * choose that very slab: so the free has it served at once, on no list (slab_resort).
 *
 * An empty slab goes back to the page allocator, but for the one being served and
 * one spare; these go back with mm_reclaim(), and when memory is short.
 *
 * A slab whose page structs, map or records are found wrong is set aside: it is not
 * served any more, and on no list.
 *
 * Who watches (hooks_priv.h) may put red zones around the objects, and hold
 * freed ones in quarantine before their bit is set.
 *
 * Rules, each one proved by mm_check():
 *   S1  every page of a slab names its cache, and the slab has the cache's order; all
 *       other pages name no cache;
 *   S2  a slab's map has no bit past its slots, and the page struct none of many;
 *   S3  partial[k] has the slabs with 4^k to 4^(k+1) - 1 free slots that are neither
 *       being served nor spare, linked both ways; bit k of levels tells if any; the
 *       countdown of these, and of full ones, ends where the next level begins;
 *   S4  the spare slab is empty, and no slab but it and the one served is;
 *   S5  the word being served is one of the served slab's, with its group;
 *   S6  allocs - frees is the number of live slots and live guarded objects; slabs, the
 *       number of slabs;
 *   S7  a slot is live if and only if its record says so;
 *   S8  a cache's layout follows from its slot size;
 *   S9  a slot that is neither live nor free is in quarantine, and no other is.
 *
 * Cost: both short paths are straight lines (short.c); the rest is O(1), but for
 * what a new slab must clear.
 */
#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/pages_priv.h"
#include "mm/slab_priv.h"

static uint32_t no_bits;        /* the word of a cache without a slab: always 0 */

/* ---- a slab's life ------------------------------------------------------ */

/* All slots are free (S2). */
static void clear_map(const struct kmem_cache *cache, struct page *slab)
{
    uint32_t *map = map_of(cache, slab);
    uint32_t words = map_words(cache);
    uint32_t last = cache->slots & 31;

    slab->map = 0;
    for (uint32_t i = 0; i < words; i++)
        map[i] = UINT32_MAX;
    if (last)
        map[words - 1] = (1u << last) - 1;
}

/* No slot of it was ever handed out: site 0 everywhere (S7). */
static void clear_records(const struct kmem_cache *cache, struct page *slab)
{
    if (cache->record_place == RECORD_IN_SLAB)
        memset(slab_start(slab) + cache->record_offset, 0,
               cache->slots * sizeof(struct record));
    else if (heap.record)
        memset(&heap.record[pfn_of_page(slab)], 0,
               sizeof(struct record) << cache->order);
}

static void construct(const struct kmem_cache *cache, struct page *slab)
{
    if (!cache->ctor)
        return;
    bool was_outside = mm_go_outside();

    for (uint32_t i = 0; i < cache->slots; i++)
        cache->ctor(slab_start(slab) + i * cache->slot_size + cache->left);
    mm_come_back(was_outside);
}

/*
 * Its pages are a slab's from now on.  The first page comes last: it is the one that is
 * asked, and what is behind it must be true by then.
 */
static void own_pages(const struct kmem_cache *cache, struct page *slab)
{
    for (uint32_t i = 1u << cache->order; i-- > 0; ) {
        slab[i].cache = cache_name(cache);
        mm_barrier();           /* an interrupt that sees the kind sees the cache */
        slab[i].tag = page_tag(PG_SLAB, cache->order);
    }
}

/* And not any more: the first page first. */
static void disown_pages(const struct kmem_cache *cache, struct page *slab)
{
    for (uint32_t i = 0; i < 1u << cache->order; i++) {
        slab[i].tag = page_tag(PG_TAIL, cache->order);
        mm_barrier();
        slab[i].cache = NO_CACHE;
    }
}

static struct page *grow(struct kmem_cache *cache, const struct mm_request *request)
{
    uint32_t pfn = pages_take(request);

    if (pfn == NO_PAGE)
        return NULL;

    struct page *slab = &heap.buddy.page[pfn];

    clear_map(cache, slab);
    if (heap.record)
        mm_looker->slab_begins(cache, slab);
    clear_records(cache, slab);
    if (unlikely(mm_watcher))
        mm_watcher->slab_made(cache, slab);
    construct(cache, slab);
    own_pages(cache, slab);
    if (++cache->slabs > cache->peak_slabs)
        cache->peak_slabs = cache->slabs;
    return slab;
}

/* Give an empty slab, on no list, back to the page allocator. */
static void discard(struct kmem_cache *cache, struct page *slab)
{
    if (unlikely(mm_watcher))
        mm_watcher->slab_goes(cache, slab);
    if (heap.record)
        mm_looker->slab_ends(cache, slab);
    disown_pages(cache, slab);
    cache->slabs--;
    pages_give_back(pfn_of_page(slab), cache->order);
}

/* A link is wrong, at that slab if known; but the maps tell who belongs where. */
static void mend_lists(struct kmem_cache *cache, const char *broken,
                       const struct page *slab)
{
    mm_looker->mend(cache);
    mm_corrupted("slab", NULL, broken, slab ? slab_start(slab) : NULL);
}

static const char broken_list[] =
    "S3: a list of partial slabs is broken; it was made anew";

void slab_shelve(struct kmem_cache *cache, struct page *slab, uint32_t nfree)
{
    if (nfree == 0) {
        slab->countdown = 1;            /* full: on no list until a free */
    } else if (nfree < cache->slots) {
        if (unlikely(!partial_add(cache, slab, nfree)))
            mend_lists(cache, broken_list, slab);
    } else if (cache->spare == NO_PAGE) {
        cache->spare = pfn_of_page(slab);
    } else {
        discard(cache, slab);
    }
}

/* The spare slab, which is spare no more; or NULL. */
static struct page *take_spare(struct kmem_cache *cache)
{
    struct page *slab;

    if (cache->spare == NO_PAGE)
        return NULL;
    slab = &heap.buddy.page[cache->spare];
    if (unlikely(!is_slab_of(cache, cache->spare) || slab == cache->slab ||
                 slab_count_free(cache, slab) != cache->slots)) {
        mend_lists(cache, "S4: the spare slab is none; it was sought anew", NULL);
        return take_spare(cache);       /* there is a right one now, or none */
    }
    cache->spare = NO_PAGE;
    return slab;
}

/* ---- choosing a slab ---------------------------------------------------- */

/*
 * The first word with a free slot; `words` if none has one.  There is no branch on a
 * word, for which it is cannot be guessed (hosted; 2 ns where objects come and go).
 */
static uint32_t first_word(const uint32_t *map, uint32_t words)
{
    uint32_t first = words;

    for (uint32_t i = words; i-- > 0; )
        first = map[i] ? i : first;
    return first;
}

/*
 * Serve this slab, which is on no list, from its first word with a free slot on (S5).
 * False: there is none, or its map was overwritten.
 */
static bool serve(struct kmem_cache *cache, struct page *slab)
{
    uint32_t *map = map_of(cache, slab);
    uint32_t words = map_words(cache), first = first_word(map, words);
    struct slot slot = { cache, slab, first * 32 };

    uint32_t past = cache->slots % 32;  /* S2: these bits stand for no slot */

    if (first == words || (past && map[words - 1] >> past))
        return false;
    cache->slab = slab;
    cache->word = &map[first];
    cache->group = object_address(&slot);
    cache->group_record = slot_record(&slot);
    return true;
}

void slab_serve_nothing(struct kmem_cache *cache)
{
    cache->slab = NULL;
    cache->word = &no_bits;
}

/* The fullest slab with a free slot, off its list; or NULL. */
static struct page *next_slab(struct kmem_cache *cache)
{
    struct page *slab;

    if (cache->levels) {
        unsigned fullest = (unsigned)__builtin_ctz(cache->levels) % SLAB_LEVELS;

        slab = partial_first(cache, fullest);
        if (unlikely(!slab)) {
            mend_lists(cache, broken_list, NULL);
            if (!cache->levels)
                return NULL;
            fullest = (unsigned)__builtin_ctz(cache->levels);
            slab = partial_first(cache, fullest);
        }
        if (slab)
            partial_remove(cache, slab, fullest);
        return slab;
    }
    return take_spare(cache);
}

/*
 * Go on with another word of the slab being served.  False: it is full, needs no list
 * until a free, and none is served any more.
 */
static bool serve_on(struct kmem_cache *cache)
{
    struct page *slab = cache->slab;

    if (serve(cache, slab))
        return true;
    slab_serve_nothing(cache);
    slab_shelve(cache, slab, 0);
    return false;
}

bool slab_refill(struct kmem_cache *cache, const struct mm_request *request)
{
    struct page *slab;

    mind_serials();
    if (cache->slab && serve_on(cache))
        return true;
    while ((slab = next_slab(cache)))
        if (serve(cache, slab))
            return true;        /* else its map was overwritten: it stays aside */
    slab = grow(cache, request);
    if (!slab)                  /* but looking for memory may have put slots back */
        slab = next_slab(cache);
    return slab && serve(cache, slab);
}

/*
 * Its free slots reached a power of four, or all (S3).  If it was full, and the slab being
 * served is, it takes its place.  (While slab_refill() waits for pages none is served:
 * what quarantine lets go then is listed.)
 */
void slab_resort(struct kmem_cache *cache, struct page *slab)
{
    mind_serials();
    if (slab == cache->slab)
        return;                 /* being served: on no list, empty or not (S4) */

    uint32_t nfree = slab_count_free(cache, slab);

    if (nfree == 1 && cache->slab && !*cache->word && !serve_on(cache)) {
        serve(cache, slab);
        return;
    }
    if (nfree > 1) {
        unsigned level = partial_level(nfree - 1);

        if (unlikely(!partial_is_linked(cache, slab, level))) {
            mend_lists(cache, broken_list, slab);
            return;             /* it is where it belongs */
        }
        partial_remove(cache, slab, level);
    }
    slab_shelve(cache, slab, nfree);
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
    if (!mm_watcher || !mm_watcher->holds_back(slot))
        slab_put_back(slot);
}

/* Only two slabs can be empty, the spare one and the one being served (S4). */
void slab_shrink(struct kmem_cache *cache)
{
    struct page *spare = take_spare(cache);

    if (spare)
        discard(cache, spare);
    if (cache->slab && slab_count_free(cache, cache->slab) == cache->slots) {
        discard(cache, cache->slab);
        slab_serve_nothing(cache);
    }
}

uint32_t slab_reclaim(void)
{
    uint32_t before = heap.buddy.nfree;

    if (mm_watcher)
        mm_watcher->let_go();
    for (struct kmem_cache *cache = caches; cache < caches + MAX_CACHES; cache++)
        if (cache->name)
            slab_shrink(cache);
    return heap.buddy.nfree - before;
}
