/*
 * lastptr.c - where is the last pointer to an object, instruction by instruction?
 *
 *     birth    mm's observer tells of it: from here on single steps
 *     steps    a register or the stack holds it       --store--> watches
 *     watches  a word of a variable or object does, and a debug register tells when it is
 *              written; at full speed                 --write--> steps, or another word
 *     lost     nothing holds it
 *
 * What holds it is decided as `leaks` decides it: pointers to its start or its middle, or to
 * its page struct, in variables of labs and lessons, in what the shell holds, and in what is
 * reachable from there; what only a lost object holds is lost.  Besides, as long as a
 * command runs, its registers and the stack from its stack pointer upwards, those of whom it
 * has interrupted included, for they lie there.  So each time a holder goes, and mm is at
 * rest, the heap is marked, first without and then with registers and stack (kernel/leaks/
 * scan.h).  The mark gives the shortest way from a root:
 *
 *     a variable -> object -> object -> the object        links[2], [1], [0]
 *
 * Each word of it is a link, and all are watched, as far as there are debug registers.  If
 * a register or the stack holds the first object only, that is the anchor, and the steps go
 * on as long as it is held there.
 *
 * A value that nobody will use stays in a register or on the stack until something else
 * comes there.  So the end of the last copy says little: when a word that held it is
 * written or freed, or a function returns that had it, that is kept (suspect), and the
 * copies are followed further.  Is one of them copied or stored again, or does the program go
 * through it to memory (instruction.c), it was no dead one, and the suspect is forgotten.  Is
 * it saved and restored by push and pop, that means nothing.
 *
 *   L1  steps and debug registers are on only while the state says so, and an observer from
 *       lastptr_begin to lastptr_end; lastptr_command_ended() sees to it, too;
 *   L2  what mm does inside is not looked at: it drops nobody's pointers.  It is looked at
 *       again when it is left and at rest;
 *   L3  our own copies lie in no root: here and nowhere else.
 *
 * What it does not see: a pointer in another form (xor'ed with another, shifted), for which
 * `leaks` is blind as well.  If the way is longer than there are debug registers and breaks
 * where nothing is watched, that shows later, and which object it was lost with is told.
 *
 * Cost: a step some 600 instructions, a mark 200 for each live object.  Where a word holds it
 * nothing, but that each call of mm goes the long way.
 */
#include "kernel/trace/lastptr_priv.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/image.h"
#include "kernel/string.h"
#include "mm/mm.h"

static uint32_t command;                /* that has begun it; 0: none */
static bool is_looking;                 /* at a stop: what comes meanwhile is ours */

/* L2 */
static bool is_in_mm(const struct trap_frame *frame)
{
    return mm_state & MM_BUSY || address_between(frame->eip, mm_text_start, mm_text_end);
}

/* At a stop, of whatever kind. */
static void stop(struct trap_frame *frame)
{
    before.through_mm |= is_in_mm(frame);
    if (is_in_mm(frame))
        return;
    is_looking = true;
    lastptr_look(frame);
    is_looking = false;
    lastptr_remember(frame);
}

/*
 * What it ends is known at the next step: perhaps only an interrupt's handler.  A stack that
 * is full may be so by what we do at a stop, so then it is who was stopped.
 */
static void faulted(const struct trap_frame *frame)
{
    if (suspect.how == LOSS_NONE && frame->vector == TRAP_DOUBLE_FAULT)
        suspect_describe(&suspect, LOSS_FAULT, before.eip);
    else if (suspect.how == LOSS_NONE)
        suspect_at(&suspect, LOSS_FAULT, frame->eip, frame);
    before.eip = 0;
    is_looking = false;
    lastptr_has_changed = true;
}

static void stepped(struct trap_frame *frame)
{
    if (frame->vector == TRAP_DEBUG) {
        followed.steps++;
        if (followed.state == LASTPTR_STEPS && before.eip != 0)
            suspect_add_line(before.eip);
    } else if (frame->vector < TRAP_FIRST_IRQ) {
        faulted(frame);
        return;
    } else {
        lastptr_come_back();
    }
    if (followed.state == LASTPTR_STEPS)
        stop(frame);
    if (followed.state != LASTPTR_STEPS)
        debug_step_end(frame);
}

/* ---- a write, a free ------------------------------------------------------------------- */

/* That link is none any more: from now on single steps. */
static void break_link(unsigned k)
{
    suspect.link = way.links[k];
    suspect.value = *(const uintptr_t *)way.links[k].word;
    way_forget_store(way.links[k].word);
    if (k > 0 && way.patience > 0)
        way.patience--;
    lastptr_has_changed = true;
    way_unwatch();
    lastptr_become(LASTPTR_STEPS);
}

