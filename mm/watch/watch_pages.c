/*
 * watch_pages.c - pages and large kmallocs, watched: poison while they are free, a red
 * zone behind what was asked for, and the calls that took and freed them.
 *
 *     debug_pagealloc        0xaa in free pages, and if that can be (mm_map_hook) they are
 *                            not there at all
 *     slub_debug=Z           0xcc from the end of a large kmalloc to its block's
 *
 * Where free pages are taken away, the poison lies in them as well: it is what their next
 * owner finds, so that he is known who never wrote to them; but nobody needs to look at
 * it.  If some page cannot be taken away, no more are: all come back, and their poison is
 * looked at (heap.unmaps).
 *
 * Cost: linear in the bytes of the block, and in its pages.
 */
#include "mm/watch/watch_pages_priv.h"

#include "mm/slot_priv.h"
#include "mm/watch/settings_priv.h"
#include "mm/watch/stack_priv.h"

/* ---- large kmallocs: only the slack behind them ------------------------- */

/* Now; page.redzone tells whether it was so when a block was taken. */
static bool large_has(uint8_t flag)
{
    return dials_of("kmalloc-large") & flag;
}

static struct zone large_zone(uint32_t pfn, size_t asked)
{
    size_t bytes = PAGE_SIZE << heap.buddy.page[pfn].order;
    unsigned char *start = address_of(pfn);

    return (struct zone){ start + (asked < bytes ? asked : bytes), start + bytes,
                          RED_ACTIVE, RED_ACTIVE, MM_BUG_RIGHT_REDZONE };
}

static bool has_zone(const struct page *page)
{
    return page->kind == PG_LARGE && page->redzone == 1;
}

static uint32_t zones;          /* how many have one */

static void add_zone(uint32_t pfn, size_t asked)
{
    struct zone zone = large_zone(pfn, asked);

    zone_fill(&zone);
    zones++;
}

bool watch_large_is_left(void)
{
    return zones > 0;
}

void watch_large_forget(void)
{
    zones = 0;
}

void watch_large_goes(const struct look *look, uint32_t pfn)
{
    watch_large_look(look, pfn);
    zones -= has_zone(&heap.buddy.page[pfn]);
}

uint32_t watch_large_look(const struct look *look, uint32_t pfn)
{
    if (!heap.record || !has_zone(&heap.buddy.page[pfn]))
        return 0;

    struct zone zone = large_zone(pfn, record_size(&heap.record[pfn]));

    return zone_look(look, &zone);
}

void watch_large_resized(struct alloc_site *site, uint32_t pfn, size_t size)
{
    struct look look = { "krealloc", site, address_of(pfn), "restored" };
    struct zone zone = large_zone(pfn, size);

    if (!heap.record || !has_zone(&heap.buddy.page[pfn]))
        return;

    size_t had = record_size(&heap.record[pfn]);

    watch_large_look(&look, pfn);
    if (size > had)             /* the new bytes are not red any more */
        memset((char *)address_of(pfn) + had, POISON_NEW, size - had);
    zone_fill(&zone);
}

/* ---- who takes and frees ------------------------------------------------ */

struct alloc_site *watch_page_site(struct alloc_site *site, enum page_kind kind)
{
    bool who = settings.page_owner || (kind == PG_LARGE && large_has(DIAL_U));

    return who ? stack_site(site) : site;
}

/* Its page struct has the order already, but not yet the kind. */
struct alloc_site *watch_block_taken(const struct mm_request *request, uint32_t pfn,
                                     enum page_kind kind)
{
    if (kind == PG_LARGE && heap.record && large_has(DIAL_Z)) {
        heap.buddy.page[pfn].redzone = 1;
        add_zone(pfn, request->bytes);
    }
    return watch_page_site(request->site, kind);
}

/* ---- pages that are not there --------------------------------------------- */

bool (*mm_map_hook)(void *start, size_t bytes, bool present);

bool watch_map(uint32_t pfn, uint32_t n, bool present)
{
    return mm_map_hook && mm_map_hook(address_of(pfn), (size_t)n << PAGE_SHIFT, present);
}

/* What is in no whole block as well. */
void watch_map_all(void)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        const struct page *page = &heap.buddy.page[pfn];

        if (is_guarded(page))
            pfn += (1u << page->order) - 1;
        else if (page->kind != PG_HOLE)
            watch_map(pfn, 1, true);
    }
}

void watch_show_pages(void)
{
    if (heap.unmaps)
        watch_map_all();
    heap.unmaps = false;
}

static void hide(uint32_t pfn, uint32_t n)
{
    if (!watch_map(pfn, n, false))
        watch_show_pages();
}

/* ---- free pages --------------------------------------------------------- */

static struct zone page_zone(uint32_t pfn, uint32_t n)
{
    unsigned char *start = address_of(pfn);

    return (struct zone){ start, start + ((size_t)n << PAGE_SHIFT), PAGE_POISON,
                          PAGE_POISON, MM_BUG_PAGE_POISON };
}

void watch_pages_taken(const struct mm_request *request, uint32_t pfn)
{
    struct zone zone = page_zone(pfn, 1u << request->order);
    struct look look = { mm_call_of(request), request->site, zone.start,
                         "restored, and the pages handed out" };

    if (heap.unmaps)
        watch_map(pfn, 1u << request->order, true);
    else if (settings.debug_pagealloc)
        zone_look(&look, &zone);
    if (settings.init_on_alloc)
        memset(zone.start, 0, (size_t)(zone.end - zone.start));
}

void watch_pages_freed(uint32_t pfn, uint32_t n)
{
    struct zone zone = page_zone(pfn, n);

    if (settings.debug_pagealloc)
        zone_fill(&zone);
    else if (settings.init_on_free)
        memset(zone.start, 0, (size_t)(zone.end - zone.start));
    if (heap.unmaps)
        hide(pfn, n);
}

uint32_t watch_free_look(const struct look *look, uint32_t pfn)
{
    struct zone zone = page_zone(pfn, 1u << heap.buddy.page[pfn].order);

    return settings.debug_pagealloc && !heap.unmaps ? zone_look(look, &zone) : 0;
}

/* ---- all of the heap ---------------------------------------------------- */

uint32_t watch_blocks(uint32_t (*fn)(uint32_t pfn, struct page *page))
{
    uint32_t sum = 0;

    const struct buddy *b = &heap.buddy;

    for (uint32_t pfn = 0; pfn < b->npages; pfn = buddy_next(b, pfn))
        if (b->page[pfn].kind == PG_SLAB || buddy_is_whole(b, pfn))
            sum += fn(pfn, &b->page[pfn]);      /* mm_check names the others */
    return sum;
}

static uint32_t poison_block(uint32_t pfn, struct page *page)
{
    if (is_free_block(page))
        watch_pages_freed(pfn, 1u << page->order);
    return 0;
}

void watch_block_paint(uint32_t pfn, struct page *page)
{
    poison_block(pfn, page);
    if (heap.record && has_zone(page))
        add_zone(pfn, record_size(&heap.record[pfn]));
}

void watch_poison_pages(void)
{
    heap.unmaps = mm_map_hook != NULL;
    watch_blocks(poison_block);
}
