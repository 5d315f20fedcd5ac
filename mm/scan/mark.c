/*
 * mark.c - the mark: breadth first from the roots, through all that is live.
 *
 * What is found and not yet looked into hangs on a chain, first in, first out, through its
 * own record: there the link stands where its site was, and the site where its mark will
 * be.  In its note is the word that it was found in.  So the notes are the tree of the
 * shortest ways from the roots, and nothing is allocated, and nothing recurses.
 *
 *                  record->sites      mark                   note
 *     not found    its site           of an older scan       of that
 *     on the chain link to the next   its site               the word
 *     looked into  its site           kind, epoch            the word
 *
 * It is looked into as far as was asked for: behind that is what was there before.
 *
 * While it hangs there its record is not that of a live object: who meets it a second time
 * has nothing to do.
 *
 * Three rounds:
 *
 *     1. reachable   from the roots, by pointers to starts.  One into a middle leaves a hint.
 *     2. possible    from what has a hint; pointers into middles count from here on.
 *     3. lost        all else, twice.  By ascending address, each that was not met is a
 *                    leader, and leads to all that it holds: so a leader is held by later
 *                    ones only, if at all.  Then by descending address, from leader to
 *                    leader: each that was not met by now is held by nothing: definite.
 *                    What these lead to is indirect.  Of a ring that nothing holds one is
 *                    definite: the lowest, with the note of how the ring was held.
 *
 * The second time costs what is lost only, and the pages between the first leader and the
 * last.
 *
 * If it is dropped midway (a fault, in a root that is not there), whatever hangs on the
 * chain is put back, and what was found is forgotten: scan_dropped().
 *
 * Cost: 193 instructions for a live object of 64 bytes (make bench).
 */
#include "mm/scan/said_priv.h"

/* Of the chain.  Links are numbers above those of all sites. */
enum { LINK_BASE = HEAP_IS_AT_ZERO ? 0 : UINT16_MAX + 1 };
#define END UINT32_MAX

/* A root that lies too far from the heap for a note: only in a 64-bit program. */
#define FAR_AWAY 2u

/* Of ways back through what is lost, all in all, for each page of the heap. */
enum { STEPS_A_PAGE = 64 };

static struct mm_scan scan;
static uint32_t found[KIND + 1];        /* objects of each kind, and their bytes: */
static size_t found_bytes[KIND + 1];    /*   scan's, when all is done */
uint32_t scan_epoch;
static uint16_t as;             /* the mark that is given now */
static uint32_t seen_most;      /* kinds up to this one are known already */
static bool weak;               /* pointers to a middle count as those to a start */
static uint32_t hints;          /* things that have one */
static struct span span;        /* the pages in which live things lie */
static uintptr_t least, behind; /* pointers to them, or to page structs, in [least, behind) */
static uint32_t head;           /* first link of the chain */
static uint32_t *last;          /* its last link: END */
static uint32_t steps_left;     /* of note_way_in */
static uint32_t taken_off;      /* link of what was taken off it last */

/* ---- marks, links, notes -------------------------------------------------------- */

SHORT bool is_seen(uint16_t mark)
{
    return ((mark & (KIND | EPOCH)) ^ scan_epoch) - 1 < seen_most;
}

SHORT uint32_t link_of(uintptr_t start)
{
    return (uint32_t)((start - heap_base()) / sizeof(uint32_t)) + LINK_BASE;
}

SHORT uintptr_t start_of(uint32_t link)
{
    return heap_base() + (uintptr_t)(link - LINK_BASE) * sizeof(uint32_t);
}

SHORT uint32_t note_of(const uintptr_t *word)
{
    uintptr_t offset = (uintptr_t)word - heap_base();

    return offset == (uint32_t)offset ? (uint32_t)offset : FAR_AWAY;
}

/* ---- the chain --------------------------------------------------------------------- */

