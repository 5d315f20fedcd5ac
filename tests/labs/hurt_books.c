/*
 * hurt_books.c - mm's own book-keeping, overwritten.
 */
#include "kernel/image.h"
#include "kernel/printk.h"
#include "mm/hooks_priv.h"
#include "mm/look/observe.h"
#include "mm/slab_priv.h"
#include "tests/labs/hurt.h"

enum { SOME_CACHES = 24 };

static struct kmem_cache *cache_of_64(void)
{
    return cache_of(&heap.buddy.page[pfn_of(hurt_object(64))]);
}

/* ---- pages, records ------------------------------------------------------------- */

static size_t page_bytes(void) { return heap.buddy.npages * sizeof(struct page); }

HURT(pages_0) { hurt_object(64); hurt_fill(heap.buddy.page, page_bytes(), 0); }
HURT(pages_ff) { hurt_object(64); hurt_fill(heap.buddy.page, page_bytes(), 0xff); }
HURT(pages_noise) { hurt_object(64); hurt_noise(heap.buddy.page, page_bytes()); }

HURT(one_page)
{
    char *object = hurt_object(64);

    hurt_noise(&heap.buddy.page[pfn_of(object)], sizeof(struct page));
    kfree(object);
}

HURT(records_ff)
{
    hurt_object(64);
    hurt_object(100000);
    hurt_fill(heap.record, heap.buddy.npages * sizeof(struct record), 0xff);
}

/* ---- struct buddy --------------------------------------------------------------- */

HURT(free_lists) { hurt_noise(heap.buddy.free, sizeof(heap.buddy.free)); }

HURT(free_lists_circle)
{
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        if (heap.buddy.free[order] != NO_PAGE)
            heap.buddy.page[heap.buddy.free[order]].next = heap.buddy.free[order];
}

HURT(nonempty) { heap.buddy.nonempty = 0xffffffff; }
HURT(nfree) { heap.buddy.nfree = 0; }
HURT(npages) { heap.buddy.npages = 0xffffffff; }
HURT(npages_0) { heap.buddy.npages = 0; }
HURT(page_pointer) { heap.buddy.page = hidden(0xdeadb000); }
HURT(page_pointer_null) { heap.buddy.page = NULL; }

/* ---- struct heap ---------------------------------------------------------------- */

HURT(record_pointer) { heap.record = hidden(0xdeadb000); }
HURT(heap_0) { hurt_fill(&heap, sizeof(heap), 0); }
HURT(heap_ff) { hurt_fill(&heap, sizeof(heap), 0xff); }
HURT(heap_noise) { hurt_noise(&heap, sizeof(heap)); }
HURT(last_serial) { heap.serial = UINT32_MAX; hurt_object(64); hurt_object(64); }

/* ---- caches --------------------------------------------------------------------- */

static size_t cache_bytes(void) { return SOME_CACHES * sizeof(struct kmem_cache); }

HURT(caches_0) { hurt_object(64); hurt_fill(caches, cache_bytes(), 0); }
HURT(caches_ff) { hurt_object(64); hurt_fill(caches, cache_bytes(), 0xff); }
HURT(caches_noise) { hurt_object(64); hurt_noise(caches, cache_bytes()); }
HURT(cache_word) { cache_of_64()->word = hidden(0xf0000000); }
HURT(cache_slab) { cache_of_64()->slab = hidden(0xdeadbee0); }
HURT(cache_names) { cache_of_64()->name = hidden(0xdeadbeef); }

HURT(cache_word_odd)
{
    struct kmem_cache *cache = cache_of_64();

    cache->word = hidden((uintptr_t)cache->word + 1);
}

HURT(cache_partial)
{
    struct kmem_cache *cache = cache_of_64();

    hurt_noise(cache->partial, sizeof(cache->partial));
    cache->levels = 0xff;
}

HURT(slab_maps)
{
    hurt_object(64);
    for (unsigned i = 0; i < SOME_CACHES; i++)
        if (caches[i].slab != NULL)
            *caches[i].word = 0xffffffff;
}

/* ---- mm_state, hooks, sites ----------------------------------------------------- */

HURT(state_busy) { mm_state = MM_BUSY; }
HURT(state_all) { mm_state = UINTPTR_MAX; }
HURT(state_irq) { mm_state = MM_IRQ; }
HURT(state_long_way) { mm_state = MM_LONG_WAY; }
HURT(state_put_off) { mm_state = MM_PUT_OFF; }
HURT(state_site) { mm_state = 0xdeadbee0; }

/* They fault in whoever allocates next. */
static void saw_null(const struct mm_event *event, void *arg)
{
    (void)event, (void)arg;
    *word(0) = 1;
}

HURT(observer_null)
{
    static struct mm_observer observer = { .saw = saw_null };

    mm_observe(&observer);
}

HURT(observer_wild)
{
    static struct mm_observer observer;

    observer.saw = (mm_saw *)hidden(0x41414141);
    mm_observe(&observer);
}

HURT(hook_wild)
{
    mm_report_hook = (void (*)(const struct mm_report *))hidden(0x41414141);
    kfree(hidden(0x1234));
}

HURT(hook_null) { mm_report_hook = NULL; kfree(hidden(0x1234)); }

HURT(watcher_wild)
{
    mm_watcher = hidden(0x41414140);
    mm_hooks_changed();
    hurt_object(64);
}

static size_t site_bytes(void)
{
    return (uintptr_t)__stop_alloc_sites - (uintptr_t)__start_alloc_sites;
}

HURT(sites_0) { hurt_object(64); hurt_fill(__start_alloc_sites, site_bytes(), 0); }
HURT(sites_ff) { hurt_object(64); hurt_fill(__start_alloc_sites, site_bytes(), 0xff); }

const struct hurt_way hurt_books[] = {
    WAY(pages_0), WAY(pages_ff), WAY(pages_noise), WAY(one_page), WAY(records_ff),
    WAY(free_lists), WAY(free_lists_circle), WAY(nonempty), WAY(nfree), WAY(npages),
    WAY(npages_0), WAY(page_pointer), WAY(page_pointer_null), WAY(record_pointer),
    WAY(heap_0), WAY(heap_ff), WAY(heap_noise), WAY(last_serial), WAY(caches_0),
    WAY(caches_ff), WAY(caches_noise), WAY(cache_word), WAY(cache_slab),
    WAY(cache_names), WAY(cache_word_odd), WAY(cache_partial),
    WAY(slab_maps), WAY(state_busy), WAY(state_all), WAY(state_irq),
    WAY(state_long_way), WAY(state_put_off), WAY(state_site), WAY(hook_wild),
    WAY(observer_null), WAY(observer_wild), WAY(hook_null), WAY(watcher_wild), WAY(sites_0), WAY(sites_ff), { NULL, NULL },
};
