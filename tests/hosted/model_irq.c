/*
 * model_irq.c - interrupts: between two calls, and in the middle of one.
 *
 * The trap code's part (mm_state) is played here.  The middle of a call is either
 * played as well (MM_BUSY is set by hand), or it is real: mm calls back in a walk, and
 * to construct objects, and is busy then.  In the handler all operations are done that
 * do not look at the whole heap.
 */
#include "tests/hosted/model_priv.h"

static void handle(uintptr_t state, unsigned n)
{
    uintptr_t before = model.state, mm_before = mm_state;

    model.state = before | state;
    mm_state |= state;
    while (n--)
        step_in_handler();
    model.state = before;
    mm_state = (mm_state & MM_PUT_OFF) | (mm_before & ~MM_PUT_OFF);
}

void interrupt(void)
{
    handle(MM_IRQ, 1 + draw() % 8);
}

/* In a handler under mm; or in a callback of mm that does what it must not. */
void interrupt_busy(void)
{
    unsigned way = draw();

    handle(way & 128 ? MM_BUSY : MM_BUSY | MM_IRQ, 1 + way % 16);
    settle();
}

/* ---- in the middle of a walk ------------------------------------------------- */

static bool interrupt_one_visit(const struct mm_what *what, void *left)
{
    uint32_t *visits = left;

    (void)what;
    if (--*visits)
        return true;
    model.state |= MM_BUSY;     /* which is true: mm has set it */
    handle(MM_IRQ, 1 + draw() % 8);
    model.state &= ~MM_BUSY;
    return draw() & 1;
}

void interrupt_walk(void)
{
    uint32_t visits = 1 + draw() % 32;

    if (!may_cost())
        return;
    mm_walk_live(interrupt_one_visit, &visits);
    settle();
}

/* ---- in the middle of an allocation ------------------------------------------ */

void arm_constructor(void)
{
    model.armed = 1 + draw() % 4;
}

void interrupt_here(void)
{
    unsigned n = model.armed;
    uintptr_t before = model.state;

    model.armed = 0;
    if (!n)
        return;
    model.state |= MM_BUSY;
    handle(MM_IRQ, n);
    model.state = before;
}

/* ---- what was put off -------------------------------------------------------- */

static bool go_on(const struct mm_what *what, void *arg)
{
    (void)what, (void)arg;
    return true;
}

static void free_again(const struct thing *thing)
{
    kfree(thing->p);
    expect(BIT(MM_BUG_DOUBLE_FREE));
    model_counts.refused++;
}

static struct thing *first_waiting(void)
{
    struct thing *thing = model.things;

    while (!thing->waiting)
        thing++;
    return thing;
}

/* Some call of mm that enters: it first does what was put off. */
static void enter_mm(void)
{
    switch (may_cost() ? draw() % 5 : draw() % 2) {
    case 0:
        free_again(first_waiting());
        break;
    case 1:
        kmem_cache_shrink(mm_find_cache("kmalloc-64"));
        break;
    case 2:
        mm_walk_live(go_on, NULL);
        break;
    case 3:
        mm_reclaim();
        break;
    default:
        if (mm_check())
            wrong("after what was put off: %s", mm_check());
    }
}

void settle(void)
{
    if (!model.waiting)
        return;
    enter_mm();
    for (struct thing *thing = model.things; thing < model.things + THINGS; thing++)
        if (thing->waiting)
            leave(thing);
    model.waiting = 0;
    if (seen_state() != model.state)
        wrong("mm_state is %zx after frees that were put off", (size_t)mm_state);
}
