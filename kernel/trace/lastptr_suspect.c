/*
 * lastptr_suspect.c - how the pointer may have been lost, described at that moment.
 *
 * Line by line what runs is kept (last_lines.c): of an interrupt apart, for what it
 * interrupts has its own.  With the calls it is taken down when something that held the
 * pointer goes; whether that was the loss shows later (lastptr.c).
 */
#include "kernel/trace/lastptr_priv.h"

#include "kernel/backtrace.h"
#include "kernel/string.h"
#include "mm/port.h"

struct loss suspect;
struct before before;

static struct last_lines lines, irq_lines;

void suspect_add_line(uintptr_t eip)
{
    bool in_interrupt = mm_state & MM_IRQ;

    if (in_interrupt && !before.in_interrupt)
        irq_lines.count = 0;
    before.in_interrupt = in_interrupt;
    last_lines_add(in_interrupt ? &irq_lines : &lines, eip);
}

void suspect_forget_lines(void)
{
    lines.count = irq_lines.count = 0;
}

void suspect_describe(struct loss *loss, enum loss_how how, uintptr_t inside)
{
    memset(loss, 0, sizeof(*loss));
    loss->how = how;
    loss->inside = inside;
    loss->in_interrupt = mm_state & MM_IRQ;
    loss->lines = loss->in_interrupt ? irq_lines : lines;
}

/* Behind the end of a function its caller's frame is there already: who that is; or 0. */
static UNCHECKED uintptr_t returned_to(uintptr_t inside, const struct trap_frame *frame)
{
    const uintptr_t *top = (const uintptr_t *)(frame + 1);
    uint8_t op;

    if (inside == 0 || inside != before.eip)
        return 0;
    op = *(const uint8_t *)inside;
    if (op == 0xc3 || op == 0xc2)                       /* ret */
        return frame->eip;              /* the exception lies over the word it was in */
    return op == 0xc9 || op == 0x5d ? backtrace_return_at(top) : 0;     /* leave */
}

void suspect_at(struct loss *loss, enum loss_how how, uintptr_t inside,
                const struct trap_frame *frame)
{
    uintptr_t back = returned_to(inside, frame);

    suspect_describe(loss, how, inside);
    loss->way = hold.serial != followed.serial ? hold.serial : 0;
    if (back != 0)
        loss->calls[loss->call_count++] = back;
    loss->call_count += backtrace_from(back != 0 ? back : inside, (uintptr_t)(frame + 1),
                                       frame->ebp, loss->calls + loss->call_count,
                                       LASTPTR_CALLS - loss->call_count);
}

void suspect_forget(void)
{
    suspect.how = LOSS_NONE;
    followed.gone_at = 0;
}
