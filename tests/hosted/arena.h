/*
 * arena.h - what the hosted tests stand on: memory for mm, an ear for its
 * reports, and a picture of its state to compare.
 *
 * Every test starts in a fresh, dirty heap (ARENA_TEST) and ends with a proof that
 * mm is whole and that it reported nothing but what the test expected.
 */
#ifndef TESTS_HOSTED_ARENA_H
#define TESTS_HOSTED_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mm/mm.h"
#include "mm/watch/dials.h"
#include "mm/watch/stack.h"

/* ---- memory ---------------------------------------------------------------- */

#define ARENA_BYTES ((size_t)64 << 20)
#define ARENA_PAGES ((uint32_t)(ARENA_BYTES / PAGE_SIZE))
#define ARENA_DIRT 0xA5         /* real memory is not zero at first */

/* ARENA_BYTES of memory, aligned to the largest block. */
unsigned char *arena_memory(void);

/* mm_init on `pages` dirty pages, `offset` pages behind a 4 MiB boundary. */
void arena_open(uint32_t pages, uint32_t offset);

/* mm_init on these ranges of arena_memory(), all of whose first `bytes` is dirt. */
void arena_open_ranges(const struct mm_range *ranges, size_t count, size_t bytes);

/* ---- reports --------------------------------------------------------------- */

/* The oldest report that was not looked at yet; it must be of this kind. */
#define expect_report(bug) arena_expect(bug, __FILE__, __LINE__)
const struct mm_report *arena_expect(enum mm_bug bug, const char *file, int line);

/* The same, where either of two names would be true. */
#define expect_either(one, other) arena_expect_either(one, other, __FILE__, __LINE__)
const struct mm_report *arena_expect_either(enum mm_bug one, enum mm_bug other,
                                            const char *file, int line);

/* Nothing was reported since. */
#define expect_silence() arena_expect_silence(__FILE__, __LINE__)
void arena_expect_silence(const char *file, int line);

/* Drop what was not looked at yet; how many reports that were. */
unsigned arena_drop_reports(void);

/* ---- state ----------------------------------------------------------------- */

/* mm_check() finds nothing, and no page is counted twice or not at all. */
#define arena_check() arena_check_at(__FILE__, __LINE__)
void arena_check_at(const char *file, int line);

/* All that can be seen from outside, but for the two counters of refusals. */
struct arena_state {
    struct mm_stats stats;
    uint64_t live, caches;      /* hashes over the walks */
};

struct arena_state arena_state(void);

#define assert_same_state(before) arena_assert_same(before, __FILE__, __LINE__)
void arena_assert_same(const struct arena_state *before, const char *file, int line);

/* Free blocks of every order, after all empty slabs went back, are as before. */
#define assert_same_blocks(before) arena_assert_blocks(before, __FILE__, __LINE__)
void arena_assert_blocks(const struct mm_stats *before, const char *file, int line);

struct mm_stats arena_stats(void);

/* The named cache's numbers; the cache must exist. */
struct mm_cache_info arena_cache(const char *name);

/* What mm says about an address. */
struct mm_what arena_what(const void *addr);

/* ---- small things ---------------------------------------------------------- */

/* mm_set_dial, which must take it. */
void set_dial(const char *name, const char *value);

/* The same in every run of one seed (MARBLES_SEED). */
uint32_t arena_random(void);
uint32_t arena_random_below(uint32_t n);
void arena_shuffle(void **table, uint32_t n);

/* What tries one of so many tries one of MARBLES_EVERY, if that is set. */
unsigned arena_every(unsigned usual);

/* Are all n bytes at p equal to byte? */
bool all_bytes(const void *p, int byte, size_t n);

/* A number the compiler cannot see through: for sizes that it would warn of. */
size_t opaque(size_t n);

/* Is this site in that file, on that line? */
#define assert_site(site, at) arena_assert_site(site, __FILE__, at, __LINE__)
void arena_assert_site(const struct alloc_site *site, const char *file, uint32_t at,
                       int line);

/* ---- running --------------------------------------------------------------- */

int arena_setup(void **state);
int arena_teardown(void **state);
#define ARENA_TEST(f) cmocka_unit_test_setup_teardown(f, arena_setup, arena_teardown)

/* Dials that arena_setup sets, up to a name NULL; NULL: none. */
struct arena_dial {
    const char *name, *value;
};

extern const struct arena_dial *arena_dials;

/* Each alone, and some together; the last entry has no name. */
extern const struct arena_dial arena_every_dial[][4];

/* Prints the seed, and after a failure the command that repeats it. */
void arena_before(void);
int arena_after(int failures);
#define ARENA_RUN(tests) \
    (arena_before(), arena_after(cmocka_run_group_tests(tests, NULL, NULL)))

/* The same tests with no dial, and then with every one of arena_every_dial. */
#define ARENA_RUN_WITH_DIALS(tests)                                           \
    (__extension__({                                                          \
        int failures_ = ARENA_RUN(tests);                                     \
        for (size_t i_ = 0; arena_every_dial[i_][0].name; i_++) {             \
            arena_dials = arena_every_dial[i_];                               \
            failures_ += ARENA_RUN(tests);                                    \
        }                                                                     \
        failures_;                                                            \
    }))

#endif
