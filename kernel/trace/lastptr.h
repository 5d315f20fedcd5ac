/*
 * lastptr.h - following the last pointer to an object: see lastptr.c.
 */
#ifndef KERNEL_TRACE_LASTPTR_H
#define KERNEL_TRACE_LASTPTR_H

#include "kernel/leaks/holder.h"
#include "kernel/trace/last_lines.h"
#include "mm/look/observe.h"

enum { LASTPTR_CALLS = 12 };

enum lastptr_state {
    LASTPTR_WAITS,              /* it is not born yet */
    LASTPTR_STEPS,              /* registers or the stack hold it */
    LASTPTR_WATCHES,            /* words do, which are watched */
    LASTPTR_LOST,
    LASTPTR_FREED,              /* which is no leak */
    LASTPTR_UNKNOWN,            /* it cannot be followed any more */
};

enum loss_how {
    LOSS_NONE,
    LOSS_OVERWRITTEN,           /* a word that held it */
    LOSS_FREED,                 /* what that word lay in */
    LOSS_CUT,                   /* that was made smaller (krealloc) */
    LOSS_STACK,                 /* a local variable was overwritten */
    LOSS_RETURNED,              /* its function returned, and nobody kept it */
    LOSS_IGNORED,               /* what kmalloc returned was kept nowhere */
    LOSS_REGISTER,              /* a register got another value */
    LOSS_FAULT,                 /* a fault ended who had it */
    LOSS_END,                   /* the command came to its end with it */
    LOSS_BEFORE,                /* what held it was lost before: no more is known */
};

/* A word that holds it, or what leads to it. */
struct lastptr_link {
    uintptr_t word;
    uintptr_t start;            /* of what it points to, */
    size_t room;                /*   and how large that is */
    uint32_t serial;
    struct holder holder;       /* the word, in words */
    uintptr_t since;            /* an address in the instruction that put it there; 0: it */
                                /*   was there when it was looked for */
};

struct loss {
    enum loss_how how;
    uintptr_t inside;           /* an address in the instruction */
    bool in_interrupt;
    uintptr_t calls[LASTPTR_CALLS];     /* return addresses, outwards */
    unsigned call_count;
    struct last_lines lines;    /* that were executed before; only those that were stepped */
    struct lastptr_link link;   /* of a word: which */
    uintptr_t value;            /*   that it has now, or the register */
    unsigned reg;               /* of a register: which (instruction.h) */
    uintptr_t since;            /*   since when it had it; 0: since it was taken */
    const struct alloc_site *site;      /* of a free: who */
    uint32_t way;               /* of a register or the stack: it had that serial, by way */
                                /*   of which it was held; 0: itself */
};

struct lastptr {
    enum lastptr_state state;
    uint32_t serial;
    struct mm_event born;       /* of the object */
    const struct alloc_site *freed_by;  /* and freed_by, if it was */
    struct loss loss;           /* LASTPTR_LOST */
    uintptr_t used_at;          /* the program has gone through it, or copied it, last there */
    uintptr_t gone_at;          /* the last stale copy went there; 0: there was none */
    struct lastptr_link link;   /* the word that held it last, or does; word 0: none did */
    const char *why;            /* LASTPTR_UNKNOWN */
    uint32_t steps, stops, scans;
};

/* From now on, until lastptr_end; NULL, or why not. */
const char *lastptr_begin(uint32_t serial);
/* What became of it. */
const struct lastptr *lastptr_end(void);

/* A command was ended: if that had begun, all is as before. */
void lastptr_command_ended(void);

#endif
