/*
 * buddy_books.c - the teacher's: the area of the lab, and what is wrong with its books.
 *
 *     frames   | before | 0 | 1 | 2 | ... | npages - 1 | behind |
 *                 ^ none of the area's: whoever looks there finds what leads astray
 *
 * The lab's books are public (area.h), so they are walked, and compared with what was
 * handed out, which is noted here.  Each word of what was handed out has its own address
 * in it, and must keep it.  What the lab prints is not asked for.
 *
 * There is another area, of one page, that is taken and given back before each free: so
 * the lab is never right about an area without looking which one it is.
 */
#include "tests/labs/buddy/buddy_books.h"

#include "kernel/string.h"

struct area books_area;

static struct area *const area = &books_area;
static struct area made;        /* what it was when it was made */
static struct frame frames[MOST_PAGES + 2];
static struct frame *before = frames, *behind, beyond;  /* and what both must be */
static uint8_t held[MOST_PAGES];        /* order + 1 of what was handed out, or 0 */

static struct area other;
static struct frame other_frames[3];    /* its only page's is the middle one */
static _Alignas(PAGE_SIZE) unsigned char other_page[PAGE_SIZE];

const char *books_say(const char *fmt, ...)
{
    static char text[80];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return text;
}

/* ---- the area ----------------------------------------------------------- */

static void add_free(uint32_t page, unsigned order)
{
    uint32_t next = area->free[order];

    area->frame[page] = (struct frame){ FREE, order, next, NO_PAGE };
    if (next != NO_PAGE)
        area->frame[next].prev = page;
    area->free[order] = page;
}

void books_lead_astray(enum frame_kind kind, unsigned order)
{
    beyond = (struct frame){ kind, order, NO_PAGE, NO_PAGE };
    *before = *behind = beyond;
}

static void begin_other(void)
{
    const struct frame beside = { INSIDE, LARGEST, NO_PAGE, NO_PAGE };

    other = (struct area){ .start = other_page, .npages = 1, .frame = other_frames + 1 };
    other_frames[0] = other_frames[2] = beside;
    other_frames[1] = (struct frame){ FREE, 0, NO_PAGE, NO_PAGE };
    for (unsigned k = 1; k <= LARGEST; k++)
        other.free[k] = NO_PAGE;
}

/*
 * All of it free, in the largest blocks there can be.  The last of them is the only one
 * whose buddy would begin behind the end: that looks free, and of its order.
 */
void books_begin(uint32_t npages)
{
    unsigned order = LARGEST;

    memset(frames, 0, sizeof(frames));
    books_forget();
    area->npages = npages;
    area->frame = frames + 1;
    behind = area->frame + npages;
    for (unsigned k = 0; k <= LARGEST; k++)
        area->free[k] = NO_PAGE;
    for (uint32_t page = 0; page < npages; page += 1u << order) {
        while (page + (1u << order) > npages)
            order--;
        add_free(page, order);
    }
    books_lead_astray(FREE, order);
    made = *area;
    begin_other();
}

void *books_address(uint32_t page)
{
    return area->start + page * PAGE_SIZE;
}

/* ---- looking at it ------------------------------------------------------ */

/* The block that begins there: A1, A2, and is it whose it should be? */
static const char *block_fault(uint32_t page)
{
    const struct frame *frame = &area->frame[page];
    uint32_t end = page + (1u << frame->order % 32);

    if (frame->kind == INSIDE)
        return books_say("page %u is in no block", (unsigned)page);
    if (frame->order > LARGEST || end > area->npages || page % (end - page))
        return books_say("a block of order %u at page %u: it cannot be there (A1)",
                         frame->order, (unsigned)page);
    if (frame->kind == USED && held[page] != frame->order + 1)
        return books_say("page %u is USED, order %u, and was not handed out so",
                         (unsigned)page, frame->order);
    for (uint32_t i = page; i < end; i++) {
        if (frame->kind == FREE && held[i])
            return books_say("page %u was handed out, and is in a free block",
                             (unsigned)i);
        if (i > page && area->frame[i].kind != INSIDE)
            return books_say("page %u is not INSIDE, but in the block of page %u (A2)",
                             (unsigned)i, (unsigned)page);
    }
    return NULL;
}

/* A3: the list of an order, whose blocks are added to *count. */
static const char *list_fault(unsigned order, uint32_t *count)
{
    uint32_t last = NO_PAGE, page = area->free[order];

    for (; page != NO_PAGE; page = area->frame[page].next) {
        if (page >= area->npages || area->frame[page].kind != FREE ||
            area->frame[page].order != order)
            return books_say("free[%u] has page %u, no free block of order %u (A3)",
                             order, (unsigned)page, order);
        if (area->frame[page].prev != last || ++*count > area->npages)
            return books_say("free[%u] is linked wrongly at page %u (A3)", order,
                             (unsigned)page);
        last = page;
    }
    return NULL;
}

