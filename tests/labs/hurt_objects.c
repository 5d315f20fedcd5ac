/*
 * hurt_objects.c - objects used when freed, past the end, and before the start.
 */
#include "kernel/string.h"
#include "mm/slab.h"
#include "tests/labs/hurt.h"

enum { LARGE = 100000 };

static void fill(const char *at, size_t n) { hurt_fill(at, n, 'A'); }

/* ---- after free ----------------------------------------------------------------- */

static char *freed(size_t n)
{
    char *object = hurt_object(n);

    kfree(object);
    return hidden((uintptr_t)object);
}

HURT(freed_read) { hurt_sink = (unsigned)*freed(64); }
HURT(freed_write) { fill(freed(64), 4); }
HURT(freed_write_all) { fill(freed(64), 64); }
HURT(freed_write_large) { fill(freed(LARGE), LARGE); }

/* It is somebody else's by now. */
HURT(freed_and_reused)
{
    char *old = freed(64), *object = hurt_object(64);

    fill(old, 4);
    kfree(object);
}

HURT(freed_pages)
{
    unsigned long block = __get_free_pages(GFP_KERNEL, 2);

    free_pages(block, 2);
    fill(hidden(block), 4 * PAGE_SIZE);
}

/* ---- past the end --------------------------------------------------------------- */

/* An object of so many bytes, of which `written` are written from `offset` on. */
static void write_around(size_t bytes, long offset, size_t written)
{
    char *object = hurt_object(bytes);

    fill(object + offset, written);
    kfree(object);
}

HURT(over_by_1) { write_around(64, 64, 1); }
HURT(over_in_slack) { write_around(50, 50, 1); }
HURT(over_a_slab) { write_around(64, 0, 4096); }
HURT(over_a_page) { write_around(64, 0, 8192); }
HURT(over_a_mebibyte) { write_around(64, 0, 1 << 20); }
HURT(over_large) { write_around(LARGE, 0, 2 * LARGE); }
HURT(over_all) { write_around(64, 0, (size_t)-1); }
HURT(under_by_1) { write_around(64, -1, 1); }
HURT(under_large) { write_around(LARGE, -64, 64); }

HURT(under_all)
{
    volatile char *at = hidden((uintptr_t)hurt_object(64));

    for (;;)
        *--at = 'A';
}

HURT(over_neighbour)
{
    char *object = hurt_object(64), *neighbour = hurt_object(64);

    fill(object + 64, 4);
    kfree(object);
    kfree(neighbour);
}

HURT(strcpy_past_end)
{
    char *object = hurt_object(8);

    strlcpy(object, hidden((uintptr_t)"much more text than there is room for"), 999);
    kfree(object);
}

HURT(memset_all) { memset(hidden((uintptr_t)hurt_object(64)), 0, (size_t)-1); }

/* A length of -60. */
HURT(memmove_wraps)
{
    char *object = hurt_object(64);

    memmove(hidden((uintptr_t)object), hidden((uintptr_t)object + 4), (size_t)-60);
}

/* ---- not written yet ------------------------------------------------------------ */

HURT(not_initialised)
{
    char **object = kmalloc(64, GFP_KERNEL);

    hurt_sink = *byte((uintptr_t)object[3]);
}

const struct hurt_way hurt_objects[] = {
    WAY(freed_read), WAY(freed_write), WAY(freed_write_all), WAY(freed_write_large),
    WAY(freed_and_reused), WAY(freed_pages), WAY(over_by_1), WAY(over_in_slack),
    WAY(over_a_slab), WAY(over_a_page), WAY(over_a_mebibyte), WAY(over_large),
    WAY(over_all), WAY(under_by_1), WAY(under_large), WAY(under_all),
    WAY(over_neighbour), WAY(strcpy_past_end), WAY(memset_all), WAY(memmove_wraps),
    WAY(not_initialised), { NULL, NULL },
};
