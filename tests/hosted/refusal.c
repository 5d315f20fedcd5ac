/*
 * refusal.c - see refusal.h.
 */
#include "tests/hosted/refusal.h"

struct arena_state refusal_before;

const struct mm_report *check_refusal(enum mm_bug bug, const char *call,
                                      const char *file, uint32_t line)
{
    const struct mm_report *report = arena_expect(bug, file, (int)line);
    struct mm_stats now = arena_stats();

    arena_expect_silence(file, (int)line);
    _assert_string_equal(report->call, call, file, (int)line);
    arena_assert_site(report->caller, file, line, (int)line);
    arena_assert_same(&refusal_before, file, (int)line);
    _assert_int_equal(now.bad_frees, refusal_before.stats.bad_frees + 1, file,
                      (int)line);
    _assert_int_equal(now.failed, refusal_before.stats.failed, file, (int)line);
    _assert_int_equal(report->fatal, false, file, (int)line);
    return report;
}

void check_what(const struct mm_report *report, enum mm_what_kind kind,
                const void *start, size_t offset, const char *file, int line)
{
    _assert_int_equal(report->what.kind, kind, file, line);
    _assert_int_equal(report->what.start, (uintptr_t)start, file, line);
    _assert_int_equal(report->what.offset, offset, file, line);
    _assert_int_equal((uintptr_t)report->what.addr, (uintptr_t)start + offset, file,
                      line);
}
