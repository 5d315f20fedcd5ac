/*
 * bag.c - lesson 1: the bag of marbles.
 *
 * A kernel has a bag of marbles: its memory.  kmalloc takes one out and gives you
 * a pointer, which is where it lies.  kfree puts it back.  What is not put back
 * stays out, and the bag has one less for everybody.
 *
 * A pointer is a number in a variable of yours.  kfree gets a copy of that number.
 * So it cannot change your variable; and it has no reason to wipe the marble.
 *
 * Try it
 *     meminfo                     what is in the bag
 *     kmalloc 100                 one out; the shell holds its pointer as $
 *     meminfo                     how much less is free?
 *     kfree $                     back
 *     dump $                      the pointer is the same.  What lies there?
 *
 * Questions
 *   1. You have p = kmalloc(100) and q = p.  You call kfree(p).  What may you do
 *      with q?
 *   2. Why does the free memory fall by 4 kB, and not by 100 bytes?
 *   3. Your function returns, and p was a local variable.  Where is the marble?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { SIZE = 100, LINE_SIZE = 100 };

static uint32_t live_objects(void)
{
    struct mm_stats stats;

    stats_get(&stats);
    return stats.live_objects;
}

static bool count_marbles(struct lesson_run *run)
{
    uint32_t taken = lesson_number(run, 3, 9), back = lesson_number(run, 1, taken - 1);
    uint32_t before = live_objects();
    unsigned first = lesson_next_pointer();
    char line[LINE_SIZE] = "";

    lesson_say("Memory is a bag of marbles.  kmalloc takes one out, kfree puts it back.  In the "
               "picture each o outside is one object that came out since the lesson began; those "
               "inside are no objects, but show how much of all memory is free.");
    lesson_say("The shell calls pointers $1, $2 ..., and shows where they point (0x...).  Behind "
               "it stand the marble's cache, which is lesson 2, and its serial number, lesson "
               "9.");
    lesson_bag(run);
    if (!lesson_ask(run, "You take %u marbles and put %u of them back.  How many are out?",
                    (unsigned)taken, (unsigned)back))
        return false;
    lesson_do("kmalloc %u %u", SIZE, (unsigned)taken);
    for (uint32_t i = 0; i < back; i++)
        ksnprintf(line + strlen(line), sizeof(line) - strlen(line), " $%u", first + (unsigned)i);
    lesson_do("kfree%s", line);
    lesson_bag(run);
    lesson_is(run, live_objects() - before,
              "What was put back anybody may have next.  What was not stays out, until its "
              "owner puts it back, whoever that is and however long that takes.");
    return true;
}

/* By value, as each call of C: that a caller's pointer is untouched cannot be otherwise. */
static bool look_at_the_pointer(struct lesson_run *run)
{
    void *p = kmalloc(SIZE, GFP_KERNEL);
    void *volatile held = p;
    uintptr_t before = (uintptr_t)p, after;

    if (p == NULL || !lesson_choose(run, "NULL|the same address as before|another address",
                                    "p = kmalloc(%u); kfree(p); what is p now?", SIZE)) {
        kfree(p);
        return false;
    }
    kprintf("p was 0x%08x\n", (unsigned)before);
    kfree(p);
    after = (uintptr_t)held;
    kprintf("p is  0x%08x\n", (unsigned)after);
    lesson_is(run, after == 0 ? 0 : after == before ? 1 : 2,
              "kfree got a copy of the number that is in p, and cannot change p.  So p still "
              "points there, where the marble is no longer yours: it dangles.");
    return true;
}

static bool look_at_the_marble(struct lesson_run *run)
{
    static const char *const words[] = { "marble", "secret", "letter", "number" };
    const char *word = words[lesson_number(run, 0, 3)];
    char *p = kmalloc(SIZE, GFP_KERNEL);
    const volatile char *stale = p;
    char seen[8];

    if (p == NULL || !lesson_choose(run, "all zeros|the word that was written|something else",
                                    "p = kmalloc(%u).  You write \"%s\" into this marble "
                                    "from its 17th byte on; kfree(p).  What is in these bytes "
                                    "then?", SIZE, word)) {
        kfree(p);
        return false;
    }
    memcpy(p + 16, word, strlen(word) + 1);
    kfree(p);
    for (unsigned i = 0; i < sizeof(seen); i++)
        seen[i] = stale[16 + i];
    seen[sizeof(seen) - 1] = 0;
    kprintf("in the freed marble: %02x %02x %02x ... \"%s\"\n", (unsigned char)seen[0],
            (unsigned char)seen[1], (unsigned char)seen[2],
            strcmp(seen, word) == 0 ? seen : "?");
    lesson_is(run, seen[0] == 0 && seen[1] == 0 ? 0 : strcmp(seen, word) == 0 ? 1 : 2,
              "Giving back is not wiping, which would cost time.  The next owner finds what you "
              "left, and so does who reads by a pointer that dangles, and believes it.  Linux has "
              "parameters against it, and `params` sets them here: init_on_free=1 wipes, "
              "slub_debug=P fills freed marbles with 6b.");
    return true;
}

static void bag(struct lesson_run *run)
{
    if (count_marbles(run) && look_at_the_pointer(run))
        look_at_the_marble(run);
}

LESSON(1, bag, "The bag", "kfree clears the pointer, or erases what it points to",
       "kmalloc 100; kfree $; dump $", bag);