/* In this order: scan_dropped() may find it done in part. */
SHORT void hang_on(uintptr_t start, struct record *record, uint16_t *mark)
{
    *mark = record->site;
    mm_barrier();
    *last = link_of(start);
    mm_barrier();
    record->sites = END;
    last = &record->sites;
}

/* The first one: its mark now, and its site is what it was. */
SHORT void take_off(struct record *record, uint16_t *mark)
{
    taken_off = head;
    mm_barrier();
    head = record->sites;
    if (unlikely(head == END))
        last = &head;
    mm_barrier();
    record->sites = *mark;
    mm_barrier();
    *mark = as;
}

/* ---- found --------------------------------------------------------------------------- */

/* A pointer to the start of a thing at rest is in that word. */
SHORT void find(uintptr_t start, struct record *record, uint16_t *mark, uint32_t *note,
                const uintptr_t *word)
{
    if (is_seen(*mark))
        return;
    *note = note_of(word);
    hang_on(start, record, mark);
}

/* One to its middle: in the first round only a hint. */
static void find_by_middle(const struct thing *thing, const uintptr_t *word)
{
    if (weak) {
        find(thing->start, thing->record, thing->mark, thing->note, word);
    } else if (!is_seen(*thing->mark) && !(*thing->mark & HINT)) {
        *thing->mark = HINT | NOTED | RECORD_MARKED;
        *thing->note = note_of(word);
        hints++;
    }
}

/* Blocks, guarded objects, those of a page and more, and all that have red zones. */
static RARE void follow_slowly(uintptr_t addr, const uintptr_t *word)
{
    struct thing thing;

    addr = through_page_struct(addr);
    if (unlikely(own_count))
        own_refer(addr, word);
    if (!thing_around(addr, &thing))
        return;
    if (addr == thing.start)
        find(thing.start, thing.record, thing.mark, thing.note, word);
    else
        find_by_middle(&thing, word);
}

/* To the middle of a slot, which is of the usual kind. */
static RARE void follow_to_middle(uintptr_t addr, const uintptr_t *word,
                                  struct kmem_cache *cache)
{
    uint32_t offset = (uint32_t)(addr - heap_base()) & cache->offset_mask;
    struct slot slot = { cache, &heap.buddy.page[pfn_of((void *)(addr - offset))],
                         slot_index(cache, offset) };
    struct record *record = slot_record(&slot);

    if (slot.index < cache->slots && is_at_rest(record)) {
        struct thing thing = thing_in_slab(cache, slot.slab, record, slot.index);

        find_by_middle(&thing, word);
    }
}

/* That word may be a pointer. */
static RARE void follow(uintptr_t addr, const uintptr_t *word)
{
    struct kmem_cache *cache = cache_of(&heap.buddy.page[pfn_of((void *)addr)]);
    uint32_t offset = (uint32_t)(addr - heap_base()) & cache->offset_mask, index = 0;

    if (unlikely(cache->record_place != RECORD_IN_SLAB) || unlikely(cache->left)) {
        follow_slowly(addr, word);
    } else if (unlikely(!starts_slot(cache, offset, &index))) {
        follow_to_middle(addr, word, cache);
    } else if (likely(index < cache->slots)) {
        struct record *records = (struct record *)(addr - offset + cache->record_offset);
        struct record *record = records + index;

        if (likely(is_at_rest(record)))
            find(addr, record, &record->mark, (uint32_t *)(void *)records - 1 - index, word);
    }
}

/* ---- looking into memory -------------------------------------------------------------- */

#define LOOK_AT(word) \
    if (unlikely(*(word) >= bound) && *(word) < behind) follow(*(word), word)

/* Four words at a time: as long as all are below `least`, nearly always their bits are. */
SHORT void look(const uintptr_t *at, size_t words)
{
    const uintptr_t bound = least;

    for (size_t fours = words / 4; fours; fours--, at += 4) {
        if (likely((at[0] | at[1] | at[2] | at[3]) < bound))
            continue;
        LOOK_AT(at);
        LOOK_AT(at + 1);
        LOOK_AT(at + 2);
        LOOK_AT(at + 3);
    }
    for (size_t rest = words % 4; unlikely(rest); rest--, at++)
        LOOK_AT(at);
}

