/*
 * blocks_json.c - heapmap -j: a row a block, for programs.
 *
 * Printing takes long, and interrupts are on meanwhile.  So blocks are taken into a
 * table, as many as there is room for, and then told; and so on behind the last one.  Each
 * table is of one moment, and the last row says how many moments there were: where it is one,
 * as in any heap with at most BLOCKS blocks, the sums are those of that moment.
 */
#include "kernel/map/map_priv.h"

#include "kernel/map/blocks.h"
#include "kernel/shell.h"

enum { BLOCKS = 512 };

static struct table {
    struct block block[BLOCKS];
    unsigned count;
} table;

static struct sums {
    unsigned blocks, pages, free_pages, objects, moments;
} sums;

static bool take(const struct block *block, void *arg)
{
    const uint32_t *end = arg;

    if (block->pfn >= *end || table.count == BLOCKS)
        return false;
    table.block[table.count++] = *block;
    return true;
}

static void print_order(const struct block *block)
{
    if (block->order == NO_ORDER)
        kprintf("null");
    else
        kprintf("%u", block->order);
}

static void print_block(const struct block *block)
{
    kprintf("{\"start\": \"0x%08x\", \"bytes\": %llu, \"order\": ",
            (unsigned)block->pfn << PAGE_SHIFT,
            (unsigned long long)block->pages << PAGE_SHIFT);
    print_order(block);
    kprintf(", \"kind\": \"%s\", \"cache\": ", block_kind_name(block->kind));
    if (block->cache != NULL)
        json_string(block->cache);
    else
        kprintf("null");
    kprintf(", \"objects\": %u}\n", (unsigned)block->objects);
}

static void add(const struct block *block)
{
    if (block->kind == BLOCK_HOLE)
        return;
    sums.blocks++;
    sums.pages += block->pages;
    sums.free_pages += block->kind == BLOCK_FREE ? block->pages : 0;
    sums.objects += block->objects;
}

/* Those from page number `from` on.  The first that was not told, or end. */
static uint32_t tell_from(uint32_t from, uint32_t end)
{
    const struct block_visitor visitor = { take, NULL, &end };

    table.count = 0;
    blocks_walk(from, &visitor);
    sums.moments++;
    for (unsigned i = 0; i < table.count && !shell_interrupted(); i++) {
        const struct block *block = &table.block[i];

        print_block(block);
        add(block);
        from = block->pfn + block->pages;
    }
    return table.count < BLOCKS ? end : from;
}

int map_blocks_json(uint32_t first, uint32_t pages)
{
    sums = (struct sums){ .blocks = 0 };
    for (uint32_t from = first; from < first + pages && !shell_interrupted(); )
        from = tell_from(from, first + pages);
    if (shell_interrupted())
        return SHELL_FAILED;
    kprintf("{\"summary\": true, \"blocks\": %u, \"total_kb\": %u, \"free_kb\": %u, "
            "\"objects\": %u, \"moments\": %u}\n", sums.blocks,
            sums.pages << (PAGE_SHIFT - 10), sums.free_pages << (PAGE_SHIFT - 10),
            sums.objects, sums.moments);
    return SHELL_OK;
}
