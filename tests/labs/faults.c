/*
 * faults.c - the mistakes that a CPU notices, one command each word.
 *
 *     marbles> fault null-read
 *
 * Each mistake has a function of its own, never inlined, so that the report can be
 * held against its name.  `volatile` and the empty asm keep the compiler from
 * seeing the mistake, for it would leave it out.
 */
#include "kernel/cpu/timer.h"
#include "kernel/image.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "mm/slab_priv.h"

#define FAULT __attribute__((noinline)) static void

/* A pointer that the compiler knows nothing about. */
static volatile int *hidden(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile int *)address;
}

FAULT fault_divide(void)
{
    int low = 1, high = 0;

    __asm__ volatile("idivl %2" : "+a"(low), "+d"(high) : "r"(0) : "cc");
}

FAULT fault_opcode(void)
{
    __asm__ volatile("ud2");
}

FAULT fault_null_read(void)
{
    kprintf("%d\n", *hidden(0));
}

FAULT fault_null_write(void)
{
    *hidden(8) = 1;
}

FAULT fault_null_call(void)
{
    ((void (*)(void))(uintptr_t)hidden(0))();
    kprintf("it came back\n");
}

FAULT fault_zero_size(void)
{
    *hidden((uintptr_t)kmalloc(0, GFP_KERNEL)) = 1;
}

FAULT fault_text_write(void)
{
    *hidden((uintptr_t)text_start) = 1;
}

FAULT fault_assert(void)
{
    KASSERT(*hidden((uintptr_t)text_start) == 0);
}

__attribute__((noinline)) static int fault_stack(int depth)
{
    volatile char room[512];

    room[0] = (char)depth;
    return depth < 0 ? 0 : fault_stack(depth + 1) + room[0];
}

FAULT fault_stack_overflow(void)
{
    kprintf("%d\n", fault_stack(0));
}

/* Fill an array of 16 bytes, with that many. */
__attribute__((noinline)) static void fill_array(int bytes)
{
    char array[16];
    volatile char *at = (volatile char *)hidden((uintptr_t)array);

    for (int i = 0; i < bytes; i++)
        at[i] = 'x';
}

FAULT fault_array_filled(void)
{
    fill_array(16);
}

FAULT fault_array_overrun(void)
{
    fill_array(17);
}

FAULT fault_array_overrun_far(void)
{
    fill_array(100);
}

/* What a stray write into mm's own structures can lead to. */
static void spoil_caches(void)
{
    for (unsigned i = FIRST_KMALLOC_CACHE; i < FIRST_FREE_CACHE; i++)
        caches[i].word = (uint32_t *)(uintptr_t)0xf0000000;
}

FAULT fault_in_kmalloc(void)
{
    spoil_caches();
    kprintf("%p\n", kmalloc(60, GFP_KERNEL));
}

FAULT fault_in_kzalloc(void)
{
    spoil_caches();
    kprintf("%p\n", kzalloc(60, GFP_KERNEL));
}

FAULT fault_under_free_pages(void)
{
    struct page *block = alloc_pages(GFP_KERNEL, 3);

    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        heap.buddy.free[order] = 0x70000000;
    heap.buddy.mended = (void (*)(const char *, uint32_t))(uintptr_t)0xf0000000;
    __free_pages(block, 3);
    kprintf("it came back\n");
}

/* What mm calls is not mm: a constructor, and a callback that looks at what is live. */
static void faulty_constructor(void *object)
{
    *hidden(0) = *(char *)object;
}

FAULT fault_in_constructor(void)
{
    struct kmem_cache *cache = kmem_cache_create("faulty", 64, 0, 0, faulty_constructor);

    kprintf("%p\n", kmem_cache_alloc(cache, GFP_KERNEL));
}

/* A handler that comes while mm is at work: the timer's, while it constructs. */
static void faulty_handler(void *unused)
{
    (void)unused;
    if (mm_state & MM_BUSY)
        *hidden(0) = 1;
}

static void slow_constructor(void *object)
{
    uint32_t begin = timer_ticks();

    while (timer_ticks() - begin < 3)
        *(volatile char *)object = 1;
}

FAULT fault_in_handler(void)
{
    struct kmem_cache *cache = kmem_cache_create("slow", 64, 0, 0, slow_constructor);

    timer_every_tick(faulty_handler, NULL);
    kprintf("%p\n", kmem_cache_alloc(cache, GFP_KERNEL));
}

/* Far behind NULL; where a loader leaves what it has to say. */
FAULT fault_far_null(void)
{
    hidden(0)[5000] = 1;
}

FAULT fault_low_memory(void)
{
    for (uintptr_t at = 0xb000; at > 0x9000; at -= 4)
        *hidden(at) = -1;
}

/* Downwards from an object, until somebody stops it. */
FAULT fault_downwards(void)
{
    volatile int *at = hidden((uintptr_t)kmalloc(64, GFP_KERNEL));

    for (;;)
        *at-- = -1;
}

FAULT fault_symbols(void)
{
    *hidden((uintptr_t)symbols_start) = -1;
}

FAULT fault_freed_pointer(void)
{
    *hidden(0x6b6b6b6b + 8) = 1;
}

FAULT fault_own_code(void)
{
    *hidden((uintptr_t)fault_own_code) = 1;
}

static bool faulty_callback(const struct mm_what *what, void *arg)
{
    (void)arg;
    *hidden(0) = (int)what->serial;
    return true;
}

FAULT fault_in_callback(void)
{
    if (kmalloc(60, GFP_KERNEL) != NULL)
        mm_walk_live(faulty_callback, NULL);
}

static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
    { "divide", fault_divide },
    { "opcode", fault_opcode },
    { "null-read", fault_null_read },
    { "null-write", fault_null_write },
    { "null-call", fault_null_call },
    { "zero-size", fault_zero_size },
    { "text-write", fault_text_write },
    { "assert", fault_assert },
    { "in-kmalloc", fault_in_kmalloc },
    { "in-kzalloc", fault_in_kzalloc },
    { "under-free-pages", fault_under_free_pages },
    { "in-constructor", fault_in_constructor },
    { "in-callback", fault_in_callback },
    { "in-handler", fault_in_handler },
    { "far-null", fault_far_null },
    { "low-memory", fault_low_memory },
    { "downwards", fault_downwards },
    { "symbols", fault_symbols },
    { "freed-pointer", fault_freed_pointer },
    { "own-code", fault_own_code },
    { "stack", fault_stack_overflow },
    { "array-filled", fault_array_filled },
    { "array-overrun", fault_array_overrun },
    { "array-overrun-far", fault_array_overrun_far },
};

static int cmd_fault(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strcmp(argv[1], faults[i].name) == 0) {
            faults[i].make();
            kprintf("nothing happened\n");
            return SHELL_FAILED;
        }
    return shell_usage("one KIND of fault");
}

SHELL_COMMAND(fault, "KIND", "make a mistake that the CPU notices", cmd_fault);
