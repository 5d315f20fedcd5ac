/*
 * hurt_loops.c - what does not end, and interrupts that do not come.
 */
#include "drivers/io.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "tests/labs/hurt.h"

enum { PIC_COMMAND = 0x20, PIC_DATA = 0x21, PIC2_DATA = 0xa1 };
enum { PIT = 0x40, PIT_MODE = 0x43 };

static void nothing(void) { __asm__ volatile(""); }

/* ---- loops ---------------------------------------------------------------------- */

HURT(loop) { for (;;) nothing(); }
HURT(loop_kmalloc) { for (;;) kfree(kmalloc(64, GFP_KERNEL)); }
HURT(loop_leak) { for (;;) hidden((uintptr_t)kmalloc(64, GFP_KERNEL | __GFP_NOWARN)); }
HURT(loop_leak_loud) { for (;;) hidden((uintptr_t)kmalloc(64, GFP_KERNEL)); }
HURT(loop_check) { for (;;) hidden((uintptr_t)mm_check()); }
HURT(loop_lines) { for (unsigned i = 0;; i++) kprintf("line %u of many\n", i); }
HURT(loop_letters) { for (;;) kprintf("x"); }
HURT(loop_log) { for (unsigned i = 0;; i++) pr_err("line %u", i); }
HURT(loop_asks) { while (!shell_interrupted()) nothing(); }
HURT(loop_idle) { for (;;) cpu_idle(); }
HURT(loop_shell) { shell_loop(); }

HURT(loop_flag)
{
    static int done;

    while (!done)
        ;
}

/* The list that it walks is a circle. */
HURT(loop_list)
{
    struct node {
        struct node *next;
    } *a = kmalloc(sizeof(*a), GFP_KERNEL), *b = kmalloc(sizeof(*b), GFP_KERNEL);

    a->next = b;
    b->next = a;
    for (struct node *node = a; node != NULL; node = node->next)
        hurt_sink++;
}

/* ---- interrupts off ------------------------------------------------------------- */

HURT(loop_irq_off) { irq_disable(); for (;;) nothing(); }
HURT(halt_irq_off) { __asm__ volatile("cli; hlt"); }
HURT(return_irq_off) { irq_disable(); }
HURT(run_irq_off) { irq_disable(); shell_run("uptime; hurt null_write"); irq_enable(); }

HURT(loop_irq_mostly_off)
{
    for (;;) {
        irq_disable();
        for (unsigned i = 0; i < 10000; i++)
            nothing();
        irq_enable();
    }
}

/* ---- no interrupts -------------------------------------------------------------- */

HURT(pic_masked) { outb(PIC_DATA, 0xff); outb(PIC2_DATA, 0xff); }
HURT(timer_once) { outb(PIT_MODE, 0x30); outb(PIT, 1); outb(PIT, 0); }
HURT(timer_fast) { outb(PIT_MODE, 0x34); outb(PIT, 2); outb(PIT, 0); }

HURT(pic_masked_loop) { pic_masked(); for (;;) nothing(); }
HURT(timer_once_loop) { timer_once(); for (;;) nothing(); }

enum { A20_GATE = 0x92, WATCHDOG_STOP = 0x441, CMOS_INDEX = 0x70, NO_NMI = 0x80 };

HURT(a20_off) { outb(A20_GATE, 0); }
HURT(nmi_masked) { outb(CMOS_INDEX, NO_NMI); loop_irq_off(); }
HURT(watchdog_stopped) { outb(WATCHDOG_STOP, 0); loop_irq_off(); }

/* A PIC takes what is written next as the first of its new vectors. */
HURT(pic_begun) { outb(PIC_COMMAND, 0x11); }
HURT(pic_begun_loop) { pic_begun(); for (;;) nothing(); }

/* IRQ 0 is vector 8 from now on, the double fault's. */
HURT(pic_moved)
{
    uint32_t begin = timer_ticks();

    outb(PIC_COMMAND, 0x11);
    outb(PIC_DATA, 8);
    outb(PIC_DATA, 4);
    outb(PIC_DATA, 1);
    outb(PIC_DATA, 0);
    while (timer_ticks() == begin)
        nothing();
}

const struct hurt_way hurt_loops[] = {
    WAY(loop), WAY(loop_kmalloc), WAY(loop_leak), WAY(loop_leak_loud), WAY(loop_check),
    WAY(loop_lines), WAY(loop_letters), WAY(loop_log), WAY(loop_asks), WAY(loop_idle),
    WAY(loop_shell), WAY(loop_flag), WAY(loop_list), WAY(loop_irq_off),
    WAY(halt_irq_off), WAY(return_irq_off), WAY(run_irq_off), WAY(loop_irq_mostly_off), WAY(pic_masked),
    WAY(pic_masked_loop), WAY(timer_once_loop), WAY(a20_off), WAY(nmi_masked),
    WAY(watchdog_stopped), WAY(timer_once), WAY(timer_fast), WAY(pic_begun), WAY(pic_begun_loop), WAY(pic_moved), { NULL, NULL },
};
