/*
 * lastptr_step.c - at each stop: who holds it now, and was that the loss?
 *
 *     registers, or the stack         go on; now and then: does a word hold it by now?
 *     neither                         mark: by words?  Then these are watched
 *                                     by way of what registers or the stack hold?  Go on
 *                                     by nothing: lost
 */
#include "kernel/trace/lastptr_priv.h"

#include "kernel/backtrace.h"
#include "kernel/image.h"
#include "kernel/string.h"

enum { LEAST_STEPS = 256 };             /* between two marks: a mark costs as much */
enum { LONGEST = 16 };                  /* instruction: more bytes it has not */
enum { CALLERS_OWN = 1 << EAX | 1 << EDX | 1 << ECX };  /* no function saves them */

struct lastptr followed;
bool lastptr_has_changed;

static uintptr_t comes_out_at;          /* of mm, by the call that took it; 0: it has */
static uint32_t steps_left;             /* until the next mark */
static bool has_come_back;              /* from an interrupt: registers are as before it */
static bool is_interrupted;             /* a handler is stepped */
static struct before interrupted;       /* who it stopped; eip 0: that was not stepped */

void lastptr_step_reset(void)
{
    memset(&followed, 0, sizeof(followed));
    suspect.how = LOSS_NONE;
    lastptr_has_changed = false;
    comes_out_at = 0;
    has_come_back = is_interrupted = false;
    before.eip = 0;
}

/* ---- states -------------------------------------------------------------------------- */

void lastptr_become(enum lastptr_state state)
{
    followed.state = state;
    if (state != LASTPTR_WATCHES && state != LASTPTR_STEPS)
        way_unwatch();
}

void lastptr_give_up(const char *why)
{
    followed.why = why;
    lastptr_become(LASTPTR_UNKNOWN);
}

/* Registers and stack are to be looked at anew. */
void lastptr_follow(void)
{
    hold_follow((uintptr_t)followed.born.p, followed.born.room, followed.serial);
    before.eip = 0;
}

/* mm may call others before it is back, such as memset. */
void lastptr_follow_birth(void)
{
    if (backtrace_to_mm(&comes_out_at, 1) == 0)
        comes_out_at = 0;
    lastptr_follow();
}

/* ---- the way to it ------------------------------------------------------------------- */

/* By the last mark it is held. */
static void watch(const struct mm_live *live)
{
    way_unwatch();
    way_find(*live);
    if (way.count > 0)
        followed.link = way.links[0];
    suspect_forget();
    if (way_watch(lastptr_written))
        lastptr_become(LASTPTR_WATCHES);
    else
        lastptr_give_up("no debug register is free to watch what holds it: catch off");
}

/* By a mark from these ranges as well; the next one is due when that was worth it. */
bool lastptr_is_held(const struct scan_range *more, unsigned count, struct mm_live *live)
{
    bool held = way_is_held(more, count, live);

    followed.scans++;
    steps_left = way.live + LEAST_STEPS;
    return held;
}

/*
 * Does a word hold it that is no stack's?  Then that is watched.  To a nested command its
 * caller's stack is a root, but what a word of that is for does not last.
 */
static bool is_held_by_words(void)
{
    struct mm_live live;

    if (!lastptr_is_held(NULL, 0, &live) ||
        address_between(way_root(live), command_stack, boot_stack_top))
        return false;
    watch(&live);
    return true;
}

/* ... or a register or the stack, by way of another object?  Then that is the anchor. */
static bool is_held_by_way(const struct trap_frame *frame)
{
    struct scan_range more[2] = {
        { hold_registers_of(frame), hold_registers_of(frame) + REGISTERS },
        hold_stack_of(frame) };
    struct mm_live live;
    uintptr_t root;

    if (!lastptr_is_held(more, 2, &live))
        return false;
    way_unwatch();
    lastptr_follow();
    root = way_find(live);
    if (way.count > 0 && !way.is_partial)
        way.count--;                    /* the last is on the stack, or a register */
    if (way.count > 0)
        followed.link = way.links[0];
    way_watch(lastptr_written);
    if (hold_is_on_stack(frame, root))
        hold.stack_word = (const uintptr_t *)root;
    hold.mask = hold_registers(frame);
    return true;
}

/* ---- a step --------------------------------------------------------------------------- */

/* Is it lost with what held it, and was that lost before? */
static bool was_lost_before(void)
{
    struct mm_live live;

    return way.is_partial && suspect.how == LOSS_OVERWRITTEN &&
           mm_scan_find((const void *)suspect.link.word, &live) && is_lost(&live);
}

static unsigned first_of(unsigned found)
{
    unsigned reg = REGISTERS - 1;

    while (reg > 0 && !(found >> reg & 1))
        reg--;
    return reg;
}

static UNCHECKED void lose(const struct trap_frame *frame, unsigned gone)
{
    const struct instruction did = before.eip == 0 ? (struct instruction){ .uses = false }
        : instruction_of((const uint8_t *)before.eip, before.registers, 0);
    unsigned reg = first_of(gone);

    if (followed.state == LASTPTR_FREED)    /* by what was put off until the mark */
        return;
    if (suspect.how == LOSS_NONE) {
        bool was_local = hold.stack_word != NULL &&
                         hold_is_on_stack(frame, (uintptr_t)hold.stack_word);

        suspect_at(&suspect, did.is_pop || did.is_return ? LOSS_RETURNED :
                    was_local ? LOSS_STACK : gone != 0 ? LOSS_REGISTER : LOSS_RETURNED,
                    before.eip, frame);
        suspect.reg = reg;
        suspect.since = hold.since[reg];
        suspect.value = was_local ? *hold.stack_word : hold_registers_of(frame)[reg];
    } else {
        followed.gone_at = before.eip != suspect.inside ? before.eip : 0;
    }
    followed.loss = suspect;
    if (was_lost_before())
        followed.loss.how = LOSS_BEFORE;
    lastptr_become(LASTPTR_LOST);
}

