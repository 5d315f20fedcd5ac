/*
 * holder.h - a word that points to something: who has it?  See holder.c.
 */
#ifndef KERNEL_LEAKS_HOLDER_H
#define KERNEL_LEAKS_HOLDER_H

#include "kernel/leaks/scan.h"

/*
 * Who has that word: a variable, the shell, a stack, or something live.  It need be no root
 * any more: then that is what it was.
 */
struct holder {
    uintptr_t word;
    bool is_root;
    enum root_kind root;        /* if it is one */
    char name[64];              /* of a root: "head+0x4", "$3" */
    bool is_live;               /* else: it lies in this object or block */
    struct mm_live live;        /*   or, with a serial, has the place of what it lay in */
    struct mm_life former;      /* else: that lay there once; serial 0: nobody knows */
    uintptr_t former_start;
    uint32_t offset;            /* of the word in that */
    uintptr_t value;            /* of the word, if it is a root or lies in what is live; */
    uintptr_t before, behind;   /*   and of those beside it that its owner has, or 0 */
};

void holder_find(uintptr_t word, struct holder *holder);
/* What is live there is not what had the word: that was freed. */
void holder_was_retaken(struct holder *holder);
/* "the variable head", "offset 8 of 0x0021c080 (64 bytes, serial 3, list.c:20)". */
const char *holder_text(const struct holder *holder, char *text, size_t size);

/* Where in something live the word leads; LEADS_ELSEWHERE: it does not point to that now. */
enum leads { LEADS_ELSEWHERE, LEADS_TO_START, LEADS_TO_MIDDLE, LEADS_TO_PAGE_STRUCT };
enum leads holder_leads(const struct holder *holder, const struct mm_live *live);

/* Its place, serial and so on, as JSON: , "symbol": ... up to "offset": ... */
void holder_json(const struct holder *holder);

#endif
