/*
 * leaks_priv.h - the words of `leaks`, and what they have in common.
 */
#ifndef KERNEL_LEAKS_LEAKS_PRIV_H
#define KERNEL_LEAKS_LEAKS_PRIV_H

#include "kernel/leaks/holder.h"
#include "kernel/leaks/scan.h"

/* "definite", "indirect", "possible", "reachable"; "unseen". */
const char *kind_name(enum mm_scan_kind kind);

/* Sets of them. */
enum {
    LOST_KINDS = 1 << MM_DEFINITE | 1 << MM_INDIRECT | 1 << MM_POSSIBLE,
    ALL_KINDS = LOST_KINDS | 1 << MM_REACHABLE,
};

/* Is the word "FILE:LINE", or "function+0x12/0x40", as lines of code are written? */
bool is_line(const char *word);
/* Of that line nothing is live, so it may be mistyped: that is said.  SHELL_FAILED. */
int line_took_nothing(const char *word, const char *line, bool json);

/* ---- how many words point to each of many: counts.c ----------------------------------- */

void counts_begin(void);
/*
 * To this one.  Asked by ascending addresses, of what is_wanted says true of, which is asked
 * ahead; interrupts are off.
 */
unsigned counts_of(const struct mm_live *live, scan_fn *is_wanted, void *arg);

/* ---- is that word a pointer at all: doubt.c ----------------------------------------- */

enum doubt { DOUBT_NONE, DOUBT_TEXT, DOUBT_END };

/* Of DOUBT_END: `ends` is what ends there. */
enum doubt doubt_of(const struct holder *holder, struct mm_live *ends);
/* ": or is it the end of 0x0021c080 (64 bytes, serial 3)?"; "": there is none. */
const char *doubt_text(const struct holder *holder, char *text, size_t size);
/* As JSON has it: null, "text", "end". */
const char *doubt_name(const struct holder *holder);
/* A line of how many objects were not cleared when taken; nothing, if that hides nothing. */
void doubts_print(const struct mm_scan *found);

/* ---- who has what is reachable: holders.c --------------------------------------------- */

/* A line. */
void holders_print(const struct mm_scan *found);

/* ---- where things of a line usually hang: owners.c ------------------------------------ */

/* By the last scan; then: */
void owners_count(void);
/* "899 others of this line hang at offset 0 of what list.c:20 took", or "": nowhere. */
const char *owners_usual(const struct alloc_site *site, char *text, size_t size);
/* The same for each line of which something is lost. */
void owners_print_usual(void);
/* Of what is possible, if all of its line, two and more, are: ", through the member at 8". */
const char *owners_member(const struct mm_live *live, char *text, size_t size);

/* ---- where it was last seen: lost.c ---------------------------------------------------- */

enum { SEEN_SIZE = 400 };       /* of seen_text(), at most */

struct seen {
    struct holder holder;       /* of the word that it was seen in; */
    const char *became;         /* what became of that; NULL: no scan has seen it, */
    const struct alloc_site *by;        /* and by whose call; NULL: unknown */
};

/* Of what is definite now.  False: no scan has seen a pointer to it. */
bool lost_seen(const struct mm_live *lost, struct seen *seen);
/* "the variable head, which was overwritten". */
const char *seen_text(const struct seen *seen, char *text, size_t size);

/* ---- what only ever grows: grow.c ------------------------------------------------------ */

/* How much each line has now, if anything was taken or given back since the last time. */
void grow_sample(void);
/* It has grown at least twice, and at every sample since there is anything of it. */
bool grow_only(const struct alloc_site *site);
/* How many lines only grow, and which has grown most; nothing if there is none. */
void grow_print(void);

/* ---- the words of `leaks` ------------------------------------------------------------- */

int leaks_list(int argc, char **argv, bool json);       /* list.c */
int leaks_why(int argc, char **argv, bool json);        /* why.c */
int leaks_lost(int argc, char **argv, bool json);       /* lost.c */
int leaks_tree(int argc, char **argv, bool json);       /* tree.c */
int leaks_owners(int argc, char **argv, bool json);     /* owners.c */
int leaks_grow(int argc, char **argv, bool json);       /* grow.c */

#endif
