/*
 * leak.c - lesson 4: a leak.
 *
 * An object is live from kmalloc to kfree: it is taken, and not given back yet.
 * It is lost when nothing points to it any more: then nobody can give it back, and
 * nobody can use it.  It is not lost because it is old, or large, or because the
 * function that took it has returned.  An object that hangs on a list can be
 * reached.
 *
 *     reachable  live, and something points there: a variable, or one of these
 *     lost       live, and nothing does: that is a leak
 *
 * `leaks` looks at all that may point anywhere, as kmemleak in Linux does, and
 * says which are which.
 *
 * Try it
 *     leaks mark; kmalloc 100; kfree $; kmalloc 100; forget $; kmalloc 100
 *     leaks                       one is lost; who took it, and when?
 *     leaks since                 what is live since the mark: two
 *     leaks why $                 what holds the one that is not lost
 *
 * The lost one stays, and `leaks` names it from now on, until `reboot`.
 *
 * Questions
 *   1. A local variable held the only pointer, and the function returns.  Who
 *      gives the object back?
 *   2. A program takes objects and hangs them on a list, for ever.  Does `leaks`
 *      find that?  What does?
 *   3. A hidden pointer, of which each bit is turned over: is the object lost?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/leaks/scan.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/watch/dials.h"

enum { BYTES = 200, SMALL = 60, THREE = 3 };

static struct kept {
    char text[BYTES];
} *kept;                        /* a variable: what it points to is reachable */

/* By its serial number: a pointer in a variable here would be one to the scan as well. */
static bool is_lost_now(uint32_t serial)
{
    struct mm_live live;

    return scan_find_serial(serial, &live) && is_lost(&live);
}

static volatile uint32_t used;

/* Its only pointer is a local one, and the function ends. */
static __attribute__((noinline)) void take_and_return(void)
{
    const char *local = kzalloc(SMALL, GFP_KERNEL);

    used += local != NULL ? (uint32_t)local[0] : 0;
}

static bool ask_end_of_function(struct lesson_run *run)
{
    struct mm_live live;
    bool stays;

    lesson_say("A marble that was taken and is not given back yet is live.  Who gives it back?  "
               "And what is a leak?");
    if (!lesson_choose(run, "it is given back|it stays out",
                       "A function calls kmalloc(%u), keeps the pointer in a local variable, "
                       "and returns.  What becomes of the object?", SMALL))
        return false;
    take_and_return();
    lesson_bag(run);
    stays = scan_find_serial(mm_last_serial(), &live);
    if (stays)
        kfree((void *)live.start);      /* the next question is about others */
    lesson_is(run, stays, "At the end of a function its variables go, "
              "the pointer among them.  Nobody looks what it pointed to: C does nothing "
              "that is not written down.");
    return true;
}

/* Which of three: one is held by a variable, one freed, one forgotten; in an order by seed. */
static bool ask_which(struct lesson_run *run)
{
    static const char *const names[THREE] = { "first", "second", "third" };
    unsigned lost = lesson_number(run, 0, THREE - 1);
    unsigned freed = (lost + 1 + lesson_number(run, 0, 1)) % THREE;
    unsigned first = lesson_next_pointer();
    uint32_t began = mm_last_serial(), found = THREE;

    if (!lesson_choose(run, "the first|the second|the third",
                       "kmalloc takes three objects.  The %s is given back by kfree, the "
                       "pointer to the %s is forgotten.  Which one is a leak?", names[freed],
                       names[lost]))
        return false;
    lesson_do("kmalloc %u %u; kfree $%u; forget $%u", BYTES, THREE, first + freed, first + lost);
    lesson_do("leaks");         /* alone: no call of that line is on the stack any more */
    for (unsigned n = 0; n < THREE; n++)
        if (is_lost_now(began + 1 + n))
            found = n;
    lesson_is(run, found, "What `leaks` comes to from the roots, variables and what the shell "
              "holds, is reachable.  To the definite one nothing leads.  Both are live.");
    return true;
}

static void ask_variable(struct lesson_run *run)
{
    struct scan_report report;
    uint32_t serial;

    kept = kzalloc(sizeof(*kept), GFP_KERNEL);
    serial = mm_last_serial();
    if (lesson_choose(run, "lost|reachable", "A global variable points to an object that nobody "
                      "has looked at for a year.  Is it lost or reachable?")) {
        lesson_do("leaks why %p", (void *)kept);
        if (scan_leaks(&report))
            lesson_is(run, !is_lost_now(serial), "Something points there, so it can be given "
                      "back.  That nobody ever will no scan can know: such growth is found by "
                      "counting, `leaks grow`.");
    }
    kfree(kept);
    kept = NULL;
}

/* Cleared memory has no old pointers in it, which `leaks` would have to speak of. */
static void leak(struct lesson_run *run)
{
    mm_set_dial("init_on_alloc", "1");
    if (ask_end_of_function(run) && ask_which(run))
        ask_variable(run);
}

LESSON(4, leak, "A leak", "what is live is leaked, or the end of a function frees",
       "guests 500; leaks; guests leave; leaks lost", leak);
