/*
 * cache.c - making and ending object caches: their table, their layout, their API.
 *
 * All caches stand in one table, so that a page struct names its cache in a byte:
 *
 *     0           no cache: what pages name that are in no slab
 *     1 .. 13     kmalloc-8 .. kmalloc-8k
 *     14 .. 17    the map caches: 8, 16, 32 and 64 bytes, for slab maps (slab.c)
 *     18 .. 255   those of kmem_cache_create
 *
 * The layout of a slab is decided once, when its cache is made.  It has the lowest
 * order that holds at least 8 slots and wastes at most 1/16.  With records on, each
 * slot below a page takes 12 bytes more behind the slots; the slots stay where they
 * are, so powers of two stay aligned.
 *
 * An entry that became free is used again as late as possible, so that a pointer
 * to a destroyed cache is known for what it is.
 *
 * Cost: making a cache searches the table.  kmem_cache_alloc and kmem_cache_free begin
 * in short.c.
 */
#include "mm/dials_priv.h"

struct kmem_cache caches[MAX_CACHES];
struct kmem_cache *cache_numbered[MAX_CACHES];

/* Fewer would make slabs come and go with every few objects. */
enum { MIN_SLOTS = 8 };

/* ---- layout ------------------------------------------------------------------- */

/*
 * The smallest order that holds MIN_SLOTS slots and wastes at most 1/16; if none
 * does, the one that wastes least, and of these the largest.  `stride` is a slot with
 * its record; `tail` bytes lie behind the last.
 */
static unsigned best_order(size_t stride, size_t tail)
{
    const size_t largest = PAGE_SIZE << MAX_SLAB_ORDER;
    size_t least = SIZE_MAX;
    unsigned best = MAX_SLAB_ORDER;

    for (unsigned order = 0; order <= MAX_SLAB_ORDER; order++) {
        size_t all = PAGE_SIZE << order;
        size_t bytes = all > tail ? all - tail : 0;
        size_t waste = bytes % stride << (MAX_SLAB_ORDER - order);

        if (bytes / stride >= MIN_SLOTS && waste <= largest / 16)
            return order;
        if (bytes >= stride && waste <= least) {
            least = waste;
            best = order;
        }
    }
    return best;
}

static size_t map_bytes(size_t slots)
{
    return (slots + 31) / 32 * sizeof(uint32_t);
}

/* How many slots of that stride fit, leaving room for the map if it must be in. */
static size_t slots_that_fit(size_t bytes, size_t stride, bool map_inside)
{
    size_t n = bytes / stride;

    if (map_inside && n > 32)
        while (n * stride + map_bytes(n) > bytes)
            n--;
    return n;
}

static void set_layout(struct kmem_cache *cache, bool of_maps)
{
    bool recorded = heap.record && !of_maps && cache->slot_size < PAGE_SIZE;
    size_t stride = cache->slot_size + (recorded ? sizeof(struct record) : 0);
    size_t tail = cache->left / 2;      /* right red zone of the last object */
    unsigned order = best_order(stride, tail);
    size_t bytes = PAGE_SIZE << order;
    size_t slots = slots_that_fit(bytes - tail, stride, recorded || of_maps);
    size_t end = slots * cache->slot_size + tail;
    size_t map_offset = end + (recorded ? slots * sizeof(struct record) : 0);

    cache->order = (uint8_t)order;
    cache->slots = (uint32_t)slots;
    cache->record_offset = recorded ? (uint32_t)end : 0;
    cache->map_offset = (uint32_t)map_offset;
    if (slots <= 32)
        cache->map_place = MAP_IN_PAGE;
    else if (map_offset + map_bytes(slots) <= bytes)
        cache->map_place = MAP_IN_SLAB;
    else
        cache->map_place = MAP_APART;
    cache->slots_end = of_maps ? 0 : cache->slots * cache->slot_size;
    cache->first_end = cache->slots_end < PAGE_SIZE ? cache->slots_end : PAGE_SIZE;
    cache->record_step = recorded ? (int32_t)sizeof(struct record) -
                                        (int32_t)cache->slot_size : 0;
    cache->offset_mask = (uint32_t)bytes - 1;
    cache->reciprocal = UINT32_MAX / cache->slot_size + 1;
}