static void written(struct trap_frame *frame, unsigned k)
{
    bool was_stepping = followed.state == LASTPTR_STEPS;

    if (k >= way.count || way_link_holds(&way.links[k]))
        return;
    if (is_looking) {
        lastptr_has_changed = true;
        return;
    }
    followed.stops++;
    if (!was_stepping)
        suspect_forget_lines();
    suspect_add_line(frame->eip - 1);
    suspect_at(&suspect, LOSS_OVERWRITTEN, frame->eip - 1, frame);
    break_link(k);
    if (was_stepping)
        return;
    lastptr_follow();
    if (!debug_step(frame, stepped)) {
        lastptr_give_up("somebody else steps through the code");
        return;
    }
    stop(frame);
    if (followed.state != LASTPTR_STEPS)
        debug_step_end(frame);
}

static void written_0(struct trap_frame *frame) { written(frame, 0); }
static void written_1(struct trap_frame *frame) { written(frame, 1); }
static void written_2(struct trap_frame *frame) { written(frame, 2); }
static void written_3(struct trap_frame *frame) { written(frame, 3); }

debug_fn *const lastptr_written[LASTPTR_LINKS] = { written_0, written_1, written_2,
                                                     written_3 };

static void step_from_here(void)
{
    if (!debug_step_here(stepped))
        lastptr_give_up("somebody else steps through the code");
}

static void born(const struct mm_event *event)
{
    followed.born = *event;
    way.object = event->p;
    way.serial = event->serial;
    lastptr_become(LASTPTR_STEPS);
    lastptr_follow_birth();
    step_from_here();
}

/* What a link lies in is freed, or made smaller. */
static void owner_goes(const struct mm_event *event, unsigned k)
{
    bool was_stepping = followed.state == LASTPTR_STEPS;
    enum loss_how how = event->kind == MM_FREEING ? LOSS_FREED : LOSS_CUT;

    if (is_looking) {
        lastptr_has_changed = true;
        return;
    }
    if (!was_stepping)
        suspect_forget_lines();
    suspect_describe(&suspect, how, 0);
    suspect.site = event->site;
    suspect.call_count = backtrace_to_mm(suspect.calls, LASTPTR_CALLS);
    if (suspect.call_count > 0)
        suspect.inside = suspect.calls[0] - 1;
    break_link(k);
    if (was_stepping)
        return;
    lastptr_follow();
    step_from_here();
}

static bool is_cut_off(const struct mm_event *event, uintptr_t word)
{
    return word - (uintptr_t)event->p >=
           (event->kind == MM_FREEING ? 0 : event->bytes / sizeof(word) * sizeof(word));
}

static void saw(const struct mm_event *event, void *unused)
{
    (void)unused;
    if (event->kind == MM_ALLOCATED && event->serial == followed.serial &&
        followed.state == LASTPTR_WAITS)
        born(event);
    if (event->kind != MM_FREEING && event->kind != MM_RESIZED)
        return;
    if (event->kind == MM_FREEING && event->serial == followed.serial && followed.born.p != NULL) {
        followed.freed_by = event->site;
        lastptr_become(LASTPTR_FREED);
        return;
    }
    for (unsigned k = 0; k < way.count; k++)
        if (way.links[k].word - (uintptr_t)event->p < event->room &&
            is_cut_off(event, way.links[k].word)) {
            owner_goes(event, k);
            break;
        }
}

static struct mm_observer observer = { .saw = saw };

/* ---- beginning, ending ------------------------------------------------------------------- */

static bool is_one_free(void)
{
    int number = debug_watch(&followed, sizeof(uint32_t), written_0);

    debug_unwatch(number);
    return number >= 0;
}

const char *lastptr_begin(uint32_t serial)
{
    if (mm_state & MM_IRQ)
        return "not in an interrupt";
    if (command != 0)
        return "there can be one at a time, and one runs";
    suspect_forget_lines();
    way_reset();
    is_looking = false;
    lastptr_step_reset();
    followed.serial = serial;
    if (!is_one_free())
        return "no debug register is free: catch off N gives one back";
    if (!mm_observe(&observer))
        return "not while the allocator is busy";
    command = guard_command();
    return NULL;
}

/* L1 */
static void let_go(void)
{
    debug_step_stop();
    way_unwatch();
    mm_unobserve(&observer);
    command = 0;
}

const struct lastptr *lastptr_end(void)
{
    uint32_t flags = irq_save();
    enum lastptr_state state = followed.state;
    struct mm_live live;
    bool was_whole = !way.is_partial;

    let_go();
    if (state != LASTPTR_WAITS && state != LASTPTR_FREED && lastptr_is_held(NULL, 0, &live)) {
        way_find(live);
        if (way.count > 0)
            followed.link = way.links[0];
        followed.why = state == LASTPTR_LOST ? "hidden" : NULL;
        followed.state = LASTPTR_WATCHES;
    } else if (state == LASTPTR_WATCHES) {
        followed.state = LASTPTR_LOST;
        followed.loss.how = was_whole ? LOSS_END : LOSS_BEFORE;
    } else if (state == LASTPTR_STEPS) {
        if (suspect.how == LOSS_NONE)
            suspect_describe(&suspect, LOSS_END, 0);
        followed.loss = suspect;
        followed.state = LASTPTR_LOST;
    }
    irq_restore(flags);
    return &followed;
}

void lastptr_command_ended(void)
{
    if (command != 0 && !guard_has(command))
        let_go();
}