const char *books_fault(void)
{
    const char *fault = NULL;
    uint32_t page = 0, free = 0, listed = 0;

    if (area->npages != made.npages || area->frame != made.frame ||
        area->start != made.start)
        return "start, npages or frame of the area was changed";
    while (page < area->npages && (fault = block_fault(page)) == NULL) {
        free += area->frame[page].kind == FREE;
        page += 1u << area->frame[page].order;
    }
    for (unsigned order = 0; order <= LARGEST && fault == NULL; order++)
        fault = list_fault(order, &listed);
    if (fault == NULL && free != listed)
        return books_say("%u blocks are FREE, and %u are on the lists (A3)",
                         (unsigned)free, (unsigned)listed);
    if (fault == NULL && (memcmp(before, &beyond, sizeof(beyond)) ||
                          memcmp(behind, &beyond, sizeof(beyond))))
        return "there was written beside the frames of the area";
    return fault;
}

const char *books_joined_fault(void)
{
    for (uint32_t page = 0; page < area->npages; page++) {
        const struct frame *frame = &area->frame[page];
        uint32_t other = page ^ 1u << frame->order % 32;
        const struct frame *buddy = &area->frame[other];

        if (frame->kind == FREE && frame->order < LARGEST && other < area->npages &&
            buddy->kind == FREE && buddy->order == frame->order)
            return books_say("pages %u and %u are free buddies, not joined (A4)",
                             (unsigned)page, (unsigned)other);
    }
    return NULL;
}

/* ---- taking and giving -------------------------------------------------- */

bool books_is_held(uint32_t page)
{
    return held[page] != 0;
}

void books_forget(void)
{
    memset(held, 0, sizeof(held));
}

/* The words of the block that is held there. */
static uintptr_t *words_of(uint32_t page, uintptr_t **end)
{
    *end = books_address(page + (1u << (held[page] - 1)));
    return books_address(page);
}

static void hold(uint32_t page, unsigned order)
{
    uintptr_t *end;

    held[page] = (uint8_t)(order + 1);
    for (uintptr_t *word = words_of(page, &end); word < end; word++)
        *word = (uintptr_t)word;
}

static const char *content_fault(uint32_t page)
{
    uintptr_t *end;

    for (uintptr_t *word = words_of(page, &end); word < end; word++)
        if (*word != (uintptr_t)word)
            return books_say("page %u was handed out, and was written to at %p",
                             (unsigned)page, (void *)word);
    return NULL;
}

const char *books_contents_fault(void)
{
    const char *fault = NULL;

    for (uint32_t page = 0; page < area->npages && fault == NULL; page++)
        if (held[page])
            fault = content_fault(page);
    return fault;
}

const char *books_take(unsigned order, uint32_t *page)
{
    unsigned char *block = area_alloc(area, order);
    size_t offset = (size_t)(block - area->start);
    uint32_t end;

    *page = NO_PAGE;
    if (block == NULL) {
        for (unsigned k = order; k <= LARGEST; k++)
            if (area->free[k] != NO_PAGE)
                return books_say("area_alloc gives NULL for order %u: free[%u] has one",
                                 order, k);
        return NULL;
    }
    if (offset % PAGE_SIZE || offset / PAGE_SIZE >= area->npages ||
        held[offset / PAGE_SIZE])
        return books_say("area_alloc gives %p: no page, or not a free one",
                         (void *)block);
    *page = (uint32_t)(offset / PAGE_SIZE);
    end = *page + (1u << order);
    if (end > area->npages)
        return books_say("area_alloc gives page %u for order %u: that ends behind the area",
                         (unsigned)*page, order);
    hold(*page, order);
    return NULL;
}

/* The page of the other area, to and fro. */
static const char *use_other(void)
{
    if (area_alloc(&other, 0) != other_page)
        return "area_alloc does not give the page of another area, which is free";
    if (!area_free(&other, other_page))
        return "area_free refuses the page of another area, which is in use";
    return NULL;
}

const char *books_give(uint32_t page)
{
    const char *fault = content_fault(page);

    if (fault == NULL)
        fault = use_other();
    if (fault != NULL)
        return fault;
    held[page] = 0;             /* first: a lab could ask whether it is held */
    if (!area_free(area, books_address(page)))
        return books_say("page %u was handed out, and area_free refuses it",
                         (unsigned)page);
    return NULL;
}

const char *books_take_all(unsigned order)
{
    const char *fault;
    uint32_t page, pages = 0;

    while ((fault = books_take(order, &page)) == NULL && page != NO_PAGE)
        pages += 1u << order;
    if (fault == NULL && pages != area->npages)
        return books_say("only %u of %u pages are to be had", (unsigned)pages,
                         (unsigned)area->npages);
    return fault ? fault : books_fault();
}

const char *books_give_all(void)
{
    const char *fault = NULL;

    for (uint32_t page = 0; page < area->npages && fault == NULL; page++)
        if (held[page])
            fault = books_give(page);
    return fault ? fault : books_fault();
}

const char *books_refuse(void *block, const char *what)
{
    static struct frame old_frames[MOST_PAGES + 2];
    struct area old = *area;

    memcpy(old_frames, frames, sizeof(frames));
    if (area_free(area, block))
        return books_say("%s (%p) was not refused", what, block);
    if (memcmp(&old, area, sizeof(old)) || memcmp(old_frames, frames, sizeof(frames)))
        return books_say("%s (%p) was refused, but changed the books", what, block);
    return NULL;
}
