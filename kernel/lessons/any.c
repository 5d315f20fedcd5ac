/*
 * any.c - lesson 6: kfree, of any pointer?
 *
 * kfree is safe on what came from kmalloc or its kin and was not freed yet.  And
 * on NULL.  On nothing else: not on a pointer into the middle of an object, a
 * local variable, a string, a page, an address that somebody made up; and not
 * twice.
 *
 * Marbles proves each pointer before it believes it, names what it really is, and
 * goes on.  Most kernels do not: their list of what is free lies in the free
 * objects themselves, and kfree just writes there.  This lesson has such an
 * allocator, of eight slots:
 *
 *     free -> | next | -> | next | -> 0        kfree(p):  p->next = free; free = p
 *
 * Twice the same pointer, and the list has it twice: two owners get one object.
 *
 * Try it
 *     kmalloc 100; kfree $+8      into the middle
 *     kfree 0xb8000               the screen
 *     kfree kmalloc_at            code
 *     kfree 0                     NULL
 *     kmalloc 100; kfree $; kfree $
 *
 * Questions
 *   1. Why may kfree(NULL) be called, and why is that good?
 *   2. In a kernel that proves nothing, when do you notice that you have freed
 *      something twice?
 *   3. What does the proof cost?  (make bench)
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "mm/slab.h"

/* ---- as most kernels have it ------------------------------------------------------- */

enum { SLOTS = 8 };

struct slot {
    struct slot *next;          /* of a free one; else its owner's */
    char rest[12];
};

static struct slot tiny_slots[SLOTS];
static struct slot *tiny_free_list;

static void tiny_begin(void)
{
    tiny_free_list = NULL;
    for (unsigned n = SLOTS; n > 0; n--) {
        tiny_slots[n - 1].next = tiny_free_list;
        tiny_free_list = &tiny_slots[n - 1];
    }
}

static struct slot *tiny_alloc(void)
{
    struct slot *slot = tiny_free_list;

    if (slot != NULL)
        tiny_free_list = slot->next;
    return slot;
}

/* It believes the pointer. */
static void tiny_free(void *p)
{
    struct slot *slot = p;

    slot->next = tiny_free_list;
    tiny_free_list = slot;
}

/* ---- the lesson -------------------------------------------------------------------- */

/* A pointer, and what it is; what kfree makes of it is measured. */
enum { GOOD, INTERIOR, NULL_POINTER, SCREEN, CODE, TWICE, KINDS };
static const char *const what_it_is[KINDS] = {
    "what kmalloc(100) gave", "what kmalloc(100) gave, plus 8", "NULL",
    "0xb8000, the memory of the screen", "the address of a function",
    "what kmalloc(100) gave, and kfree has had already",
};

/* 0: it was given back; 1: nothing happened; 2: refused, and told. */
static uint32_t outcome_of(unsigned kind)
{
    char *p = kmalloc(100, GFP_KERNEL);
    void *const pointers[KINDS] = { p, p + 8, NULL, (void *)0xb8000,
                                    (void *)(uintptr_t)outcome_of, p };
    struct mm_stats before, after;

    if (kind == TWICE)
        kfree(p);
    stats_get(&before);
    kfree(pointers[kind]);
    stats_get(&after);
    kprintf("kfree(%p): %u given back, %u refused\n", pointers[kind],
            (unsigned)(after.kfrees - before.kfrees),
            (unsigned)(after.bad_frees - before.bad_frees));
    if (kind != GOOD && kind != TWICE)
        kfree(p);
    return after.bad_frees != before.bad_frees ? 2 : after.kfrees != before.kfrees ? 0 : 1;
}

static bool ask_kinds(struct lesson_run *run)
{
    unsigned first = lesson_number(run, 1, KINDS - 1), second = TWICE;

    lesson_say("kfree takes back what kmalloc gave.  And any other pointer?");
    if (first == TWICE)
        second = INTERIOR;
    for (unsigned turn = 0; turn < 2; turn++) {
        unsigned kind = turn == 0 ? first : second;

        if (!lesson_choose(run, "it is given back|nothing happens|it is refused, and told",
                           "kfree of %s: what happens here, in Marbles?", what_it_is[kind]))
            return false;
        lesson_is(run, outcome_of(kind), "%s",
                  kind == NULL_POINTER
                  ? "So nobody has to ask for NULL before: an error path may free all it has."
                  : "No object that is out begins there, so it is refused before anything is "
                    "touched, and the report says what is there.");
    }
    return true;
}

static bool ask_twice(struct lesson_run *run)
{
    struct slot *a, *b, *c;

    kprintf("\n");
    lesson_say("Now an allocator as most kernels have it: the list of what is free lies in the "
               "free slots, and nothing is proved.  It has %u slots of %zu bytes, side by side, "
               "and alloc() gives one of them.", SLOTS, sizeof(struct slot));
    if (!lesson_choose(run, "another slot|the same slot as the one before|NULL",
                       "a = alloc(); free(a); free(a); b = alloc(); c = alloc().  What is c, "
                       "compared with b?"))
        return false;
    tiny_begin();
    a = tiny_alloc();
    tiny_free(a);
    tiny_free(a);
    b = tiny_alloc();
    c = tiny_alloc();
    kprintf("b = %p\nc = %p\n", (void *)b, (void *)c);
    lesson_is(run, c == NULL ? 2 : c == b ? 1 : 0,
              "The list had it twice.  Two owners write into one object, each believes it is "
              "his own, and neither has made a mistake.  Nothing is told.");
    return true;
}

static void ask_interior(struct lesson_run *run)
{
    char *a, *b;

    if (!lesson_choose(run, "yes|no", "a = alloc(); free(a + 8); b = alloc().  b's owner writes to "
                       "%zu bytes from b on, for so large is a slot.  Do they reach into the slot "
                       "behind a?", sizeof(struct slot)))
        return;
    tiny_begin();
    a = (char *)tiny_alloc();
    tiny_free(a + 8);
    b = (char *)tiny_alloc();
    kprintf("a = %p to %p\nb = %p to %p\n", (void *)a, (void *)(a + sizeof(struct slot) - 1),
            (void *)b, (void *)(b + sizeof(struct slot) - 1));
    lesson_is(run, b + sizeof(struct slot) <= a + sizeof(struct slot),
              "b lies across a and its neighbour.  Whoever writes to b overwrites both: memory "
              "is corrupted, and it shows somewhere else, later.");
}

static void any(struct lesson_run *run)
{
    lesson_say("A pointer is a number, and any number can be given to kfree.");
    if (ask_kinds(run) && ask_twice(run))
        ask_interior(run);
}

LESSON(6, any, "kfree, of any pointer?", "kfree(NULL) crashes, and a double free is harmless",
       "kmalloc 100; kfree $+8; kfree 0xb8000; kfree 0", any);
