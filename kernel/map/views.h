/*
 * views.h - by what memory is told apart: kind, site, age, or what the scan for leaks
 * says; see views.c.
 */
#ifndef KERNEL_MAP_VIEWS_H
#define KERNEL_MAP_VIEWS_H

#include "kernel/map/cells.h"
#include "mm/mm.h"

enum { VIEW_NAME_SIZE = 96, SITE_LETTERS = 7 };

/* The classes that all views have; behind them are their own. */
enum { CLASS_HOLE, CLASS_FREE, CLASS_META, CLASS_GUARDED, CLASS_SLACK, CLASS_OWN };

/* A class, and how much of it there is in the map. */
struct sum {
    const struct class *class;
    char name[VIEW_NAME_SIZE];  /* of a line of code: its place */
    bool by_objects;            /* else by blocks, of which slabs are some */
    uint32_t count;             /* objects, or blocks */
    uint32_t bytes;             /* by_objects: as asked for */
    uint32_t pages;             /* else, all pages of these blocks that are in the map */
};

struct picture {
    uint32_t first, pages;      /* what is shown, and a cell is so many */
    uint32_t total_pages;       /* of what is shown mm has so many, */
    uint32_t slack_bytes;       /*   and of slabs so much is no live object's own */
    uint32_t free_blocks[MAX_PAGE_ORDER + 1];
    struct sum sums[MAX_CLASSES];       /* those without a class are none */
};

struct view;

/* The view of that name, or NULL; and the names, until NULL. */
const struct view *view_find(const char *name);
const char *view_name(unsigned n);

/* Does it tell objects apart?  Then it needs records. */
bool view_is_by_objects(const struct view *view);

/*
 * Put all memory into cells, of one moment.  zoom: a page a cell, around that page
 * number; NO_PAGE: all of it.  False after a line that says why not.
 */
bool view_take(const struct view *view, uint32_t zoom, struct picture *picture);

#endif
