/*
 * draining.c - lesson 5: drained.
 *
 * A driver takes a buffer of 1,500 bytes for each packet, and one in ten it
 * forgets to give back.  It works for as long as you care to look.  `drain` is
 * that driver, and its file, kernel/lessons/drain.c, says more.
 *
 * What a small leak does: for long, nothing.  Then the bag is nearly empty, and
 * everybody's kmalloc fails, also that of those who have made no mistake: packets
 * are dropped, work is tried again and again, everything slows, and in the end
 * something does not check for NULL.
 *
 * Try it
 *     leaks mark; drain 1000      to the very end
 *     leaks since                 who has it all?
 *     kmalloc 100                 and you?
 *     reboot
 *
 * Questions
 *   1. A buffer has 1,500 bytes.  Why does memory fall by 2,048 for each that is
 *      lost?
 *   2. How long would a machine with 4 GiB last at one lost packet a second?
 *   3. kmalloc(100) fails.  Is it the fault of who called it?
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/slab.h"

enum { BUFFER = 1500 };

/* What is live, and when, by one clock. */
static uint32_t live_at(uint32_t *ticks)
{
    uint32_t flags = irq_save();
    struct mm_stats stats;

    mm_get_stats(&stats);
    *ticks = timer_ticks();
    irq_restore(flags);
    return stats.live_objects;
}

/*
 * How many more are live after ten ticks, by what was lost in at least as many.  `others` were
 * live before.
 */
static uint32_t lost_in_ten_ticks(uint32_t others)
{
    uint32_t begin, end, before = live_at(&begin), after;

    do {
        cpu_idle();
        after = live_at(&end);
    } while (end - begin < 10 && !shell_interrupted());
    kprintf("%u were out at one tick, and %u at %u tick%s later\n", (unsigned)(before - others),
            (unsigned)(after - others), (unsigned)(end - begin), plural(end - begin));
    return end == begin ? 0 : (after - before) * 10 / (end - begin);
}

static bool ask_rate(struct lesson_run *run)
{
    uint32_t packets = 10 * lesson_number(run, 2, 9), lost, others;

    lesson_say("At each tick of the timer, 100 a second, packets arrive.  For each the driver "
               "takes a buffer; one in ten packets is damaged, and its buffer is "
               "forgotten.");
    lesson_bag(run);
    if (!lesson_ask(run, "%u packets arrive at each tick.  How many marbles are lost in 10 "
                    "ticks, a tenth of a second?", (unsigned)packets))
        return false;
    others = live_at(&lost);
    lesson_do("drain start %u", (unsigned)packets);
    cpu_idle();
    lost = lost_in_ten_ticks(others);
    lesson_do("drain stop");
    lesson_bag(run);
    lesson_is(run, lost, "Out are some more than that, for the driver ran some ticks longer.  In "
              "an hour %u would be.  Nothing else is to be seen of it yet.",
              (unsigned)(lost * 10 * 3600));
    return true;
}

static bool ask_cost(struct lesson_run *run)
{
    void *p = kmalloc(BUFFER, GFP_KERNEL);
    uint32_t room = p != NULL ? (uint32_t)ksize(p) : 0;

    kfree(p);
    if (!lesson_ask(run, "A buffer has %u bytes.  By how many bytes does the bag shrink for each "
                    "that is lost?", BUFFER))
        return false;
    lesson_do("kmalloc %u", BUFFER);
    lesson_is(run, room, "A slot of its cache: lesson 2.  Records of who took it come on top.");
    return true;
}

/* All there is, in chunks that hang on each other, until a small one fails. */
static bool fails_when_empty(const struct lesson_run *run, size_t bytes)
{
    void **list = NULL, **more;
    void *wanted;

    for (size_t chunk = 4u << 20; chunk >= 8; chunk /= 2)
        while ((more = kmalloc(chunk, GFP_KERNEL | __GFP_NOWARN)) != NULL) {
            *more = list;
            list = more;
        }
    wanted = kmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
    lesson_bag(run);
    kprintf(wanted == NULL ? "kmalloc(%zu) = NULL\n" : "kmalloc(%zu) = %p\n", bytes, wanted);
    kfree(wanted);
    while (list != NULL) {
        more = *list;
        kfree(list);
        list = more;
    }
    return wanted == NULL;
}

static void ask_innocent(struct lesson_run *run)
{
    uint32_t size = lesson_number(run, 20, 90);

    if (!lesson_choose(run, "the bytes|NULL", "The driver has eaten all the rest.  You have "
                       "made no mistake, and call kmalloc(%u).  What do you get?",
                       (unsigned)size))
        return;
    lesson_say("(Something else takes all there is now, and gives it back afterwards.)");
    lesson_is(run, fails_when_empty(run, size),
              "The bag is one for all.  Who fails first is whoever asks next, not who leaks: so "
              "the place where it crashes says nothing about the place of the mistake.  "
              "`leaks` does.");
}

static void drained(struct lesson_run *run)
{
    if (ask_rate(run) && ask_cost(run))
        ask_innocent(run);
}

LESSON(5, drained, "Drained", "who leaks is the one who is hit",
       "leaks mark; drain 1000\nleaks since\nkmalloc 100", drained);