/*
 * The word of the stack that had it has it no more.  If no other one there does, that may
 * have been the loss: what registers still have may be read by nobody.
 */
static UNCHECKED void look_at_local(const struct trap_frame *frame)
{
    const uintptr_t *was = hold.stack_word;

    if (was == NULL || hold_stack_holds(frame) || hold_find_on_stack(frame))
        return;
    if (suspect.how == LOSS_NONE && hold_is_on_stack(frame, (uintptr_t)was)) {
        suspect_at(&suspect, LOSS_STACK, before.eip, frame);
        suspect.value = *was;
    }
}

/*
 * What the instruction has done that was executed last.  The CPU may not have come to it, for
 * an interrupt: so what it has stored is looked at.
 */
static UNCHECKED void judge(const struct trap_frame *frame, unsigned now)
{
    bool has_popped = (uintptr_t)(frame + 1) > before.registers[ESP];
    unsigned copies = now & ~hold.mask;
    struct instruction did;

    if (before.eip == 0)
        return;
    did = instruction_of((const uint8_t *)before.eip, before.registers, hold.mask);
    if (before.through_mm)
        copies &= CALLERS_OWN;          /* the others it has saved, and put back */
    if (did.is_pop || did.is_reload)
        copies = 0;
    if (did.uses || copies != 0) {
        suspect_forget();
        followed.used_at = before.eip;
        for (unsigned reg = 0; reg < REGISTERS; reg++)
            if (copies >> reg & 1)
                hold.since[reg] = before.eip;
    }
    if (did.stores_at % sizeof(uintptr_t) == 0 && did.stores_at != 0 &&
        hold_points(*(const uintptr_t *)did.stores_at, &hold.anchor)) {
        suspect_forget();
        if (!hold_is_on_stack(frame, did.stores_at)) {
            way_keep_store(did.stores_at, before.eip);
            is_held_by_words();
            return;
        }
        hold.stack_word = (const uintptr_t *)did.stores_at;
    }
    look_at_local(frame);
    if (did.is_return && !before.through_mm && has_popped && now != 0 &&
        !(now & ~(unsigned)CALLERS_OWN) && suspect.how == LOSS_NONE &&
        !hold_find_on_stack(frame)) {
        suspect_at(&suspect, LOSS_RETURNED, before.eip, frame);
        suspect.reg = first_of(now);
        suspect.since = hold.since[suspect.reg];
    }
}

/*
 * Out of mm for the first time: whom has the call given it to?  Where the graph has put
 * itself between, one instruction more was executed.
 */
static void came_out(const struct trap_frame *frame)
{
    uintptr_t inside = comes_out_at - 1;

    comes_out_at = 0;
    if (hold.mask == 0 || hold.mask & ~(unsigned)CALLERS_OWN || hold_find_on_stack(frame))
        return;
    suspect_add_line(inside);
    suspect_at(&suspect, LOSS_IGNORED, inside, frame);
}

void lastptr_look(struct trap_frame *frame)
{
    unsigned now = hold_registers(frame), gone = hold.mask & ~now;

    if (lastptr_has_changed) {
        lastptr_has_changed = false;
        if (is_held_by_words())
            return;
        lastptr_follow();
        now = hold_registers(frame);
    }
    if (has_come_back)
        gone = 0;                       /* nor is what is back a copy */
    else
        judge(frame, now);
    has_come_back = false;
    if (followed.state != LASTPTR_STEPS)
        return;
    if (steps_left == 0 && is_held_by_words())
        return;
    steps_left -= steps_left > 0;
    hold.mask = now;
    if (frame->eip - comes_out_at < LONGEST)
        came_out(frame);
    if (suspect.how == LOSS_FAULT && (hold.mask != 0 || hold_find_on_stack(frame)))
        suspect_forget();               /* it has ended somebody else */
    if (hold.mask != 0 || hold_stack_holds(frame))
        return;

    const uintptr_t *was = hold.stack_word;

    if (hold_find_on_stack(frame) || is_held_by_words() || is_held_by_way(frame))
        return;
    hold.stack_word = was;
    lose(frame, gone);
}

/* What it was about to do it still is; if it was not stepped, the handler's end stands. */
void lastptr_come_back(void)
{
    has_come_back = true;
    if (is_interrupted && interrupted.eip != 0)
        before = interrupted;
    is_interrupted = false;
}

void lastptr_remember(const struct trap_frame *frame)
{
    if (mm_state & MM_IRQ && !is_interrupted) {
        is_interrupted = true;
        interrupted = before;
    }
    before.eip = frame->eip;
    before.through_mm = false;
    memcpy(before.registers, hold_registers_of(frame), sizeof(before.registers));
    before.registers[ESP] = (uint32_t)(uintptr_t)(frame + 1);
}
