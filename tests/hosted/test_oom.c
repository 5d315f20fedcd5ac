/*
 * test_oom.c - when there is no memory left: NULL, one report, nothing changed; and
 * what must not fail is fatal.
 */
#include "tests/hosted/arena.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fill the heap with objects of one size; how many.  They hang on a chain. */
static uint32_t fill_heap(void ***chain, size_t size, gfp_t gfp)
{
    void **p;
    uint32_t n = 0;

    *chain = NULL;
    while ((p = kmalloc(size, gfp | __GFP_NOWARN))) {
        *p = *chain;
        *chain = p;
        n++;
    }
    return n;
}

static void free_chain(void **chain)
{
    while (chain) {
        void **next = *chain;

        kfree(chain);
        chain = next;
    }
}

static void out_of_memory_is_null_and_one_free_recovers(void **state)
{
    static const size_t sizes[] = { 8, 24, 192, 1000, 4096, 8192, 20000 };

    (void)state;
    arena_open(300, 77);

    struct mm_stats start = arena_stats();

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void **chain, **first;
        uint32_t n = fill_heap(&chain, sizes[i], GFP_KERNEL), line;
        struct arena_state full = arena_state();

        assert_int_equal(full.stats.live_objects, n);
        assert_null(kmalloc(sizes[i], GFP_KERNEL)); line = __LINE__;

        const struct mm_report *report = expect_report(MM_OUT_OF_MEMORY);

        assert_int_equal(report->bytes, sizes[i]);
        assert_int_equal(report->gfp, GFP_KERNEL);
        assert_string_equal(report->call, "kmalloc");
        assert_site(report->caller, line);
        assert_same_state(&full);
        first = *chain;
        kfree(chain);
        assert_non_null(chain = kmalloc(sizes[i], GFP_KERNEL));
        *chain = first;
        free_chain(chain);
        assert_same_blocks(&start);
    }
}

static void empty_slabs_go_back_before_a_request_fails(void **state)
{
    void **chain;

    (void)state;
    arena_open(300, 0);

    uint32_t n = fill_heap(&chain, 64, GFP_KERNEL);

    free_chain(chain);
    assert_true(n > 100);
    assert_true(fill_heap(&chain, PAGE_SIZE, GFP_KERNEL) >= n * 64 / PAGE_SIZE / 2);
    assert_int_equal(arena_stats().empty_slab_pages, 0);
    free_chain(chain);
}

static void noretry_fails_rather_than_take_empty_slabs_back(void **state)
{
    struct kmem_cache *cache = NULL;
    void **chain, *object;

    (void)state;
    arena_open(300, 0);
    cache = kmem_cache_create("idle", 2000, 0, 0, NULL);
    object = kmem_cache_alloc(cache, GFP_KERNEL);
    fill_heap(&chain, PAGE_SIZE, GFP_KERNEL);
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        ;
    kmem_cache_free(cache, object);
    assert_true(arena_stats().empty_slab_pages > 0);
    assert_null(alloc_page(GFP_KERNEL | __GFP_NORETRY));
    expect_report(MM_OUT_OF_MEMORY);
    assert_true(arena_stats().empty_slab_pages > 0);
    assert_non_null(alloc_page(GFP_KERNEL));
    assert_int_equal(arena_stats().empty_slab_pages, 0);
}

static void a_cache_without_memory_is_no_harm(void **state)
{
    struct kmem_cache *cache = NULL;
    struct arena_state before;
    void **chain;
    uint32_t line;

    (void)state;
    arena_open(64, 0);
    cache = kmem_cache_create("poor", 700, 0, 0, NULL);
    fill_heap(&chain, PAGE_SIZE, GFP_KERNEL);
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        ;
    before = arena_state();
    assert_null(kmem_cache_alloc(cache, GFP_KERNEL)); line = __LINE__;

    const struct mm_report *report = expect_report(MM_OUT_OF_MEMORY);

    assert_string_equal(report->call, "kmem_cache_alloc");
    assert_int_equal(report->bytes, 700);
    assert_site(report->caller, line);
    assert_same_state(&before);
    free_chain(chain);
    assert_non_null(kmem_cache_zalloc(cache, GFP_KERNEL));
}

static void copies_without_memory_are_null(void **state)
{
    void **chain;

    (void)state;
    arena_open(64, 0);
    fill_heap(&chain, 8, GFP_KERNEL);
    assert_null(kmemdup(&chain, sizeof(chain), GFP_KERNEL));
    assert_string_equal(expect_report(MM_OUT_OF_MEMORY)->call, "kmemdup");
    assert_null(kstrdup("marbles", GFP_KERNEL));
    assert_string_equal(expect_report(MM_OUT_OF_MEMORY)->call, "kstrdup");
    assert_null(kstrndup("marbles", 3, GFP_KERNEL));
    assert_string_equal(expect_report(MM_OUT_OF_MEMORY)->call, "kstrndup");
    free_chain(chain);
}

