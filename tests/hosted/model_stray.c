/*
 * model_stray.c - writes that a program should not make, but that do no harm: behind
 * an object inside its slot, and into memory that was freed and not taken since.  mm
 * keeps nothing there (slab.c, buddy.c), so without dials it must not even notice.  With
 * red zones it must notice what is behind an object.
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

#define MOST 8u                 /* bytes at a time */

enum { RED = 0xcc };

/* The byte that was written. */
static unsigned char write_at(unsigned char *p, size_t room)
{
    size_t n = 1 + draw() % MOST;
    unsigned char byte = draw();

    TRACE("stray write to %p", (void *)p);
    memset(p, byte, n < room ? n : room);
    return byte;
}

static void write_behind(const struct thing *thing)
{
    if (!thing->kind || thing->waiting || thing->size >= thing->room)
        return;

    bool red = usable_size(thing) < thing->room;
    unsigned char byte = write_at(thing->p + thing->size, thing->room - thing->size);
    uint32_t found = mm_find_damage();

    if (found != (red && byte != RED))
        wrong("a write of 0x%02x behind %zu bytes at %p was found %u times: %s at %p",
              byte, thing->size, (void *)thing->p, (unsigned)found,
              mm_bug_name(last_report()->bug), last_report()->what.addr);
    expect_damage(found);
}

static void write_after_free(const struct ghost *ghost)
{
    if (is_fresh(ghost) && ghost->size) {
        size_t offset = draw2() % ghost->size;

        write_at(ghost->p + offset, ghost->size - offset);
        expect_damage(mm_find_damage());
    }
}

void write_stray(void)
{
    if (mm_state & MM_LONG_WAY && mm_state & MM_BUSY)
        return;                         /* nobody could look at once */
    if (draw() % 2)
        write_behind(draw_thing());
    else
        write_after_free(&model.ghosts[draw() % GHOSTS]);
}