/* Bytes of an object, so that the next one is aligned. */
static size_t room_for(const struct kmem_cache *cache)
{
    return (cache->object_size + cache->align - 1) & ~((size_t)cache->align - 1);
}

/*
 * Between two objects: as wide as the alignment, so that they keep it.  Half of it
 * belongs to the object before.
 */
static size_t zone_bytes(const struct kmem_cache *cache)
{
    return cache->align > 16 ? cache->align : 16;
}

/* The layout with these dials, while there are no slabs. */
static void set_dials(struct kmem_cache *cache, uint8_t flags)
{
    cache->dials = flags;
    cache->left = flags & DIAL_Z ? (uint32_t)zone_bytes(cache) : 0;
    cache->slot_size = cache->left + (uint32_t)room_for(cache);
    set_layout(cache, is_map_cache(cache));
}

/* Of these dials, those that are possible for the cache. */
static uint8_t possible_dials(const struct kmem_cache *cache, uint8_t flags)
{
    if (is_map_cache(cache))
        return 0;
    if (cache->ctor)            /* objects stay as they were constructed */
        flags &= (uint8_t)~DIAL_P;
    if (zone_bytes(cache) * 3 / 2 + room_for(cache) > MAX_OBJECT_SIZE)
        flags &= (uint8_t)~DIAL_Z;
    return flags;
}

/* size and align are sound. */
static void setup(struct kmem_cache *cache, const char *name, size_t size,
                  size_t align, void (*ctor)(void *))
{
    memset(cache, 0, sizeof(*cache));
    cache->name = name;
    cache->object_size = (uint32_t)size;
    cache->align = (uint32_t)align;
    cache->ctor = ctor;
    cache->spare = NO_PAGE;
    for (unsigned k = 0; k < SLAB_LEVELS; k++)
        cache->partial[k] = NO_PAGE;
    set_dials(cache, possible_dials(cache, dials_of(name)));
    slab_serve_nothing(cache);
}

const char *cache_set_dials(struct kmem_cache *cache, uint8_t wanted)
{
    uint8_t flags = possible_dials(cache, wanted);
    bool poison = flags & DIAL_P && !(cache->dials & DIAL_P);

    if ((flags ^ cache->dials) & DIAL_Z) {
        slab_shrink(cache);
        if (cache->slabs) {
            cache->dials = (uint8_t)((flags & ~DIAL_Z) | (cache->dials & DIAL_Z));
            if (poison)
                watch_poison_free(cache);
            return "Z can only change in caches without objects: some have them";
        }
        set_dials(cache, flags);
        return NULL;
    }
    cache->dials = flags;
    if (poison)
        watch_poison_free(cache);
    return NULL;
}

bool cache_is_sound(const struct kmem_cache *cache)
{
    struct kmem_cache copy = *cache;

    if (cache_numbered[cache - caches] != cache || cache->slot_size < 8 ||
        cache->slot_size > MAX_OBJECT_SIZE || cache->left >= cache->slot_size ||
        cache->object_size > object_room(cache) ||
        !(cache->dials & DIAL_Z) != !cache->left)
        return false;
    set_layout(&copy, is_map_cache(cache));
    return copy.order == cache->order && copy.slots == cache->slots &&
           copy.slots_end == cache->slots_end && copy.first_end == cache->first_end &&
           copy.record_step == cache->record_step &&
           copy.record_offset == cache->record_offset &&
           copy.map_place == cache->map_place &&
           copy.map_offset == cache->map_offset &&
           copy.offset_mask == cache->offset_mask &&
           copy.reciprocal == cache->reciprocal;
}

