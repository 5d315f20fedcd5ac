/*
 * innocent.c - lesson 7: the innocent is blamed.
 *
 * An address is no name.  What is freed is given out again, to somebody else, and
 * a stale pointer then points to his object.  A kfree by it is right in all that
 * can be proved: the object came from kmalloc, and is out.  It is refused to the
 * next who frees it, its owner.
 *
 *     a = kmalloc()       a's
 *     kfree(a)            nobody's
 *     b = kmalloc()       b's, at the same address
 *     kfree(a)            accepted: the mistake
 *     kfree(b)            "double free": the innocent
 *
 * What helps: quarantine=64K holds freed objects back for a while, so that their
 * addresses come not at once again; and who freed it is in the report.
 *
 * Try it
 *     kmalloc 100; kfree $1; kmalloc 100  on a fresh machine: $1, then $2
 *     kfree $1; kfree $2          which of them is refused?
 *     params quarantine=64K       and the same again with $3, $4
 *
 * Questions
 *   1. The report says "freed by" a line.  Which of the two mistakes is that?
 *   2. Why is the newest freed object given out first?
 *   3. Set pointers to NULL behind kfree: which of all this does it prevent, and
 *      which not?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "mm/slab.h"

static uint32_t refused(void)
{
    struct mm_stats stats;

    stats_get(&stats);
    return stats.bad_frees;
}

/* The stale pointer is used first, then the rightful one: which call is refused? */
static uint32_t refused_of(size_t first, size_t second, const char *quarantine)
{
    unsigned stale = lesson_next_pointer(), right = stale + 1;
    uint32_t before, between;

    lesson_do("params quarantine=%s", quarantine);
    lesson_do("kmalloc %u; kfree $%u; kmalloc %u", (unsigned)first, stale, (unsigned)second);
    before = refused();
    lesson_do("kfree $%u", stale);
    between = refused();
    lesson_do("kfree $%u", right);
    return between != before ? 0 : refused() != between ? 1 : 2;
}

static void innocent(struct lesson_run *run)
{
    size_t first = lesson_number(run, 97, 128), second = lesson_number(run, 97, 128);
    static const char *const choices = "the first, by the stale pointer|the second, by the owner|"
                                       "neither";

    lesson_say("a = kmalloc(%u); kfree(a); b = kmalloc(%u): both fit into the same cache.  Then "
               "somebody frees by a once more, and after that b's owner frees b.",
               (unsigned)first, (unsigned)second);
    if (!lesson_choose(run, choices, "Which of these two calls of kfree is refused?"))
        return;
    lesson_is(run, refused_of(first, second, "0"),
              "b got a's address.  The stale pointer named a live object, which is all that can "
              "be proved.  So the report blames who is innocent; its line \"freed by\" names "
              "the other.");
    if (!lesson_choose(run, choices, "The same with quarantine=64K, which holds back what was "
                       "freed last.  Which is refused?"))
        return;
    lesson_is(run, refused_of(first, second, "64K"),
              "Now b lies elsewhere, and a is known as freed.  Linux has the same in KASAN.  "
              "It costs memory, so it is for looking, not for always.");
}

LESSON(7, innocent, "The innocent is blamed", "the report names the guilty line",
       "params quarantine=64K; kmalloc 100; kfree $; kmalloc 100", innocent);
