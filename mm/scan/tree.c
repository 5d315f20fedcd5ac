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
    return value - (uintptr_t)address_of(0) < (uintptr_t)heap.buddy.npages << PAGE_SHIFT &&
           thing_around(through_page_struct(value), thing);
}

/* From the next word on: the walk is then at that child. */
static bool go_down(struct walk *walk)
{
    uintptr_t words = record_size(walk->at.record) / sizeof(uintptr_t);
    uintptr_t end = walk->at.start + words * sizeof(uintptr_t);
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

/* Is it still what it was when one was there last? */
static bool is_there(const struct mm_scan_tree *tree, struct thing *thing)
{
    struct object object = object_at((void *)tree->at);

    return thing_of(&object, thing) && thing->start == tree->at &&
           thing->record->serial == tree->serial;
}

static bool go_to_top(const struct mm_scan_tree *tree, struct walk *walk)
{
    struct object object = object_at((void *)tree->top);
    struct thing lost;

    if (!thing_of(&object, &lost) || kind_of(&lost) != MM_DEFINITE)
        return false;
    *walk = begin_walk(&lost);
    return true;
}

static bool go_to_next(const struct mm_scan_tree *tree, struct walk *walk)
{
    *walk = (struct walk){ .top = tree->top, .word = tree->word, .depth = tree->depth };
    return is_there(tree, &walk->at) && go_on(walk);
}

bool mm_scan_next_in_tree(struct mm_scan_tree *tree, struct mm_live *live)
{
    enum reading reading = begin_reading();
    struct walk walk;
    bool found = reading != CANNOT_READ &&
                 (tree->at ? go_to_next(tree, &walk) : go_to_top(tree, &walk)) &&
                 mm_scan_find((void *)walk.at.start, live);

    if (found)
        *tree = (struct mm_scan_tree){ tree->top, walk.depth, walk.at.start, walk.word,
                                       live->serial };
    end_reading(reading);
    return found;
}
