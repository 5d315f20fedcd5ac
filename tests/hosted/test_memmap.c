/*
 * test_memmap.c - memmap_usable: loaders' maps, by table and at random.  Only type 1,
 * from 1 MiB up, whole pages, nothing reserved, nothing past the limit or 4 GiB.
 */
#define _GNU_SOURCE             /* MAP_32BIT */
#include "tests/hosted/arena.h"
#include "kernel/memmap.h"

#include <string.h>
#include <sys/mman.h>

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

#define MAP_MAX 32
#define LIMIT ((uint64_t)1 << 32)
#define MIB ((uint64_t)1 << 20)

enum { RAM = 1, RES = 2, ACPI = 3, NVS = 4, BAD = 5, UEFI = 0x14 };

struct extent {
    uint64_t start, length;
    uint32_t type;              /* 0 ends a list of them */
};

/* ---- the loader's part -------------------------------------------------------- */

/* Where a 32-bit field can point to. */
static unsigned char *low_memory(void)
{
    static unsigned char *memory;

    if (!memory)
        memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    assert_true(memory != MAP_FAILED && (uintptr_t)memory < LIMIT - 65536);
    return memory;
}

/* A map of n entries, each `size` bytes long without the size field itself. */
static struct multiboot_info make_info(const struct extent *map, size_t n,
                                       uint32_t size)
{
    unsigned char *at = low_memory();
    struct multiboot_info info = {
        .flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MEM_MAP,
        .mem_lower = 639, .mem_upper = 7168,    /* the map decides, not these */
        .mmap_addr = (uint32_t)(uintptr_t)at,
        .mmap_length = (uint32_t)(n * (size + 4)),
    };

    for (size_t i = 0; i < n; i++, at += size + 4) {
        struct multiboot_mmap_entry entry = { size, map[i].start, map[i].length,
                                              map[i].type };

        memset(at, 0x5A, size + 4);
        memcpy(at, &entry, sizeof(entry));
    }
    return info;
}

/* ---- by table ----------------------------------------------------------------- */

struct machine {
    const char *name;
    struct extent map[16], reserved[4];
    uint64_t limit;             /* 0: none */
    uint64_t expected[6][2];    /* start, end; 0 ends it */
};

