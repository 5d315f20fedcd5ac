/*
 * settings_priv.h - what the dials are set to: see settings.c.
 */
#ifndef MM_WATCH_SETTINGS_PRIV_H
#define MM_WATCH_SETTINGS_PRIV_H

#include "mm/port.h"

enum { SPEC_SIZE = 128 };

struct settings {
    bool init_on_alloc, init_on_free, debug_pagealloc, page_owner;
    uint32_t cleared_after;     /* the serial number then: init_on_alloc was switched on */
    bool frees_clear_all;       /* init_on_free, and from the start */
    size_t quarantine;          /* bytes; 0: none */
    uint32_t kfence;            /* guard one of so many; 0: none */
    char slub_debug[SPEC_SIZE]; /* the text given; "" is off */
};

extern struct settings settings;

/* Set slub_debug.  NULL, or what is wrong with the text. */
const char *settings_slub_debug(const char *text);
/* What slub_debug says of a cache of that name: DIAL_F ... */
uint8_t dials_of(const char *name);
/* Is any of them on for which each call is watched?  (kfence.every above 1 is not.) */
bool settings_every_call(void);

/* Does the pattern up to its end match?  Each * stands for any characters, or none. */
bool settings_match(const char *pattern, const char *end, const char *name);
/* Decimal digits; what is behind them.  NULL: too many. */
const char *settings_digits(const char *at, size_t *number);

#endif