static RARE void look_into(uintptr_t start, size_t bytes)
{
    look((const uintptr_t *)start, bytes / sizeof(uintptr_t));
}

/* As far as was said of it: said.c. */
static RARE void look_into_thing(uintptr_t start, size_t asked)
{
    if (likely(!said_looks) || !said_look(start, asked))
        look_into(start, asked);
}

static RARE size_t look_into_block(uintptr_t start)
{
    struct object object = object_at((void *)start);
    uint32_t asked = record_size(object.record);

    take_off(object.record, &object.page->countdown);
    look_into_thing(start, asked);
    return asked;
}

/* Of the slot that begins there. */
SHORT struct record *record_at(const struct kmem_cache *cache, uintptr_t start)
{
    uint32_t offset = (uint32_t)(start - heap_base()) & cache->offset_mask;
    uint32_t index = slot_index(cache, offset);
    uintptr_t base = start - offset;

    if (likely(cache->record_place == RECORD_IN_SLAB))
        return (struct record *)(base + cache->record_offset) + index;
    return &heap.record[pfn_of((void *)base) + index];
}

/* All that hangs on the chain, and what that adds to it; asks: said.c is asked of each. */
SHORT void run_chain_and(bool asks)
{
    uint32_t n = 0;
    size_t bytes = 0;

    for (; head != END; n++) {
        uintptr_t start = start_of(head);
        struct page *page = &heap.buddy.page[pfn_of((void *)start)];
        const struct kmem_cache *cache = cache_of(page);

        if (unlikely(page->cache == NO_CACHE)) {
            bytes += look_into_block(start);
            continue;
        }

        struct record *record = record_at(cache, start);

        size_t asked = record->asked;

        bytes += asked;
        take_off(record, &record->mark);
        if (asks && said_look(start, asked))
            continue;
        look((const uintptr_t *)start, asked / sizeof(uintptr_t));
    }
    found[as & KIND] += n;
    found_bytes[as & KIND] += bytes;
}

/* Twice in the code, so that it costs nothing to ask while nothing was said. */
static void run_chain(void)
{
    if (likely(!said_looks))
        run_chain_and(false);
    else
        run_chain_and(true);
}

/* And what hangs there since pieces of one's own allocators were found: own.c. */
static void run_all(void)
{
    do
        run_chain();
    while (unlikely(own_count) && own_look_into_next());
}

/* What is found from now on. */
static void find_as(unsigned kind)
{
    as = (uint16_t)(scan_epoch | NOTED | RECORD_MARKED | kind);
}

/* Marks of what was not met by now. */
static uint32_t unseen(void)
{
    return ~(((2u << seen_most) - 1) & ~1u);
}

/* ---- 2. from hints --------------------------------------------------------------------- */

static bool hang_if_hinted(const struct thing *thing, void *arg)
{
    (void)arg;
    if (*thing->mark & HINT)
        hang_on(thing->start, thing->record, thing->mark);
    return true;
}

static void find_possible(void)
{
    weak = true;
    if (!hints)
        return;
    find_as(MM_POSSIBLE);
    each_thing(span, unseen(), hang_if_hinted, NULL);
    run_all();
}

/* ---- 3. from leaders --------------------------------------------------------------------- */

/* It is of that kind, and what it holds is found.  Its note, if it has one, stays. */
static RARE void lead(const struct thing *thing, unsigned kind)
{
    *thing->mark = (uint16_t)(scan_epoch | RECORD_MARKED | kind | (*thing->mark & NOTED));
    found[kind]++;
    found_bytes[kind] += record_size(thing->record);
    look_into_thing(thing->start, record_size(thing->record));
    run_chain();
}