static const struct machine machines[] = {
    { "SeaBIOS, 64 MiB, kernel and two modules",
      { { 0, 0x9fc00, RAM }, { 0x9fc00, 0x400, RES }, { 0xf0000, 0x10000, RES },
        { 0x100000, 0x3ee0000, RAM }, { 0x3fe0000, 0x20000, RES },
        { 0xfffc0000, 0x40000, RES } },
      { { 0x100000, 0x84321, RES }, { 0x200000, 0x1000, RES },
        { 0x300800, 0x10, RES } },
      0, { { 0x185000, 0x200000 }, { 0x201000, 0x300000 }, { 0x301000, 0x3fe0000 } } },
    { "isapc, to the very top",
      { { 0, 0xa0000, RAM }, { 0x100000, 0x3f00000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0x4000000 } } },
    { "q35, 132 KiB below the top",
      { { 0, 0x9fc00, RAM }, { 0x100000, 0x3edf000, RAM }, { 0x3fdf000, 0x21000, RES },
        { 0xb0000000, 0x10000000, RES } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0x3fdf000 } } },
    { "4 GiB, of which a part lies above",
      { { 0, 0x9fc00, RAM }, { 0x100000, 0xbfee0000, RAM },
        { 0xbffe0000, 0x20000, RES },
        { LIMIT, 0x40000000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0xbffe0000 } } },
    { "8 GiB, one entry across 4 GiB",
      { { 0x100000, 0x1fff00000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, LIMIT } } },
    { "UEFI, with holes, ACPI amid RAM and unknown types",
      { { 0x200000, 0x600000, RAM }, { 0, 0x80000, RAM }, { 0x80000, 0x20000, RES },
        { 0x100000, 0x100000, UEFI }, { 0x808000, 0x4000, RAM },
        { 0x800000, 0x8000, NVS },
        { 0x900000, 0x3000000, RAM }, { 0x3900000, 0x1000, ACPI },
        { 0x3901000, 0x100000, RAM }, { 0x3b00000, 0x100000, 0xffffffff } },
      { { 0x200000, 0x80000, RES } },
      0, { { 0x280000, 0x800000 }, { 0x808000, 0x80c000 }, { 0x900000, 0x3900000 },
           { 0x3901000, 0x3a01000 } } },
    { "v86, whose ROM is called RAM",
      { { 0, 0xa0000, RAM }, { 0xc0000, 0x3f40000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0x4000000 } } },
    { "unsorted and overlapping",
      { { 0x300000, 0x200000, RAM }, { 0x100000, 0x280000, RAM },
        { 0x180000, 0x1000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0x500000 } } },
    { "what is reserved wins, before and after",
      { { 0x200000, 0x1000, RES }, { 0x100000, 0x400000, RAM },
        { 0x300000, 0x800, BAD } },
      { { 0, 0, 0 } },
      0, { { 0x100000, 0x200000 }, { 0x201000, 0x300000 }, { 0x301000, 0x500000 } } },
    { "zero-length entries are nothing",
      { { 0x180000, 0, RES }, { 0x100000, 0x100000, RAM }, { 0x400000, 0, RAM } },
      { { 0x150000, 0, RES } }, 0, { { 0x100000, 0x200000 } } },
    { "an end that wraps at 2^32",
      { { 0x100000, 0x100000, RAM }, { 0xfffff000, 0x2000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x100000, 0x200000 }, { 0xfffff000, LIMIT } } },
    { "ends that wrap at 2^64",
      { { 0x100000, 0x100000, RAM }, { 0x500000, UINT64_MAX, RAM },
        { UINT64_MAX - 0xfff, 0x300000, RAM }, { 0x600000, UINT64_MAX - 5, RES } },
      { { 0, 0, 0 } }, 0, { { 0x100000, 0x200000 }, { 0x500000, 0x600000 } } },
    { "bytes that are no whole page, and halves that make one",
      { { 0x100001, 0x2ffe, RAM }, { 0x200000, 0x800, RAM }, { 0x200800, 0x800, RAM },
        { 0x300fff, 0x1000, RAM } }, { { 0, 0, 0 } },
      0, { { 0x101000, 0x102000 }, { 0x200000, 0x201000 } } },
    { "mem=16M", { { 0, 0x9fc00, RAM }, { 0x100000, 0x3ee0000, RAM } },
      { { 0x100000, 0x50000, RES } }, 16 * MIB, { { 0x150000, 0x1000000 } } },
    { "mem= of no whole page", { { 0x100000, 0x3ee0000, RAM } }, { { 0, 0, 0 } },
      16 * MIB + 4095, { { 0x100000, 0x1000000 } } },
    { "mem= below 1 MiB", { { 0, 0x4000000, RAM } }, { { 0, 0, 0 } }, 640 * 1024,
      { { 0, 0 } } },
    { "all of it is taken", { { 0x100000, 0x100000, RAM } },
      { { 0, 0xffffffff, RES } }, 0, { { 0, 0 } } },
    { "no RAM above 1 MiB", { { 0, 0x9fc00, RAM }, { 0x100000, 0x100000, RES } },
      { { 0, 0, 0 } }, 0, { { 0, 0 } } },
};

/* Three pages, one, two, four: with room for two the largest two, in their order. */
static void of_too_many_ranges_the_largest_are_kept(void **state)
{
    const struct extent map[] = { { 0x100000, 0x3000, RAM }, { 0x110000, 0x1000, RAM },
                                  { 0x120000, 0x2000, RAM }, { 0x130000, 0x4000, RAM } };
    const struct multiboot_info info = make_info(map, 4, 20);

    (void)state;
    for (size_t max = 0; max <= 4; max++) {
        static const uintptr_t starts[5][4] = {
            { 0 }, { 0x130000 }, { 0x100000, 0x130000 }, { 0x100000, 0x120000, 0x130000 },
            { 0x100000, 0x110000, 0x120000, 0x130000 } };
        struct mm_range ranges[4];
        size_t dropped = 77;

        assert_int_equal(memmap_usable(&info, NULL, 0, LIMIT, ranges, max, &dropped), max);
        assert_int_equal(dropped, 4 - max);
        for (size_t i = 0; i < max; i++)
            assert_int_equal(ranges[i].start, starts[max][i]);
    }
}

