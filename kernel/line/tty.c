/*
 * tty.c - the terminal at the other end of the console.
 *
 *     console --> tty_byte --> edit.c          at the prompt
 *                     +------> tty_key         while a command waits for a key
 *
 * Rules:
 *   - an escape sequence goes out whole: what an interrupt prints comes in front of
 *     it or behind it;
 *   - whoever waits here sleeps until the next interrupt.
 */
#include "kernel/line/tty.h"

#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { ESCAPE_TICKS = 10 };     /* a sequence is not slower, even at 300 baud */
enum { ANSWER_TICKS = 30 };     /* so long one waits for an answer, at the end */

static void put(const char *bytes, size_t length)
{
    if (bytes[0] != KEY_ESCAPE) {
        console_write(bytes, length);
    } else {
        uint32_t flags = irq_save();

        console_control(bytes, length);
        irq_restore(flags);
    }
}

struct terminal tty = { .put = put };
bool tty_attended;

static int given_back = -1;             /* a byte that comes first */

static int poll_byte(void)
{
    int byte = given_back >= 0 ? given_back : console_poll();

    given_back = -1;
    return byte;
}

uint32_t tty_printed(void)
{
    return printk_shown() + console_gaps();
}

/* Interrupts are off from the look into the queue until the CPU sleeps. */
int tty_byte(uint32_t ticks)
{
    uint32_t begin = timer_ticks(), printed = tty_printed();

    for (;;) {
        irq_disable();

        int byte = poll_byte();

        if (byte >= 0 || (ticks != TTY_FOR_EVER && timer_ticks() - begin >= ticks) ||
            tty_printed() != printed) {
            irq_enable();
            return byte;
        }
        cpu_idle();
    }
}

int tty_key(uint32_t ticks)
{
    uint32_t begin = timer_ticks(), gone;

    while ((gone = timer_ticks() - begin) <= ticks) {
        bool unfinished = keys_unfinished(&tty.keys);
        int byte = tty_byte(unfinished ? ESCAPE_TICKS : ticks - gone);
        int key = byte >= 0 ? keys_byte(&tty.keys, (uint8_t)byte) : KEY_NONE;

        if (byte < 0 && unfinished) {
            bool is_escape = tty.keys.state == KEYS_ESCAPE;

            keys_give_up(&tty.keys);
            if (is_escape)
                return KEY_ESCAPE;
        }
        if (key == KEY_REPORT)
            terminal_answer(&tty);
        else if (key != KEY_NONE)
            return key;
        else if (byte < 0 && gone >= ticks)
            break;
    }
    return KEY_NONE;
}

void tty_give_back(int key)
{
    if (key > ' ' && key <= '~' && key != 'q')
        given_back = key;
}

void tty_take_answer(void)
{
    uint32_t begin = timer_ticks(), gone;

    while (tty.asked > 0 && (gone = timer_ticks() - begin) < ANSWER_TICKS)
        tty_key(ANSWER_TICKS - gone);
}

void tty_drop_to_interrupt(void)
{
    if (!console_drop_to_interrupt())
        return;
    given_back = -1;
    tty.keys = (struct keys){ 0 };
}

static bool set_term(const char *value)
{
    tty.dumb = strcmp(value, "dumb") == 0;
    tty.mono = strcmp(value, "mono") == 0;
    return tty.dumb || tty.mono;
}

KERNEL_PARAM(term, "dumb|mono", "no escape sequences at all, or no colour", set_term);
