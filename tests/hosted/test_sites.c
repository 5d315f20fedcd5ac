/*
 * test_sites.c - the table of return addresses, until it is full and beyond.  Nothing
 * empties it, so this needs a program of its own.
 */
#include "tests/hosted/arena.h"

#include <string.h>

#define ROOM 255u               /* entries but the one that the others share */

static void *held[300];
static uint32_t nheld;

/* Each TAKE in the text is a call with a return address of its own. */
#define TAKE held[nheld++] = (kmalloc)(8, GFP_KERNEL);
#define TEN(x) x x x x x x x x x x

static __attribute__((noinline)) const struct alloc_site *take_here(void)
{
    void *p = (kmalloc)(8, GFP_KERNEL);

    return arena_what(p).taken_by;
}

static uint32_t sites_with_address(void)
{
    uint32_t n = 0;

    for (struct alloc_site *site = mm_sites(); site < mm_sites_end(); site++)
        n += !site->file && site->address != 0;
    return n;
}

static const struct alloc_site *site_of_held(uint32_t i)
{
    return arena_what(held[i]).taken_by;
}

static void return_addresses_are_sites_and_when_full_the_rest_shares_one(void **state)
{
    const struct alloc_site *here = take_here(), *shared;

    (void)state;
    TEN(TEN(TAKE)) TEN(TEN(TAKE))
    assert_int_equal(sites_with_address(), 201);
    assert_int_equal(mm_sites_lost(), 0);
    TEN(TEN(TAKE))
    assert_int_equal(sites_with_address(), ROOM);
    assert_int_equal(mm_sites_lost(), 301 - ROOM);
    shared = site_of_held(299);
    assert_null(shared->file);
    assert_int_equal(shared->address, 0);
    mm_count_sites(0);
    for (uint32_t i = 0; i < 300; i++) {
        const struct alloc_site *site = site_of_held(i);

        assert_int_equal(site == shared, i >= ROOM - 1);
        assert_int_equal(site->objects, i >= ROOM - 1 ? 301 - ROOM : 1);
        if (i > 0 && i < ROOM - 1)
            assert_true(site->address > site_of_held(i - 1)->address);
    }
    assert_ptr_equal(take_here(), here);        /* it is still found */
    assert_int_equal(mm_sites_lost(), 301 - ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(return_addresses_are_sites_and_when_full_the_rest_shares_one),
    };

    return ARENA_RUN(tests);
}