static size_t count_extents(const struct extent *list, size_t max)
{
    size_t n = 0;

    while (n < max && list[n].type)
        n++;
    return n;
}

static size_t usable(const struct multiboot_info *info, const struct machine *machine,
                     struct mm_range *ranges)
{
    struct mm_range reserved[4];
    size_t n = count_extents(machine->reserved, 4), dropped = 77, got;

    for (size_t i = 0; i < n; i++)
        reserved[i] = (struct mm_range){ (uintptr_t)machine->reserved[i].start,
                                         (size_t)machine->reserved[i].length };
    got = memmap_usable(info, reserved, n, machine->limit ? machine->limit : LIMIT,
                        ranges, MAP_MAX, &dropped);
    assert_int_equal(dropped, 0);
    return got;
}

static void the_machine_has_these_ranges(void **state)
{
    const struct machine *machine = *state;
    size_t n = count_extents(machine->map, 16), got;

    for (uint32_t size = 20; size <= 36; size += 16) {  /* entries may be longer */
        struct multiboot_info info = make_info(machine->map, n, size);
        struct mm_range ranges[MAP_MAX];

        got = usable(&info, machine, ranges);
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(ranges[i].start, machine->expected[i][0]);
            assert_int_equal((uint64_t)ranges[i].start + ranges[i].bytes,
                             machine->expected[i][1]);
        }
        assert_int_equal(machine->expected[got][0], 0);
    }
}

/* ---- what is no table --------------------------------------------------------- */

static const struct machine none = { .name = "none" };

static void without_a_map_mem_upper_is_used(void **state)
{
    struct multiboot_info info = { .flags = MULTIBOOT_INFO_MEMORY, .mem_upper = 7168 };
    struct mm_range ranges[MAP_MAX];

    (void)state;
    assert_int_equal(usable(&info, &none, ranges), 1);
    assert_int_equal(ranges[0].start, MIB);
    assert_int_equal(ranges[0].bytes, 7 * MIB);
    info.mem_upper = UINT32_MAX;                /* 4 TiB: cut, not wrapped */
    assert_int_equal(usable(&info, &none, ranges), 1);
    assert_int_equal((uint64_t)ranges[0].start + ranges[0].bytes, LIMIT);
}

static void without_any_word_of_memory_there_is_none(void **state)
{
    struct multiboot_info info = { .flags = 0, .mem_upper = 7168, .mmap_length = 240 };
    struct mm_range ranges[MAP_MAX];

    (void)state;
    assert_int_equal(usable(&info, &none, ranges), 0);
}

static void a_malformed_entry_ends_the_map(void **state)
{
    static const struct extent map[] = { { 0x100000, 0x100000, RAM },
                                         { 0x300000, 0x100000, RAM } };
    static const uint32_t sizes[] = { 0, 1, 19, 4096, UINT32_MAX, UINT32_MAX - 3 };
    struct mm_range ranges[MAP_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct multiboot_info info = make_info(map, 2, 20);

        memcpy(low_memory() + 24, &sizes[i], sizeof(sizes[i]));
        assert_int_equal(usable(&info, &none, ranges), 1);
        assert_int_equal(ranges[0].bytes, 0x100000);
    }
}

