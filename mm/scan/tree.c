/*
 * tree.c - what goes with what is lost: of each definite leak the tree of what it holds.
 *
 *     leak --+--> A --> B --> leak        the last one makes it a ring
 *            +--> C --> B                 B is A's: there it was found first
 *
 * What is indirect has a note: the word that it was found in (mark.c), and that lies in its
 * holder.  So a thing's children are those that its words point to and whose notes name
 * these very words; and the way up is the note.  That is all one needs to go through a
 * tree, parents first, in the order of the words: no stack, no memory.
 *
 *   T1  each indirect thing is in one tree, and in it once.
 *
 * Interrupts may change words meanwhile, and what is not found then is left out.  Notes
 * only a scan changes: so the walk ends, whatever happens to the words.
 *
 * Cost: 3 instructions for a word that is no pointer, some 100 for one that is.
 */
#include "mm/scan/scan_priv.h"

struct walk {
    uintptr_t top;              /* the start of what is lost */
    struct thing at;
    uintptr_t word;             /* of `at`, where its next child may be */
    unsigned depth;
    bool is_ring;               /* so far */
};

/* What that value points to, if it may be a pointer at all. */
static bool thing_at(uintptr_t value, struct thing *thing)
{
    struct object object;

    if (value - (uintptr_t)address_of(0) >= (uintptr_t)heap.buddy.npages << PAGE_SHIFT)
        return false;
    value = through_page_struct(value);
    object = object_at((void *)value);
    return thing_of(&object, thing) && value - thing->start < thing->room;
}

/* From the next word on: the walk is then at that child. */
static bool go_down(struct walk *walk)
{
    uintptr_t end = walk->at.start + walk->at.room / sizeof(uintptr_t) * sizeof(uintptr_t);
    struct thing child;

    for (uintptr_t word = walk->word; word < end; word += sizeof(uintptr_t)) {
        if (!thing_at(*(const uintptr_t *)word, &child))
            continue;
        if (child.start == walk->top && walk->at.start != walk->top)
            walk->is_ring = true;
        if (kind_of(&child) != MM_INDIRECT || seen_in(&child) != word)
            continue;
        walk->at = child;
        walk->word = child.start;
        walk->depth++;
        return true;
    }
    return false;
}

static bool go_up(struct walk *walk)
{
    uintptr_t word = seen_in(&walk->at);
    struct object holder = object_at((void *)word);

    if (!thing_of(&holder, &walk->at))
        return false;
    walk->word = word + sizeof(uintptr_t);
    walk->depth--;
    return true;
}

/* The next one: its children, theirs, and then its siblings.  False: that was all. */
static bool go_on(struct walk *walk)
{
    while (!go_down(walk))
        if (walk->depth == 0 || !go_up(walk))
            return false;
    return true;
}

static struct walk begin_walk(const struct thing *lost)
{
    return (struct walk){ .top = lost->start, .at = *lost, .word = lost->start };
}

/* ---- how much it is -------------------------------------------------------------- */

struct teller {
    bool (*fn)(const struct mm_lost *lost, void *arg);
    void *arg;
};

static bool tell_lost(const struct thing *thing, void *arg)
{
    const struct teller *teller = arg;
    struct walk walk = begin_walk(thing);
    struct mm_lost lost = { thing->start, 1, record_size(thing->record), false };

    while (go_on(&walk)) {
        lost.objects++;
        lost.bytes += record_size(walk.at.record);
    }
    lost.is_ring = walk.is_ring;

    bool was_outside = mm_go_outside(), goes_on = teller->fn(&lost, teller->arg);

    mm_come_back(was_outside);
    return goes_on;
}

void mm_scan_each_lost(bool (*fn)(const struct mm_lost *lost, void *arg), void *arg)
{
    struct teller teller = { fn, arg };
    enum reading reading = begin_reading();

    if (reading != CANNOT_READ)
        each_thing(whole_heap(), 1u << MM_DEFINITE, tell_lost, &teller);
    end_reading(reading);
}

/* ---- one by one ------------------------------------------------------------------ */

static void walk_tree(const struct thing *lost,
                      bool (*fn)(const struct mm_live *live, unsigned depth, void *arg),
                      void *arg)
{
    struct walk walk = begin_walk(lost);
    struct mm_live live;
    bool goes_on;

    do {
        goes_on = mm_scan_find((void *)walk.at.start, &live);
        if (goes_on) {
            bool was_outside = mm_go_outside();

            goes_on = fn(&live, walk.depth, arg);
            mm_come_back(was_outside);
        }
    } while (goes_on && go_on(&walk));
}

void mm_scan_walk_tree(const void *start,
                       bool (*fn)(const struct mm_live *live, unsigned depth, void *arg),
                       void *arg)
{
    enum reading reading = begin_reading();
    struct thing lost;

    if (reading == CANNOT_READ)
        return;

    struct object object = object_at(start);

    if (thing_of(&object, &lost) && kind_of(&lost) == MM_DEFINITE)
        walk_tree(&lost, fn, arg);
    end_reading(reading);
}