void cache_init(void)
{
    static const struct {
        const char *name;
        size_t size;
    } first[FIRST_FREE_CACHE] = {
        { NULL, 0 },
        { "kmalloc-8", 8 },     { "kmalloc-16", 16 },   { "kmalloc-32", 32 },
        { "kmalloc-64", 64 },   { "kmalloc-96", 96 },   { "kmalloc-128", 128 },
        { "kmalloc-192", 192 }, { "kmalloc-256", 256 }, { "kmalloc-512", 512 },
        { "kmalloc-1k", 1024 }, { "kmalloc-2k", 2048 }, { "kmalloc-4k", 4096 },
        { "kmalloc-8k", 8192 },
        { "slab-map-8", 8 },    { "slab-map-16", 16 },  { "slab-map-32", 32 },
        { "slab-map-64", 64 },
    };

    memset(caches, 0, sizeof(caches));
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        cache_numbered[i] = &caches[i];
        slab_serve_nothing(&caches[i]);
    }
    for (unsigned i = NO_CACHE + 1; i < FIRST_FREE_CACHE; i++)
        setup(&caches[i], first[i].name, first[i].size, first[i].size & -first[i].size,
              NULL);
    for (unsigned i = FIRST_KMALLOC_CACHE; i < FIRST_MAP_CACHE; i++)
        caches[i].self = &caches[i];
}

/* ---- making ---------------------------------------------------------------------- */

/* What is wrong with these arguments, or NULL. */
static const char *refused(const char *name, size_t size, size_t align,
                           slab_flags_t flags)
{
    if (!name || !*name)
        return "it has no name";
    if (size == 0)
        return "its objects have size 0";
    if (align & (align - 1))
        return "its alignment is not a power of two";
    if (align > PAGE_SIZE)
        return "its alignment is more than a page";
    if (size > MAX_OBJECT_SIZE)         /* which every alignment divides */
        return "its objects are larger than the largest slab";
    if (flags & ~(SLAB_HWCACHE_ALIGN | SLAB_PANIC))
        return "it has a flag that does not exist";
    return NULL;
}

/* SLAB_HWCACHE_ALIGN: to a line of 64 bytes, but small objects share a line. */
static size_t full_align(size_t size, size_t align, slab_flags_t flags)
{
    size_t line = flags & SLAB_HWCACHE_ALIGN ? 64 : 8;

    while (line > 8 && size <= line / 2)
        line /= 2;
    return align > line ? align : line;
}

static struct kmem_cache *free_entry(void)
{
    const unsigned count = MAX_CACHES - FIRST_FREE_CACHE;

    for (unsigned i = 0; i < count; i++) {
        unsigned number = FIRST_FREE_CACHE + (heap.last_cache + i) % count;

        if (caches[number].name)
            continue;
        heap.last_cache = number - FIRST_FREE_CACHE + 1;
        return &caches[number];
    }
    return NULL;
}

struct kmem_cache *kmem_cache_create_at(struct alloc_site *site, const char *name,
                                        size_t size, size_t align,
                                        slab_flags_t flags, void (*ctor)(void *))
{
    const char *problem = refused(name, size, align, flags);
    struct kmem_cache *cache = NULL;

    if (!problem && !mm_enter()) {
        problem = "the allocator is busy";
    } else if (!problem) {
        cache = free_entry();
        if (cache) {
            setup(cache, name, size, full_align(size, align, flags), ctor);
            cache->self = cache;
        } else {
            problem = "the table of caches is full";
        }
        mm_leave();
    }
    if (problem)
        mm_report(&(struct mm_report){
            .bug = MM_BUG_BAD_CACHE, .call = "kmem_cache_create", .caller = site,
            .problem = problem, .cache = name, .bytes = size,
            .fatal = flags & SLAB_PANIC });
    return cache;
}

/* ---- using ----------------------------------------------------------------------- */

/* A cache that was made and not destroyed?  If not, that is reported. */
static bool is_cache(const char *call, struct alloc_site *site,
                     const struct kmem_cache *cache)
{
    if (is_cache_entry(cache) && cache->self == cache)
        return true;
    mm_report(&(struct mm_report){ .bug = MM_BUG_NO_CACHE, .call = call,
                                   .caller = site, .what.addr = cache });
    return false;
}