/* What is around a word, if it is not met yet. */
static bool is_in_unmet(uintptr_t word, struct thing *thing)
{
    return thing_around(word, thing) && !is_seen(*thing->mark);
}

/*
 * Of a ring the leader gets the note of that member through which an older scan came into
 * it, for what is led is noted anew.  It goes from note to note, as long as these words
 * still hold what they held; all such ways together are no longer than the heap.
 */
static RARE void note_way_in(const struct thing *thing)
{
    struct thing inner = *thing, outer;
    uintptr_t word;

    for (; steps_left > 0 && (word = seen_in(&inner)) != 0; steps_left--) {
        if (!is_in_unmet(word, &outer) ||
            *(const uintptr_t *)word - inner.start >= inner.room) {
            *thing->note = *inner.note;
            return;
        }
        inner = outer;
    }
}

/* Leaders lie in these pages. */
static bool lead_first(const struct thing *thing, void *leaders)
{
    struct span *between = leaders;

    between->to = (uint32_t)pfn_of((void *)thing->start) + 1;
    if (between->from == NO_PAGE)
        between->from = between->to - 1;
    note_way_in(thing);
    lead(thing, KIND_LEADER);
    return true;
}

static void lead_again(const struct thing *thing)
{
    if ((*thing->mark & (KIND | EPOCH)) == (scan_epoch | KIND_LEADER))
        lead(thing, MM_DEFINITE);
}

static void lead_again_in_slab(struct page *slab)
{
    struct slot slot = slot_of_slab(slab, cache_of(slab)->slots);

    while (slot.index-- > 0) {
        struct record *record = slot_record(&slot);
        struct thing thing;

        if (!is_at_rest(record))
            continue;
        thing = thing_in_slab(slot.cache, slab, record, slot.index);
        lead_again(&thing);
    }
}

static void lead_again_in(uint32_t pfn)
{
    struct page *page = &heap.buddy.page[pfn];
    struct object object = object_at(address_of(pfn));
    struct thing thing;

    if (page->kind != PG_SLAB && thing_of(&object, &thing))
        lead_again(&thing);
    else if (page->kind == PG_SLAB && slab_head(cache_of(page), page) == page)
        lead_again_in_slab(page);
}

static void find_lost(void)
{
    struct span leaders = { NO_PAGE, 0 };

    steps_left = (span.to - span.from) * STEPS_A_PAGE;
    seen_most = KIND_LEADER;
    find_as(KIND_LED);
    own_close();
    each_thing(span, unseen(), lead_first, &leaders);
    seen_most = MM_DEFINITE;
    find_as(MM_INDIRECT);
    while (unlikely(own_count) && own_look_into_lost())
        run_chain();
    if (leaders.from == NO_PAGE)
        return;
    leaders.from &= ~((1u << MAX_SLAB_ORDER) - 1);      /* its slab's first page, too */
    for (uint32_t pfn = leaders.to; pfn-- > leaders.from; )
        lead_again_in(pfn);
}

/* ---- what was said of things: said.c ----------------------------------------------- */

bool scan_keep(const struct thing *thing, uint16_t mark)
{
    if (is_seen(*thing->mark))
        return false;
    *thing->mark = (uint16_t)(scan_epoch | RECORD_MARKED | MM_REACHABLE | mark);
    found[MM_REACHABLE]++;
    found_bytes[MM_REACHABLE] += record_size(thing->record);
    return true;
}

void scan_look_at(uintptr_t start, size_t bytes)
{
    uintptr_t from = (start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);

    if (start + bytes > from)
        look_into(from, start + bytes - from);
}

void scan_look_into(const struct thing *thing)
{
    look_into_thing(thing->start, record_size(thing->record));
    run_chain();
}

/* ---- a scan --------------------------------------------------------------------------------- */

/* A block that began since the last scan was none then, or another one. */
static bool is_younger(uint32_t serial)
{
    return serial > scan.serial || serial == UINT32_MAX;
}

