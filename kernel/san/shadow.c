/*
 * shadow.c - one byte of shadow tells of 8 bytes whether they may be accessed.
 *
 *     memory   | 8 bytes | 8 bytes | 8 bytes |      kmalloc(20): all, all, the first 4
 *     shadow   |   00    |   00    |   04    | fc   and what is behind is a red zone
 *
 *     0 1M     4M              end of the heap     0xe0000000
 *     |  image | heap ...           |              | shadow: of 0, of 8, of 16 ... |
 *              `--------------- memory / 8 + 0xe0000000 ------------------^
 *
 * The place is one that GCC knows (-fasan-shadow-offset): a function with arrays marks
 * what is between them by itself.  It does so with or without us, so the shadow of the
 * image, where the stacks are, is part of the image.  That of the heap is taken from
 * memory before mm gets it, an eighth; where there is no room for it that is said, and
 * stacks and globals alone are checked, and nobody may use a stack that lies elsewhere.
 *
 * Before paging is on there is no shadow: what runs until then is compiled without
 * marks on the stack (Makefile, NO_STACK).
 *
 * It is above what a wild pointer likes to hold, 0xdeadbeef or 0xcccccccc, and code that
 * is checked may not touch it: that is told, and ends the command, as a page fault would.
 *
 * Cost: an eighth of memory; a check is a load and two comparisons for each 8 bytes.
 */
#include "kernel/san/san.h"
#include "kernel/san/san_priv.h"

#include "kernel/cpu/paging.h"
#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/memmap.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/page.h"

#define SHADOW_START ((uintptr_t)SAN_SHADOW)
#define IMAGE_LOW ((uintptr_t)1 << 20)
#define IMAGE_HIGH ((uintptr_t)4 << 20)

static uint8_t image_shadow[(IMAGE_HIGH - IMAGE_LOW) / GRANULE]
    __attribute__((aligned(PAGE_SIZE)));
static uint32_t first_table[1024] __attribute__((aligned(PAGE_SIZE)));
static uintptr_t covered_end;           /* 0: there is no shadow yet */
static bool has_heap;

extern void (*const constructors_start[])(void), (*const constructors_end[])(void);

uint8_t *shadow_of(uintptr_t addr)
{
    return (uint8_t *)(addr / GRANULE + SHADOW_START);
}

bool shadow_covers(uintptr_t addr)
{
    return addr >= IMAGE_LOW && addr < covered_end;
}

bool shadow_is_at(uintptr_t addr)
{
    return covered_end != 0 && addr >= (uintptr_t)shadow_of(IMAGE_LOW) &&
           addr < (uintptr_t)shadow_of(covered_end);
}

bool shadow_has_heap(void)
{
    return has_heap;
}

/* ---- asking ------------------------------------------------------------------ */

/* How many of the granule's bytes may be accessed, from its first on. */
static size_t open_bytes(uintptr_t granule)
{
    uint8_t shadow = *shadow_of(granule);

    return shadow == 0 ? GRANULE : shadow < GRANULE ? shadow : 0;
}

uintptr_t shadow_first_bad(uintptr_t addr, size_t bytes)
{
    uintptr_t end = bytes < covered_end - addr ? addr + bytes : covered_end;

    if (!shadow_covers(addr))
        return 0;                       /* if nothing is there the CPU reports it */
    for (uintptr_t at = addr & ~(uintptr_t)(GRANULE - 1); at < end; at += GRANULE) {
        uintptr_t bad = at + open_bytes(at);

        if (bad < at + GRANULE && bad < end)
            return bad > addr ? bad : addr;
    }
    return 0;
}

/* ---- setting ----------------------------------------------------------------- */

void shadow_set(const void *p, size_t bytes, size_t room, enum shadow why)
{
    uintptr_t start = (uintptr_t)p, end = start + room, rest = start + bytes;

    if (!shadow_covers(start) || end > covered_end)
        return;
    memset(shadow_of(start), 0, bytes / GRANULE);
    if (bytes % GRANULE != 0)
        *shadow_of(rest) = bytes % GRANULE;
    rest = (rest + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
    if (rest < end)
        memset(shadow_of(rest), (int)why, (end - rest + GRANULE - 1) / GRANULE);
}

void shadow_open(uintptr_t start, uintptr_t end)
{
    shadow_set((const void *)start, end - start, end - start, SHADOW_NEVER);
}

/* Who runs on one of these has what called it on the next. */
void san_frames_gone(void)
{
    static const struct {
        const char *start, *end;
    } stacks[] = {
        { report_stack, report_stack_top },
        { command_stack, boot_stack_guard },
        { boot_stack, boot_stack_top },
    };
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        if (address_between(here, stacks[i].start, stacks[i].end)) {
            shadow_open((uintptr_t)stacks[i].start, here);
            return;
        }
        shadow_open((uintptr_t)stacks[i].start, (uintptr_t)stacks[i].end);
    }
}

/* ---- making it --------------------------------------------------------------- */

static void *give_first_table(size_t count, const char *what_for)
{
    (void)count, (void)what_for;
    return first_table;
}

/* Of the memory from 4 MiB to the end.  False: there is no room, or no address. */
static bool map_heap(uintptr_t end)
{
    size_t pages = ((end - IMAGE_HIGH) / GRANULE + PAGE_SIZE - 1) >> PAGE_SHIFT;
    void *memory = end <= SHADOW_START ? memmap_take_pages(pages, "shadow of the heap")
                                       : NULL;

    if (memory == NULL)
        return false;
    memset(memory, 0, pages << PAGE_SHIFT);
    return paging_map((uint32_t)(uintptr_t)shadow_of(IMAGE_HIGH), memory, pages,
                      memmap_take_pages);
}

static uintptr_t end_of_heap(void)
{
    size_t count;
    const struct mm_range *ranges = memmap_free(&count);

    return count == 0 ? 0 : ranges[count - 1].start + ranges[count - 1].bytes;
}

/* Nothing was handed out so far. */
static void close_heap(void)
{
    size_t count;
    const struct mm_range *ranges = memmap_free(&count);

    for (size_t i = 0; i < count; i++)
        shadow_set((const void *)ranges[i].start, 0, ranges[i].bytes, SHADOW_NEVER);
}

void san_init(void)
{
    uintptr_t end = end_of_heap();

    paging_map((uint32_t)(uintptr_t)shadow_of(IMAGE_LOW), image_shadow,
               sizeof(image_shadow) >> PAGE_SHIFT, give_first_table);
    has_heap = end <= IMAGE_HIGH || map_heap(end);
    covered_end = has_heap && end > IMAGE_HIGH ? end : IMAGE_HIGH;
    mm_gaps = has_heap;
    if (has_heap) {
        close_heap();
        pr_info("san: each access is checked; the heap's shadow takes %u kB",
                (unsigned)((covered_end - IMAGE_HIGH) / GRANULE >> 10));
    } else {
        pr_warn("san: no room for the heap's shadow: stacks and globals alone are "
                "checked");
    }
    for (size_t i = 0; i < (size_t)(constructors_end - constructors_start); i++)
        constructors_start[i]();
}
