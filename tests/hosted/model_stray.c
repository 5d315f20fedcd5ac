/*
 * model_stray.c - writes that a program should not make, but that do no harm: behind
 * an object inside its slot, and into memory that was freed and not taken since.  mm
 * keeps nothing there (slab.c, buddy.c), so it must not even notice.
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

#define MOST 8u                 /* bytes at a time */

static void write_at(unsigned char *p, size_t room)
{
    size_t n = 1 + draw() % MOST;

    TRACE("stray write to %p", (void *)p);
    memset(p, draw(), n < room ? n : room);
}

static void write_behind(const struct thing *thing)
{
    if (thing->kind && thing->size < thing->room)
        write_at(thing->p + thing->size, thing->room - thing->size);
}

static void write_after_free(const struct ghost *ghost)
{
    if (is_fresh(ghost) && ghost->size) {
        size_t offset = draw2() % ghost->size;

        write_at(ghost->p + offset, ghost->size - offset);
    }
}

void write_stray(void)
{
    if (draw() % 2)
        write_behind(draw_thing());
    else
        write_after_free(&model.ghosts[draw() % GHOSTS]);
}
