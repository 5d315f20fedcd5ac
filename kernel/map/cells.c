/*
 * cells.c - what is drawn: from memory to cells.
 *
 * Cell i is the pages [i * n, i * n + n), n a power of two.  Where it lies on the screen
 * is its number, with the bits dealt out in turn to the column and to the row (Z-order;
 * Morton, A Computer Oriented Geodetic Data Base, 1966):
 *
 *      0  1 |  4  5 |          cell 6  =  0 1 1 0
 *      2  3 |  6  7 |                     | | | `- column, its bit 0
 *     ------+-------+                     | | `--- row, its bit 0
 *      8  9 | 12 13 |                     | `----- column, its bit 1
 *     10 11 | 14 15 |                     `------- row, its bit 1      column 2, row 1
 *
 * A buddy block of order k begins at a multiple of 2^k.  So it is a square if the cells it
 * covers are 1, 4, 16 ..., and half of one, two squares side by side, if they are 2, 8,
 * 32 ...; its buddy is the same figure beside it or below it, and the two joined are the
 * next one.  In rows from left to right a block would be a stripe.
 *
 * A cell has room for two signs.  The rule:
 *
 *     left    of the classes that are in it those of the highest rank, and of these the
 *             one with most bytes: one taken page of 32 is seen
 *     right   the class with most bytes, whatever its rank; but where a block of a cell
 *             or more begins, its order
 *
 * Among equals it is the first class.  Every byte is counted in exactly one class.
 */
#include "kernel/map/cells.h"

#include "mm/page.h"

static struct map {
    const struct class *classes;
    uint32_t first, pages;
    unsigned shift;             /* a cell is 2^shift pages */
    uint32_t bytes[CELLS][MAX_CLASSES];
    char sign[CELLS];
} map;

void cells_begin(const struct class *classes, uint32_t first, uint32_t pages)
{
    map = (struct map){ .classes = classes, .first = first, .pages = pages };
    while (pages > (uint32_t)CELLS << map.shift)
        map.shift++;
}

uint32_t cells_pages(void)
{
    return 1u << map.shift;
}

bool cells_show(uint32_t pfn)
{
    return pfn - map.first < map.pages;
}

uint32_t cells_pages_shown(uint32_t pfn, uint32_t pages)
{
    uint32_t end = pfn + pages, last = map.first + map.pages;

    if (pfn < map.first)
        pfn = map.first;
    if (end > last)
        end = last;
    return end > pfn ? end - pfn : 0;
}

/* Cells are counted up or down; where the sum of both comes first does not matter. */
static void count(unsigned class, uint64_t start, uint32_t bytes, bool up)
{
    unsigned shift = map.shift + PAGE_SHIFT;
    uint64_t at = start, end = start + bytes, base = (uint64_t)map.first << PAGE_SHIFT;

    while (at < end) {
        uint64_t cell = (at - base) >> shift, next = ((cell + 1) << shift) + base;
        uint32_t part = (uint32_t)((next < end ? next : end) - at);

        if (cells_show((uint32_t)(at >> PAGE_SHIFT)))
            map.bytes[cell][class] += up ? part : -part;
        at += part;
    }
}

void cells_add(unsigned class, uint64_t start, uint32_t bytes)
{
    count(class, start, bytes, true);
}

void cells_move(unsigned from, unsigned to, uint64_t start, uint32_t bytes)
{
    count(from, start, bytes, false);
    count(to, start, bytes, true);
}

void cells_begin_block(uint32_t pfn, unsigned order)
{
    if (order >= map.shift && order <= MAX_PAGE_ORDER && cells_show(pfn))
        map.sign[(pfn - map.first) >> map.shift] = "0123456789X"[order];
}

unsigned cells_at(unsigned x, unsigned y)
{
    unsigned cell = 0;

    for (unsigned bit = 0; 1u << bit < CELLS_WIDTH; bit++)
        cell |= (x >> bit & 1) << 2 * bit | (y >> bit & 1) << (2 * bit + 1);
    return cell;
}

/* Is class a to be seen rather than b? */
static bool outdoes(const uint32_t *bytes, unsigned a, unsigned b, bool by_rank)
{
    uint8_t rank_a = map.classes[a].rank, rank_b = map.classes[b].rank;

    if (by_rank && rank_a != rank_b)
        return rank_a > rank_b;
    return bytes[a] > bytes[b];
}

static const struct class *best(const uint32_t *bytes, bool by_rank)
{
    unsigned best = MAX_CLASSES;

    for (unsigned class = 0; class < MAX_CLASSES; class++)
        if (bytes[class] != 0 &&
            (best == MAX_CLASSES || outdoes(bytes, class, best, by_rank)))
            best = class;
    return best == MAX_CLASSES ? NULL : &map.classes[best];
}

struct cell cells_look(unsigned cell)
{
    const uint32_t *bytes = map.bytes[cell];

    return (struct cell){ best(bytes, true), best(bytes, false), map.sign[cell] };
}