/* There is nothing to clear, and nothing is touched. */
static void zeroed_memory_that_cannot_be_had_is_null(void **state)
{
    const gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;

    (void)state;
    arena_open(64, 0);
    assert_null(kmalloc(PAGE_SIZE << 7, gfp));
    assert_null(alloc_pages(gfp, 7));
    assert_int_equal(__get_free_pages(gfp, MAX_PAGE_ORDER), 0);
    assert_null(alloc_pages_exact(PAGE_SIZE << 7, gfp));
    assert_int_equal(arena_stats().failed, 4);
    arena_check();
}

static jmp_buf out_of_fatal;
static struct mm_report fatal_report;

static void leave_by_jump(const struct mm_report *report)
{
    fatal_report = *report;
    if (report->fatal)
        longjmp(out_of_fatal, 1);
}

static void nofail_at_exhaustion_is_a_fatal_report(void **state)
{
    void **chain;

    (void)state;
    arena_open(64, 0);
    fill_heap(&chain, PAGE_SIZE, GFP_KERNEL);
    mm_report_hook = leave_by_jump;
    if (setjmp(out_of_fatal) == 0) {
        assert_null(kmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL));
        fail_msg("a request that must not fail came back");
    }
    assert_int_equal(fatal_report.bug, MM_OUT_OF_MEMORY);
    assert_true(fatal_report.fatal);
    assert_true(fatal_report.gfp & __GFP_NOFAIL);
    arena_check();
}

static void mm_traps_when_a_fatal_report_returns(void **state)
{
    void **chain;
    int status = 0;

    (void)state;
    arena_open(64, 0);
    fill_heap(&chain, PAGE_SIZE, GFP_KERNEL);

    pid_t child = fork();

    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        signal(SIGILL, SIG_DFL);
        mm_report_hook = NULL;
        _exit(kmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL) ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Every other page is free: there is no slab of more than one, but room for objects. */
static uint32_t leave_single_pages(void)
{
    void **chain = NULL, **p;
    uint32_t n = 0;

    while ((p = (void **)__get_free_page(GFP_KERNEL | __GFP_NOWARN))) {
        *p = chain;
        chain = p;
    }
    for (; chain; chain = p) {
        p = *chain;
        if ((uintptr_t)chain / PAGE_SIZE % 2) {
            free_page((unsigned long)chain);
            n++;
        }
    }
    return n;
}

static void kmalloc_takes_a_page_of_its_own_where_no_slab_can_be_had(void **state)
{
    static const size_t sizes[] = { 8, 64, 512, 700, 1024, 2000, 2048, 3000, 4096 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void **chain, **p;

        arena_open(200, 0);

        uint32_t pages = leave_single_pages(), n = fill_heap(&chain, sizes[i], GFP_KERNEL);

        assert_int_equal(arena_stats().free_pages, 0);
        assert_true(n >= pages);
        for (p = chain; p; p = *p) {
            assert_int_equal((uintptr_t)p % (sizes[i] & -sizes[i]), 0);
            assert_true(ksize(p) >= sizes[i]);
        }
        arena_check();
        free_chain(chain);
        mm_reclaim();
        assert_int_equal(arena_stats().free_pages, pages);
        assert_int_equal(arena_stats().bad_frees, 0);
        arena_drop_reports();
    }
}

static void what_wants_more_than_single_pages_says_that_there_are_some(void **state)
{
    struct kmem_cache *cache;

    (void)state;
    arena_open(200, 0);
    cache = kmem_cache_create("wide", 3000, 0, 0, NULL);
    leave_single_pages();
    assert_null(kmem_cache_alloc(cache, GFP_KERNEL));
    assert_non_null(strstr(expect_report(MM_OUT_OF_MEMORY)->problem, "side by side"));
    assert_null(kmalloc(8192, GFP_KERNEL));
    assert_non_null(strstr(expect_report(MM_OUT_OF_MEMORY)->problem, "side by side"));
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        ;
    assert_null(kmem_cache_alloc(cache, GFP_KERNEL));
    assert_null(expect_report(MM_OUT_OF_MEMORY)->problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(out_of_memory_is_null_and_one_free_recovers),
        ARENA_TEST(empty_slabs_go_back_before_a_request_fails),
        ARENA_TEST(noretry_fails_rather_than_take_empty_slabs_back),
        ARENA_TEST(a_cache_without_memory_is_no_harm),
        ARENA_TEST(kmalloc_takes_a_page_of_its_own_where_no_slab_can_be_had),
        ARENA_TEST(what_wants_more_than_single_pages_says_that_there_are_some),
        ARENA_TEST(copies_without_memory_are_null),
        ARENA_TEST(zeroed_memory_that_cannot_be_had_is_null),
        ARENA_TEST(nofail_at_exhaustion_is_a_fatal_report),
        ARENA_TEST(mm_traps_when_a_fatal_report_returns),
    };

    return ARENA_RUN(tests);
}