static void ranges_that_do_not_fit_are_counted(void **state)
{
    struct extent map[10];
    struct mm_range ranges[4];
    size_t dropped = 0;

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        map[i] = (struct extent){ (2 + 2 * i) * MIB, MIB, RAM };

    struct multiboot_info info = make_info(map, 10, 20);

    memset(&ranges[3], 0x77, sizeof(ranges[3]));
    assert_int_equal(memmap_usable(&info, NULL, 0, LIMIT, ranges, 3, &dropped), 3);
    assert_int_equal(dropped, 7);
    assert_int_equal(ranges[2].start, 6 * MIB);
    assert_true(all_bytes(&ranges[3], 0x77, sizeof(ranges[3])));
}

/* ---- at random, against a model ----------------------------------------------- */

#define CELL 512u               /* the model looks at every 512 bytes */
#define CELLS 1024u
#define IN_A_PAGE (PAGE_SIZE / CELL)

static void cover(uint8_t *cells, uint32_t start, uint32_t n, uint8_t bit)
{
    for (uint32_t i = start; i < start + n && i < CELLS; i++)
        cells[i] |= bit;
}

/* Random entries around 1 MiB; which pages are left, cell by cell. */
static uint32_t random_map(struct extent *map, uint8_t *cells)
{
    uint32_t n = 1 + arena_random_below(16);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t start = arena_random_below(CELLS);
        uint32_t length = arena_random_below(arena_random_below(2) ? 300 : 40);
        uint32_t type = arena_random_below(3) ? RAM : arena_random_below(7);

        map[i] = (struct extent){ MIB / 2 + (uint64_t)start * CELL,
                                  (uint64_t)length * CELL, type };
        cover(cells, start, length, type == RAM ? 1 : 2);
    }
    return n;
}

static bool page_is_left(const uint8_t *cells, uint32_t page)
{
    if (page * PAGE_SIZE + MIB / 2 < MIB)
        return false;
    for (uint32_t i = 0; i < IN_A_PAGE; i++)
        if (cells[page * IN_A_PAGE + i] != 1)
            return false;
    return true;
}

static bool page_is_given(const struct mm_range *ranges, size_t n, uint32_t page)
{
    uintptr_t addr = (uintptr_t)(MIB / 2) + page * PAGE_SIZE;

    for (size_t i = 0; i < n; i++)
        if (addr >= ranges[i].start && addr - ranges[i].start < ranges[i].bytes)
            return true;
    return false;
}

static void a_page_is_given_if_and_only_if_all_of_it_is_free_ram(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t cells[CELLS] = { 0 };
        struct extent map[17];
        struct mm_range ranges[MAP_MAX];
        uint32_t n = random_map(map, cells);
        struct multiboot_info info = make_info(map, n, 20);
        size_t dropped, got = memmap_usable(&info, NULL, 0, MIB / 2 + CELLS * CELL,
                                            ranges, MAP_MAX, &dropped);

        for (size_t i = 0; i < got; i++) {
            assert_true(ranges[i].bytes > 0);
            assert_int_equal((ranges[i].start | ranges[i].bytes) % PAGE_SIZE, 0);
            assert_true(i == 0 || ranges[i - 1].start + ranges[i - 1].bytes <
                                  ranges[i].start);
        }
        for (uint32_t page = 0; page < CELLS / IN_A_PAGE; page++)
            assert_int_equal(page_is_given(ranges, got, page),
                             page_is_left(cells, page));
    }
}

#define NMACHINES (sizeof(machines) / sizeof(machines[0]))

int main(void)
{
    struct CMUnitTest tests[NMACHINES + 5] = {
        ARENA_TEST(without_a_map_mem_upper_is_used),
        ARENA_TEST(without_any_word_of_memory_there_is_none),
        ARENA_TEST(a_malformed_entry_ends_the_map),
        ARENA_TEST(ranges_that_do_not_fit_are_counted),
        ARENA_TEST(of_too_many_ranges_the_largest_are_kept),
        ARENA_TEST(a_page_is_given_if_and_only_if_all_of_it_is_free_ram),
    };

    for (size_t i = 0; i < NMACHINES; i++)
        tests[i + 5] = (struct CMUnitTest){
            machines[i].name, the_machine_has_these_ranges, arena_setup,
            arena_teardown, (void *)(uintptr_t)&machines[i] };
    return ARENA_RUN(tests);
}
