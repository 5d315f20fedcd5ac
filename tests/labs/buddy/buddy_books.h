/*
 * buddy_books.h - the area of the lab, watched: see buddy_books.c.
 *
 * What returns a text returns NULL if all is well, else what is wrong: valid until the
 * next one is told.
 */
#ifndef LABS_BUDDY_BOOKS_H
#define LABS_BUDDY_BOOKS_H

#include "kernel/printk.h"
#include "tests/labs/buddy/area.h"

enum { MOST_PAGES = 512 };

extern struct area books_area;        /* its start is the caller's to set */

/* Such a text. */
const char *books_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* An area of so many pages, all of them free, in the largest blocks there can be. */
void books_begin(uint32_t npages);

/* What is beside the area's frames looks like the first page of such a block. */
void books_lead_astray(enum frame_kind kind, unsigned order);

void *books_address(uint32_t page);

/* A1 to A3, what was handed out is USED, and nothing was written beside the frames. */
const char *books_fault(void);

/* A4, in books that have no other fault. */
const char *books_joined_fault(void);

/* Is in all that is held what was written there? */
const char *books_contents_fault(void);

/* area_alloc, noted, and written to.  In *page what was got; NO_PAGE: rightly nothing. */
const char *books_take(unsigned order, uint32_t *page);
bool books_is_held(uint32_t page);      /* the first one of a block that was got */

/* area_free, noted, of what is held. */
const char *books_give(uint32_t page);

/* All there is, in blocks of that order; and all that is held. */
const char *books_take_all(unsigned order);
const char *books_give_all(void);

/* area_free of what is no block in use: it must refuse, and change nothing. */
const char *books_refuse(void *block, const char *what);

/* Nothing is held any more: it was freed behind the back of these. */
void books_forget(void);

#endif
