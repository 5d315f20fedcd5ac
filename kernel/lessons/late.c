/*
 * late.c - lesson 8: too late.
 *
 * Who writes past the end of his object, or into one that he has freed, is not
 * stopped: that memory exists, and the CPU lets him.  What comes of it is seen
 * later, elsewhere, or never.  Debugging kernels lay traps, each for its price:
 *
 *     red zones (slub_debug=Z)   a pattern behind each object: kfree looks at it
 *     poison (slub_debug=P)      a pattern in what is free: the next kmalloc looks
 *     init_on_alloc=1            nobody sees what others have left
 *     kfence.every=1             the very instruction: a page that is not there
 *
 * Try it
 *     kmalloc 100; poke $+100; kfree $            nothing
 *     params slub_debug=FZPU                      and the same again
 *     params kfence.every=1                       and again
 *
 * Questions
 *   1. The object has 100 bytes and its slot 128.  What does the first byte behind
 *      it hit, and what the 29th?
 *   2. Why are the traps not always laid?
 *   3. Who reads past the end: which of them sees it?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "mm/slab.h"

static const char *const choices = "at the write|at the kfree|by check|never";
enum { AT_WRITE, AT_KFREE, BY_CHECK, NEVER };

/* A byte behind the object; when is it told? */
static uint32_t overrun(uint32_t size, const char *dial)
{
    unsigned number = lesson_next_pointer();
    uint32_t before = mm_reports();
    int status;

    lesson_do("params %s", dial);
    lesson_do("kmalloc %u", (unsigned)size);
    status = lesson_do("poke $%u+%u 0x55", number, (unsigned)size);
    if (mm_reports() != before || status == SHELL_FAULT)
        return AT_WRITE;
    lesson_do("kfree $%u", number);
    if (mm_reports() != before)
        return AT_KFREE;
    lesson_do("check");
    return mm_reports() != before ? BY_CHECK : NEVER;
}

/* The same, of a byte in an object that was freed. */
static uint32_t use_after_free(uint32_t size, const char *dial)
{
    unsigned number = lesson_next_pointer();
    uint32_t before = mm_reports();
    int status;

    lesson_do("params %s", dial);
    lesson_do("kmalloc %u 2; kfree $%u", (unsigned)size, number);
    status = lesson_do("poke $%u+8 0x55", number);
    if (mm_reports() != before || status == SHELL_FAULT)
        return AT_WRITE;
    lesson_do("check");
    return mm_reports() != before ? BY_CHECK : NEVER;
}

static void late(struct lesson_run *run)
{
    uint32_t size = lesson_number(run, 97, 125), whole = size / 8 * 8;

    if (!lesson_choose(run, choices, "An object has %u bytes.  You write one byte behind its "
                       "end, and kfree it.  When is that noticed?", (unsigned)size))
        return;
    lesson_is(run, overrun(size, "slub_debug=-"),
              "The slot has 128 bytes, so it hit nothing today.  In the next version of your "
              "program it may be the neighbour's first byte.");
    if (!lesson_choose(run, choices, "The same with slub_debug=FZPU: red zones and poison.  "
                       "When is it noticed?"))
        return;
    lesson_is(run, overrun(size, "slub_debug=FZPU"),
              "kfree looks at the red zone.  It knows which byte, and who took the object, but "
              "not who wrote: that is long over.");
    if (!lesson_choose(run, choices, "With slub_debug=FZPU a byte is written into an object that "
                       "was freed.  When is it noticed?"))
        return;
    lesson_is(run, use_after_free(size, "slub_debug=FZPU"),
              "Poison is looked at when the slot is given out again, or by check.");
    lesson_do("params slub_debug=-");
    if (!lesson_choose(run, choices, "At last kfence.every=1, an object of %u bytes, and again the "
                       "byte behind its end.  When is it noticed?", (unsigned)whole))
        return;
    lesson_is(run, overrun(whole, "kfence.every=1"),
              "The object ends at a page that is not there.  So it is the very instruction "
              "that is caught, with its line; the price is two pages for each object.");
}

LESSON(8, late, "Too late", "who overruns an object crashes at once",
       "params kfence.every=1; kmalloc 104; poke $+104", late);