/* A slot while somebody watches.  mm is entered. */
static void *take_watched(struct kmem_cache *cache, const struct mm_request *request)
{
    bool who = cache->dials & DIAL_U;
    struct alloc_site *site = who ? stack_site(request->site) : request->site;

    if (cache->dials & DIAL_F && cache->slab &&
        !watch_slab(request->call, request->site, cache->slab, cache))
        slab_serve_nothing(cache);      /* it is set aside */

    if (!*cache->word && !slab_refill(cache, request->gfp))
        return NULL;
    watch_next(cache, request);

    void *p = take_slot(cache, site, (uint32_t)request->bytes, request->gfp);

    watch_taken(cache, p, request);
    return p;
}

void *cache_alloc(struct kmem_cache *cache, const struct mm_request *request)
{
    void *p = NULL;

    if (!mm_may_allocate(request))
        return NULL;
    if (mm_enter()) {
        p = watched() ? take_watched(cache, request)
                      : take_slot(cache, request->site, (uint32_t)request->bytes,
                                  request->gfp);
        mm_leave();
    }
    if (!p)
        return mm_fail(request, MM_OUT_OF_MEMORY);
    if (request->gfp & __GFP_ZERO)
        memset(p, 0, watch_room(cache, request->bytes));
    return p;
}

void *cache_alloc_long(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp)
{
    struct mm_request request = { .call = "kmem_cache_alloc", .site = site,
                                  .gfp = gfp };

    if (!is_cache(request.call, site, cache)) {
        heap.failed++;
        return NULL;
    }
    request.order = cache->order;
    request.bytes = cache->object_size;
    return cache_alloc(cache, &request);
}

void cache_free_long(struct alloc_site *site, struct kmem_cache *cache, void *p)
{
    if (is_cache("kmem_cache_free", site, cache))
        mm_free(&(struct mm_refusal){ .call = "kmem_cache_free", .site = site,
                                      .addr = p, .cache = cache, .is_free = true },
                mm_is_live_object);
    else
        heap.bad_frees++;
}

size_t kmem_cache_size(const struct kmem_cache *cache)
{
    return is_cache("kmem_cache_size", NULL, cache) ? cache->object_size : 0;
}

unsigned kmem_cache_shrink(struct kmem_cache *cache)
{
    unsigned slabs = 0;

    if (is_cache("kmem_cache_shrink", NULL, cache) && mm_enter()) {
        slabs = cache->slabs;
        quarantine_limit(0);
        slab_shrink(cache);
        slabs -= cache->slabs;
        mm_leave();
    }
    return slabs;
}

/* ---- ending ---------------------------------------------------------------------- */

/* Its entry is free. */
static void forget(struct kmem_cache *cache)
{
    heap.ended += cache->allocs;
    cache->name = NULL;
    cache->self = NULL;
    cache->dials = 0;
}

void kmem_cache_destroy_at(struct alloc_site *site, struct kmem_cache *cache)
{
    struct mm_report report = { .call = "kmem_cache_destroy", .caller = site,
                                .bug = MM_BUG_CACHE_IN_USE };

    if (!cache || !is_cache(report.call, site, cache))
        return;
    report.cache = cache->name;
    if (cache < &caches[FIRST_FREE_CACHE]) {
        report.problem = "kmalloc needs it";
    } else if (!mm_enter()) {
        report.problem = "the allocator is busy";
    } else {
        report.live = cache->allocs - cache->frees;
        if (report.live) {
            report.problem = "it has live objects";
        } else {
            quarantine_limit(0);
            slab_shrink(cache);         /* all its slabs are empty: S3, S4 */
            if (cache->slabs)
                report.problem = "a broken slab of it was set aside";
            else
                forget(cache);
        }
        mm_leave();
    }
    if (report.problem)
        mm_report(&report);
}
