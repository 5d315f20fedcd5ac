/*
 * hurt_stacks.c - stacks that end, are overwritten, or are none.
 */
#include "kernel/printk.h"
#include "mm/slab.h"
#include "tests/labs/hurt.h"

/* ---- too deep ------------------------------------------------------------------- */

__attribute__((noinline)) static int deeper(int depth)
{
    volatile char room[100];

    room[0] = (char)depth;
    return depth < 0 ? 0 : deeper(depth + 1) + room[0];
}

void hurt_recursion(void) { hurt_sink = (unsigned)deeper(0); }
HURT(recursion) { hurt_recursion(); }

__attribute__((noinline)) static int pong(int depth);
__attribute__((noinline)) static int ping(int depth)
{
    volatile int here = depth;

    return here < 0 ? 0 : pong(here + 1) + here;
}

static int pong(int depth)
{
    volatile int here = depth;

    return here < 0 ? 0 : ping(here + 1) + here;
}

HURT(recursion_by_two) { hurt_sink = (unsigned)ping(0); }

__attribute__((noinline)) static void take_room(size_t n)
{
    volatile char *room = __builtin_alloca(n);

    room[0] = 1;
    room[n - 1] = 2;
}

HURT(alloca_64k) { take_room(65536); }
HURT(alloca_4m) { take_room(4 << 20); }

/* A compiler that does not touch each page would do so. */
HURT(skip_guard_page)
{
    __asm__ volatile("movl %%esp, %%esi\n\t"
                     "subl $0xa000, %%esp\n\t"
                     "movl $0x41414141, (%%esp)\n\t"
                     "call 1f\n"
                     "1:\tpopl %%eax\n\t"
                     "movl %%esi, %%esp" : : : "eax", "esi", "memory");
}

/* ---- written over --------------------------------------------------------------- */

static void overrun(unsigned n)
{
    volatile char room[16];
    volatile char *at = hidden((uintptr_t)room);

    for (unsigned i = 0; i < n; i++)
        at[i] = 'A';
}

HURT(local_overrun) { overrun(64); }
HURT(local_overrun_far) { overrun(40000); }

HURT(local_underrun)
{
    volatile char room[16];
    volatile char *at = hidden((uintptr_t)room);

    for (unsigned i = 0; i < 64; i++)
        at[-(int)i] = 'A';
}

__attribute__((noinline)) static int *dangling(void)
{
    int here[8] = { 42 };

    return hidden((uintptr_t)here);
}

HURT(dangling_local)
{
    volatile int *p = dangling();

    hurt_sink = (unsigned)*p;
    *p = 7;
}

/* ---- somewhere else ------------------------------------------------------------- */

HURT(esp_zero) { __asm__ volatile("xorl %esp, %esp; pushl $1"); }
HURT(esp_read_only) { __asm__ volatile("movl $text_start + 64, %esp; pushl $1"); }
HURT(esp_wild) { __asm__ volatile("movl $0xf0001000, %esp; pushl $1"); }
HURT(esp_rom) { __asm__ volatile("movl $0xf8000, %esp; call kprintf"); }

HURT(esp_heap)
{
    char *stack = kmalloc(4096, GFP_KERNEL);

    __asm__ volatile("leal 4096(%0), %%esp; ud2" : : "r"(stack));
}

HURT(ebp_wild) { __asm__ volatile("movl $0x41414141, %ebp; ud2"); }
HURT(ebp_circle) { __asm__ volatile("pushl %esp; movl %esp, %ebp; ud2"); }

const struct hurt_way hurt_stacks[] = {
    WAY(recursion), WAY(recursion_by_two), WAY(alloca_64k), WAY(alloca_4m),
    WAY(skip_guard_page), WAY(local_overrun), WAY(local_overrun_far),
    WAY(local_underrun), WAY(dangling_local), WAY(esp_zero), WAY(esp_read_only),
    WAY(esp_wild), WAY(esp_rom), WAY(esp_heap), WAY(ebp_wild), WAY(ebp_circle),
    { NULL, NULL },
};
