/*
 * lastptr_priv.h - what lastptr.c is made of: registers and stack, and the way from a root.
 */
#ifndef KERNEL_TRACE_LASTPTR_PRIV_H
#define KERNEL_TRACE_LASTPTR_PRIV_H

#include "kernel/cpu/debug.h"
#include "kernel/leaks/scan.h"
#include "kernel/trace/instruction.h"
#include "kernel/trace/lastptr.h"

enum { LASTPTR_LINKS = DEBUG_REGISTERS };

/* SAN=1 does not report what is read here: a stack is also what is nobody's. */
#define UNCHECKED __attribute__((no_sanitize_address))

/* What lastptr_end() gives. */
extern struct lastptr followed;

/* ---- what may have been the loss: lastptr_suspect.c ----------------------------------- */

/* how is LOSS_NONE: nothing. */
extern struct loss suspect;

/* The instruction that is stepped; eip 0: it is not known. */
extern struct before {
    uintptr_t eip;
    uint32_t registers[REGISTERS];
    bool in_interrupt;
    bool through_mm;                    /* mm was called, and what it does is not looked at */
} before;

/* In that instruction; the same, with the calls of who is stopped at the frame. */
void suspect_describe(struct loss *loss, enum loss_how how, uintptr_t inside);
void suspect_at(struct loss *loss, enum loss_how how, uintptr_t inside,
                const struct trap_frame *frame);
/* It was none. */
void suspect_forget(void);

/* An instruction there was executed; and what was before is not known. */
void suspect_add_line(uintptr_t eip);
void suspect_forget_lines(void);

/* ---- at each stop: lastptr_step.c ------------------------------------------------------- */

/* A link was written, or freed: at the next stop it is marked again. */
extern bool lastptr_has_changed;

/* Nothing is followed yet. */
void lastptr_step_reset(void);

void lastptr_become(enum lastptr_state state);
void lastptr_give_up(const char *why);

/* Registers and stack are to be looked at anew, for the object itself. */
void lastptr_follow(void);
/* The same while it is born: from where mm gives it back to who has called it. */
void lastptr_follow_birth(void);

/* By a mark from these ranges as well. */
bool lastptr_is_held(const struct scan_range *more, unsigned count, struct mm_live *live);

/* Single steps are on, and mm is at rest: what holds it now, if anything?  And afterwards. */
void lastptr_look(struct trap_frame *frame);
void lastptr_remember(const struct trap_frame *frame);
/* An interrupt is over, whose handler was stepped; and who it stopped, perhaps. */
void lastptr_come_back(void);

/* For the links, in their order. */
extern debug_fn *const lastptr_written[LASTPTR_LINKS];

/* ---- registers and the stack: lastptr_hold.c ------------------------------------------ */

struct area {
    uintptr_t start, room;
    uintptr_t structs, structs_room;    /* of its pages */
};

/* What they are to hold, and what of them does. */
extern struct hold {
    struct area anchor;
    uint32_t serial;
    unsigned mask;                      /* registers (instruction.h) */
    const uintptr_t *stack_word;        /* NULL: none is known */
    uintptr_t since[REGISTERS];         /* in which instruction a register got it */
} hold;

/* That, and nothing is known. */
void hold_follow(uintptr_t start, size_t room, uint32_t serial);

struct area hold_area(uintptr_t start, size_t room);

static inline bool hold_points(uintptr_t value, const struct area *area)
{
    return value - area->start < area->room || value - area->structs < area->structs_room;
}

static inline const uint32_t *hold_registers_of(const struct trap_frame *frame)
{
    return &frame->edi;
}

unsigned hold_registers(const struct trap_frame *frame);

/* The stack in use, with esp as it was; is that word in it? */
struct scan_range hold_stack_of(const struct trap_frame *frame);
bool hold_is_on_stack(const struct trap_frame *frame, uintptr_t word);

/* Does hold.stack_word hold it?  And does any, which that is then? */
bool hold_stack_holds(const struct trap_frame *frame);
bool hold_find_on_stack(const struct trap_frame *frame);

/* ---- the way from a root: lastptr_hold.c ----------------------------------------------- */

extern struct way {
    const void *object;                 /* to which it leads, */
    uint32_t serial;                    /*   and its serial number */
    uint32_t live;                      /* objects that the last mark has reached */
    struct lastptr_link links[LASTPTR_LINKS];   /* [0] holds it, [1] what [0] lies in ... */
    int watched[LASTPTR_LINKS];         /* debug registers; -1: none */
    unsigned count;
    bool is_partial;                    /* the way has more links, or not all are watched */
    unsigned patience;                  /* 0: only links[0] is watched */
} way;

/* At first, before anything else. */
void way_reset(void);

/* Marked from these ranges as well: is it held?  Where, is in *live. */
bool way_is_held(const struct scan_range *more, unsigned count, struct mm_live *live);
/*
 * Links from the object towards the root, as far as there is room; what the last word of the
 * way points to is the anchor from now on.  That word: 0, its object was said to be no leak.
 */
uintptr_t way_find(struct mm_live live);
/* That word alone. */
uintptr_t way_root(struct mm_live live);

/* By as many registers as there are.  False: not even the first. */
bool way_watch(debug_fn *const fns[LASTPTR_LINKS]);
void way_unwatch(void);

bool way_link_holds(const struct lastptr_link *link);

/* An instruction has stored the pointer there; or has written something else. */
void way_keep_store(uintptr_t word, uintptr_t by);
void way_forget_store(uintptr_t word);

#endif
