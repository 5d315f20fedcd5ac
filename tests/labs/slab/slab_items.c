/*
 * slab_items.c - the teacher's: the items that the lab has given, watched.
 *
 * How the lab keeps its items is its own affair.  What can be seen from outside is
 * looked at: each is filled with a number that no other has, and must keep it; and mm
 * knows how many pages are taken.  What the lab prints is not asked for.
 */
#include "tests/labs/slab/slab_items.h"

#include "mm/mm.h"
#include "mm/slab.h"

enum { WORDS = ITEM_BYTES / 4, ITEMS_A_PAGE = 120 };

struct items items;

static struct mm_stats at_first;

const char *items_say(const char *fmt, ...)
{
    static char text[80];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return text;
}

bool items_begin(void)
{
    items.n = items.most = 0;
    items.held = kmalloc_array(MOST_ITEMS, sizeof(*items.held), GFP_KERNEL);
    items.foreign = kmalloc(ITEM_BYTES, GFP_KERNEL);
    mm_get_stats(&at_first);
    return items.held != NULL && items.foreign != NULL;
}

void items_end(void)
{
    kfree(items.foreign);
    kfree(items.held);
    kfree(kmalloc(ITEM_BYTES, GFP_KERNEL));
}

/* ---- looking ------------------------------------------------------------ */

uint32_t items_pages_taken(void)
{
    struct mm_stats now;

    mm_get_stats(&now);
    return now.pages_allocated - at_first.pages_allocated;
}

/* How many more are live than when it began; it may be one less, that had been kept. */
static int pages_live(void)
{
    struct mm_stats now;

    mm_get_stats(&now);
    return (int)(now.live_pages - at_first.live_pages);
}

bool items_is_held(const void *item)
{
    unsigned at = 0;

    while (at < items.n && items.held[at].item != item)
        at++;
    return at < items.n;
}

static const char *item_fault(const struct item *one)
{
    for (unsigned i = 0; i < WORDS; i++)
        if (one->item[i] != one->number)
            return items_say("item %p was changed, %u bytes behind its beginning",
                             (void *)one->item, i * 4);
    return NULL;
}

const char *items_fault(void)
{
    const char *fault = NULL;

    for (unsigned i = 0; i < items.n && fault == NULL; i++)
        fault = item_fault(&items.held[i]);
    return fault;
}

static uintptr_t page_of(const struct item *one)
{
    return (uintptr_t)one->item / PAGE_SIZE;
}

const char *items_pages_fault(void)
{
    static uintptr_t page[MOST_ITEMS];
    int n = 0, live = pages_live();

    for (unsigned i = 0; i < items.n; i++) {
        int at = 0;

        while (at < n && page[at] != page_of(&items.held[i]))
            at++;
        page[at] = page_of(&items.held[i]);
        n += at == n;
    }
    if (live > n + 1)
        return items_say("%d pages are live, and only %d have items in use", live, n);
    if (live > (int)items.most / ITEMS_A_PAGE + 2)
        return items_say("%d pages are live, and at most there were %u items", live,
                         items.most);
    return NULL;
}

/* ---- taking and giving -------------------------------------------------- */

/* Can there be an item? */
static const char *place_fault(const unsigned char *item)
{
    const struct page *page = virt_to_page(item);

    if ((uintptr_t)item % 8)
        return items_say("item %p is not aligned to 8 bytes", (void *)item);
    if (page == NULL || page->kind != PG_USED ||
        (uintptr_t)item % PAGE_SIZE + ITEM_BYTES > PAGE_SIZE)
        return items_say("item %p is not in a page of __get_free_page", (void *)item);
    return NULL;
}

const char *items_hold(void *item)
{
    static uint32_t numbers;
    struct item *one = &items.held[items.n];
    const char *fault = place_fault(item);

    if (fault != NULL)
        return fault;
    one->item = item;
    one->number = ++numbers * 2654435769u;
    for (unsigned i = 0; i < WORDS; i++)
        one->item[i] = one->number;
    if (++items.n > items.most)
        items.most = items.n;
    return NULL;
}

const char *items_take(void)
{
    void *item = item_alloc();

    if (item == NULL)
        return "item_alloc gives NULL, and there is memory";
    return items_hold(item);
}

const char *items_take_many(unsigned n)
{
    const char *fault = NULL;

    while (items.n < n && fault == NULL)
        fault = items_take();
    return fault ? fault : items_fault();
}

const char *items_give(unsigned at)
{
    struct item one = items.held[at];
    const char *fault = item_fault(&one);

    if (fault != NULL)
        return fault;
    items.held[at] = items.held[--items.n];     /* first: a lab could look here */
    if (!item_free(one.item))
        return items_say("item %p is in use, and item_free refuses it",
                         (void *)one.item);
    return NULL;
}

const char *items_give_all(void)
{
    const char *fault = NULL;

    while (items.n > 0 && fault == NULL)
        fault = items_give(items.n % 2 ? 0 : items.n - 1);
    return fault;
}
