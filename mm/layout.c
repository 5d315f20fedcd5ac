/*
 * layout.c - how a slab is divided: slots, records, map, red zones.
 *
 * It is decided when the cache is made, and follows from the size of its slots (S8).
 * A slab has the lowest order that holds at least 8 slots and wastes at most 1/16.
 * With records on, each slot below a page takes 16 bytes more behind the slots; the
 * slots stay where they are, so powers of two stay aligned:
 *
 *     few, up to 32:        | slots | notes | records |    the map is in the page struct
 *     many, always a page:  | slots | notes | records | map |
 *
 * A note is four bytes for the scan for leaks, and lies as far before the first record as
 * its slot's record lies behind that: nobody else ever looks there (mm/scan).
 *
 * With red zones (dial Z), or mm_gaps, a slot is wider than its object:
 *
 *     slot i:  | left zone       | object                 | slot i + 1 ...
 *              | right   ' left  |                        | right   ' left |
 *              | of i - 1' of i  |                        | of i    '
 *
 * A zone lies between two objects, half of it each one's, and is as wide as their
 * alignment: so a power of two stays aligned to itself.
 */
#include "mm/slot_priv.h"

/* Fewer would make slabs come and go with every few objects. */
enum { MIN_SLOTS = 8 };

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

/* How many slots of that stride fit, with a map behind them if they are many. */
static size_t slots_that_fit(size_t bytes, size_t stride)
{
    size_t n = bytes / stride;

    if (n > 32)
        while (n * stride + map_bytes(n) > bytes)
            n--;
    return n;
}

static void set_layout(struct kmem_cache *cache)
{
    bool recorded = heap.record && cache->slot_size < PAGE_SIZE;
    size_t note = recorded ? sizeof(uint32_t) : 0;
    size_t stride = cache->slot_size + (recorded ? note + sizeof(struct record) : 0);
    size_t tail = cache->left / 2;      /* right red zone of the last object */
    unsigned order = best_order(stride, tail);
    size_t bytes = PAGE_SIZE << order;
    size_t slots = slots_that_fit(bytes - tail, stride);
    size_t end = slots * cache->slot_size + tail + slots * note;
    size_t map_offset = end + (recorded ? slots * sizeof(struct record) : 0);
    bool many = slots > 32;

    cache->order = (uint8_t)order;
    cache->slots = (uint16_t)slots;
    cache->map_word = many ? (uint32_t)(map_offset / sizeof(uint32_t)) : 0;
    cache->record_place = recorded ? RECORD_IN_SLAB :
                          heap.record ? RECORD_OF_PAGE : RECORD_NOWHERE;
    cache->record_offset = recorded ? (uint32_t)end : 0;
    cache->record_step = recorded ? (int32_t)sizeof(struct record) -
                                        (int32_t)cache->slot_size : 0;
    cache->slots_end = cache->slots * cache->slot_size;
    cache->many_end = many ? cache->slots_end : 0;
    cache->offset_mask = (uint32_t)bytes - 1;
    cache->head_mask = ~((sizeof(struct page) << order) - 1);
    cache->reciprocal = UINT32_MAX / cache->slot_size + 1;
}

/* Bytes of an object, so that the next one is aligned. */
static size_t room_for(const struct kmem_cache *cache)
{
    return (cache->object_size + cache->align - 1) & ~((size_t)cache->align - 1);
}

/* Between two objects; 0: not wanted, or there is no room. */
static uint32_t zone_bytes(const struct kmem_cache *cache, uint8_t flags)
{
    uint32_t zone = cache->align > 16 ? cache->align : 16;
    bool fits = zone * 3 / 2 + room_for(cache) <= MAX_OBJECT_SIZE;

    return fits && (flags & DIAL_Z || mm_gaps) ? zone : 0;
}

void cache_lay_out(struct kmem_cache *cache, uint8_t flags)
{
    cache->dials = flags;
    cache->left = zone_bytes(cache, flags);
    cache->slot_size = cache->left + (uint32_t)room_for(cache);
    set_layout(cache);
}

uint8_t cache_possible_dials(const struct kmem_cache *cache, uint8_t flags)
{
    if (cache->ctor)            /* objects stay as they were constructed */
        flags &= (uint8_t)~DIAL_P;
    if (!zone_bytes(cache, DIAL_Z))
        flags &= (uint8_t)~DIAL_Z;
    return flags;
}

bool cache_is_sound(const struct kmem_cache *cache)
{
    struct kmem_cache copy = *cache;

    if (cache_named[cache_name(cache)] != cache || cache->slot_size < 8 ||
        cache->slot_size > MAX_OBJECT_SIZE || cache->left >= cache->slot_size ||
        cache->object_size > object_room(cache) ||
        cache->left != zone_bytes(cache, cache->dials))
        return false;
    set_layout(&copy);
    return copy.order == cache->order && copy.slots == cache->slots &&
           copy.slots_end == cache->slots_end && copy.many_end == cache->many_end &&
           copy.record_step == cache->record_step &&
           copy.record_place == cache->record_place &&
           copy.record_offset == cache->record_offset &&
           copy.head_mask == cache->head_mask &&
           copy.map_word == cache->map_word &&
           copy.offset_mask == cache->offset_mask &&
           copy.reciprocal == cache->reciprocal;
}