static void forget_former_life(struct page *block)
{
    if (is_younger(heap.record[pfn_of_page(block)].serial))
        block->countdown = 0;
}

static bool forget(const struct thing *thing, void *arg)
{
    (void)arg;
    *thing->mark = 0;
    return true;
}

/* The record, and the mark, of what that link of the chain means. */
static struct record *record_of_link(uint32_t link, uint16_t **mark)
{
    struct object object = object_at((void *)start_of(link));

    *mark = object.page->kind == PG_SLAB ? &object.record->mark : &object.page->countdown;
    return object.record;
}

/* It was dropped: put back what hangs on the chain, and know nothing. */
static void scan_dropped(void)
{
    uint16_t *mark;
    struct record *record;

    mm_scan_dropped = NULL;
    for (uint32_t link = head, next; link != END; link = next) {
        record = record_of_link(link, &mark);
        next = record->sites;
        if (next <= UINT16_MAX)
            break;              /* not hung there yet */
        record->sites = *mark;
    }
    if (taken_off != END && !is_at_rest(record_of_link(taken_off, &mark))) {
        record = record_of_link(taken_off, &mark);
        record->sites = *mark;
    }
    each_thing(span, ALL_MARKS, forget, NULL);
}

/* Page structs may lie in front of all live things, or behind. */
static void find_bounds(void)
{
    uintptr_t structs = (uintptr_t)heap.buddy.page;
    uintptr_t structs_end = (uintptr_t)&heap.buddy.page[heap.buddy.npages];

    least = (uintptr_t)address_of(span.from);
    behind = (uintptr_t)address_of(span.to);
    least = structs < least ? structs : least;
    behind = structs_end > behind ? structs_end : behind;
}

bool mm_scan_begin(void)
{
    if (!heap.record || !mm_enter(NULL))
        return false;
    mind_serials();
    span = live_span(forget_former_life);
    find_bounds();
    head = END;
    last = &head;
    taken_off = END;
    mm_barrier();
    mm_scan_dropped = scan_dropped;     /* before marks are of another epoch */
    mm_barrier();
    scan_epoch ^= EPOCH;
    scan = (struct mm_scan){ .number = scan.number + 1, .serial = heap.serial };
    memset(found, 0, sizeof(found));
    memset(found_bytes, 0, sizeof(found_bytes));
    hints = 0;
    weak = false;
    seen_most = KIND_LEADER;
    find_as(MM_REACHABLE);
    said_begin();
    return true;
}

void mm_scan_root(const void *start, const void *end)
{
    const uintptr_t word = sizeof(uintptr_t);
    uintptr_t from = ((uintptr_t)start + word - 1) & ~(word - 1);

    scan.roots++;
    if ((uintptr_t)end < from + word)
        return;
    scan.root_bytes += (uintptr_t)end - from;
    if (span.from == span.to)
        return;
    look_into(from, (uintptr_t)end - from);
}

const struct mm_scan *mm_scan_end(void)
{
    run_all();
    find_possible();
    find_lost();
    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++) {
        scan.objects[kind] = found[kind];
        scan.bytes[kind] = found_bytes[kind];
    }
    mm_scan_dropped = NULL;
    mm_leave();
    return &scan;
}

const struct mm_scan *mm_scan_last(void)
{
    return &scan;
}

/* ---- what it has found ------------------------------------------------------------------------ */

/* Of a slot that would be 0. */
static bool is_of_former_life(const struct thing *thing)
{
    return thing->mark != &thing->record->mark && is_younger(thing->record->serial);
}

enum mm_scan_kind kind_of(const struct thing *thing)
{
    return is_of_former_life(thing) || !is_seen(*thing->mark) ? MM_UNSEEN
                                                              : *thing->mark & KIND;
}

uintptr_t seen_in(const struct thing *thing)
{
    if (is_of_former_life(thing) || !(*thing->mark & NOTED) || *thing->note == FAR_AWAY)
        return 0;
    return heap_base() + *thing->note;
}
