/*
 * crash_kinds.c - the mistakes themselves, from a NULL pointer to a smashed stack.
 *
 *     { "null", BY_ITSELF, what it does, what to look for, crash_null }
 *
 * Rules:
 *   - each has a function of its own, crash_KIND, never inlined: a report names it;
 *   - the mistake is in that function, and not in one that it calls, so that whoever
 *     finds it at the very instruction finds it there;
 *   - `volatile`, and pointers that went through hidden(), keep the compiler from
 *     seeing the mistake: it would warn, or leave it out;
 *   - one that comes to its end has given back all that it took.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/lessons/crash_priv.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define CRASH(name) __attribute__((noinline)) static void crash_##name(void)

enum { BYTES = 64, HANDLER_TICKS = 3 };

/* Addresses above all RAM that a 32-bit machine has. */
static const uintptr_t wild_data = 0xdeadbeef, wild_code = 0xfeedface;

/* The same address, of which the compiler knows nothing. */
static volatile char *hidden(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile char *)address;
}

/* ---- pointers -------------------------------------------------------------------- */

CRASH(null)
{
    *hidden(0) = 1;
}

CRASH(zero_size)
{
    *hidden((uintptr_t)kmalloc(0, GFP_KERNEL)) = 1;
}

CRASH(wild)
{
    *hidden(wild_data) = 1;
}

CRASH(text)
{
    *hidden((uintptr_t)crash_text) = 1;
}

CRASH(rodata)
{
    *hidden((uintptr_t)"marbles") = 'M';
}

CRASH(idt)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) table;

    __asm__ volatile("sidt %0" : "=m"(table));
    *hidden(table.base) = 0;
}

/* ---- the stack ------------------------------------------------------------------- */

__attribute__((noinline)) static int crash_stack_at(int depth)
{
    volatile char room[BYTES];

    room[0] = (char)depth;
    return depth < 0 ? 0 : crash_stack_at(depth + 1) + room[0];
}

CRASH(stack)
{
    kprintf("%d\n", crash_stack_at(0));
}

CRASH(alloca)
{
    volatile char room[256 << 10];

    *hidden((uintptr_t)room) = 1;
}

/* Names are at most 7 letters long, somebody thought. */
CRASH(smash)
{
    volatile char name[8];
    volatile char *at = hidden((uintptr_t)name);

    for (unsigned i = 0; i < BYTES; i++)
        at[i] = 'A';
}

/* It has a frame, by which the report finds who called it: esp will not say. */
CRASH(double_fault)
{
    volatile void *frame = __builtin_frame_address(0);

    __asm__ volatile("movl %0, %%esp\n\t"
                     "pushl %0" : : "r"(wild_data & ~15u), "m"(frame) : "memory");
}

/* ---- instructions ---------------------------------------------------------------- */

CRASH(divide)
{
    volatile int packets = 0, bytes = 1000;

    bytes = bytes / packets;
}

CRASH(opcode)
{
    __asm__ volatile("ud2");
}

CRASH(jump)
{
    ((void (*)(void))(uintptr_t)hidden(wild_code))();
}

/* ---- objects --------------------------------------------------------------------- */

CRASH(double_free)
{
    char *object = kmalloc(BYTES, GFP_KERNEL);

    kfree(object);
    kfree(object);
}

CRASH(use_after_free)
{
    char *object = kmalloc(BYTES, GFP_KERNEL);

    kfree(object);
    hidden((uintptr_t)object)[BYTES / 2] = 'X';
}

CRASH(overflow)
{
    char *object = kmalloc(BYTES, GFP_KERNEL);

    hidden((uintptr_t)object)[BYTES] = 'X';
    kfree(object);
}

CRASH(underflow)
{
    char *object = kmalloc(BYTES, GFP_KERNEL);

    hidden((uintptr_t)object)[-1] = 'X';
    kfree(object);
}

CRASH(uninit)
{
    static const char secret[] = "somebody's secret";
    char *object = kmalloc(BYTES, GFP_KERNEL);

    strlcpy(object, secret, BYTES);
    kfree(object);
    object = kmalloc(BYTES, GFP_KERNEL);
    kprintf("  it reads \"%.*s\"\n", (int)strlen(secret), object);
    kfree(object);
}

/* ---- interrupt handlers ---------------------------------------------------------- */

/* Have the timer call it, and wait until that has been. */
static void in_a_handler(void (*handler)(void *unused))
{
    uint32_t begin = timer_ticks();

    timer_every_tick(handler, NULL);
    while (timer_ticks() - begin < HANDLER_TICKS)
        cpu_idle();
    timer_stop(handler, NULL);
}

static void handler_null(void *unused)
{
    (void)unused;
    *hidden(0) = 1;
}

static void handler_loop(void *unused)
{
    (void)unused;
    for (;;)
        __asm__ volatile("");
}

static void handler_alloc(void *unused)
{
    timer_stop(handler_alloc, unused);          /* once will do */
    kfree(kmalloc(BYTES, GFP_KERNEL));
}

CRASH(irq_null)
{
    in_a_handler(handler_null);
}

CRASH(irq_loop)
{
    in_a_handler(handler_loop);
}

CRASH(irq_alloc)
{
    in_a_handler(handler_alloc);
}

/* ---- what does not end ----------------------------------------------------------- */

CRASH(loop)
{
    for (;;)
        __asm__ volatile("");
}

CRASH(cli_loop)
{
    irq_disable();
    for (;;)
        __asm__ volatile("");
}

CRASH(hlt)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* ---- one's own words ------------------------------------------------------------- */

CRASH(assert)
{
    volatile int marbles = 1;

    KASSERT(marbles == 2);
}

CRASH(panic)
{
    panic("the bag has a hole");
}

/* ---- who sees it ----------------------------------------------------------------- */

static const struct crash_seen use_after_free_seen[] = {
    { "SAN", "1", "\"BUG: KASAN: slab-use-after-free\"; then it goes on" },
    { "kfence.every", "1", "\"BUG: KFENCE: use-after-free\": the CPU sees it, and it ends" },
    { "slub_debug", "P", "nothing yet: check, or the next kmalloc, sees the poison" },
    { 0 }
};

static const struct crash_seen overflow_seen[] = {
    { "SAN", "1", "\"BUG: KASAN: slab-out-of-bounds\"; then it goes on" },
    { "kfence.every", "1", "\"BUG: KFENCE: out-of-bounds\": the CPU sees it, and it ends" },
    { "slub_debug", "Z", "\"Right Redzone overwritten\": kfree sees it" },
    { 0 }
};

static const struct crash_seen underflow_seen[] = {
    { "SAN", "1", "\"BUG: KASAN: slab-out-of-bounds\"; then it goes on" },
    { "kfence.every", "1", "\"BUG: KFENCE: memory corruption\": kfree sees it" },
    { "slub_debug", "Z", "\"Left Redzone overwritten\": kfree sees it" },
    { 0 }
};

static const struct crash_seen uninit_seen[] = {
    { "init_on_alloc", "1", "nothing: init_on_alloc=1 has cleared what was there" },
    { "init_on_free", "1", "nothing: init_on_free=1 has cleared what was there" },
    { "kfence.every", "1", "Z, which is 0x5a: kfence fills what it hands out" },
    { "slub_debug", "P", "Z, which is 0x5a: the poison of what nobody wrote to yet" },
    { 0 }
};

static const struct crash_seen smash_seen[] = {
    { "SAN", "1", "\"BUG: KASAN: stack-out-of-bounds\", and then \"stack smashed\"" },
    { 0 }
};

/* ---- the table ------------------------------------------------------------------- */

const struct crash_kind crash_kinds[] = {
    { "null", BY_ITSELF, "writes to NULL, as if kmalloc could never fail",
      "\"a NULL pointer was used\", and the function behind \"in\"", crash_null, NULL },
    { "zero_size", BY_ITSELF, "writes to what kmalloc(0) gave, which is no memory",
      "\"ZERO_SIZE_PTR was used\"", crash_zero_size, NULL },
    { "wild", BY_ITSELF, "writes to 0xdeadbeef, by a pointer that was never set",
      "\"not mapped\", and what is \"there\"", crash_wild, NULL },
    { "text", BY_ITSELF, "writes over its own code",
      "\"read-only\", and whose code is \"there\"", crash_text, NULL },
    { "rodata", BY_ITSELF, "changes a letter of a string constant",
      "\"read-only\", and \"kernel constants\"", crash_rodata, NULL },
    { "stack", BY_ITSELF, "calls itself for ever",
      "\"stack overflow\", and how often it is below \"called from\"", crash_stack, NULL },
    { "alloca", BY_ITSELF, "has a local array of 256 KiB, larger than the stack",
      "\"stack overflow\", in a function that has just begun", crash_alloca, NULL },
    { "divide", BY_ITSELF, "divides by a number of packets that is 0",
      "\"divide error\"", crash_divide, NULL },
    { "opcode", BY_ITSELF, "runs an instruction that no CPU has",
      "\"invalid opcode\"", crash_opcode, NULL },
    { "jump", BY_ITSELF, "calls a function by a pointer with 0xfeedface in it",
      "\"execution of\", and who called: first below \"called from\"", crash_jump, NULL },
    { "double_free", BY_ITSELF, "gives an object back twice",
      "\"BUG\", and who freed it first; it is refused, and all goes on",
      crash_double_free, NULL },
    { "use_after_free", BY_ITSELF, "writes into an object that it has given back",
      "nothing: nobody sees it.  After params kfence.every=1, the CPU does",
      crash_use_after_free, use_after_free_seen },
    { "overflow", BY_ITSELF, "writes one byte behind an object of 64",
      "nothing: nobody sees it.  After params kfence.every=1, the CPU does",
      crash_overflow, overflow_seen },
    { "underflow", BY_ITSELF, "writes one byte before an object",
      "nothing: nobody sees it.  After params slub_debug=Z, kfree does",
      crash_underflow, underflow_seen },
    { "uninit", BY_ITSELF, "reads an object into which it has written nothing",
      "what the last owner left.  After params init_on_alloc=1, no more",
      crash_uninit, uninit_seen },
    { "irq_null", BY_ITSELF, "writes to NULL in a handler of the timer's interrupt",
      "\"in an interrupt handler\"", crash_irq_null, NULL },
    { "irq_loop", BY_NMI, "loops in an interrupt handler, where no key comes through",
      "nothing for 4 seconds, and then the watchdog, if there is one", crash_irq_loop, NULL },
    { "irq_alloc", BY_ITSELF, "calls kmalloc(64, GFP_KERNEL) in an interrupt handler",
      "\"BUG\": it would have to sleep, and gets NULL", crash_irq_alloc, NULL },
    { "loop", BY_CTRL_C, "loops for ever",
      "the function in which Ctrl-C, or watchdog=, has ended it", crash_loop, NULL },
    { "cli_loop", BY_NMI, "turns interrupts off, and loops for ever",
      "nothing for 4 seconds, and then the watchdog, if there is one", crash_cli_loop, NULL },
    { "hlt", BY_NMI, "turns interrupts off, and waits for one",
      "nothing for 4 seconds, and then the watchdog, if there is one", crash_hlt, NULL },
    { "double_fault", BY_ITSELF, "pushes a word where no stack is",
      "\"double fault\": the page fault found no stack either", crash_double_fault, NULL },
    { "smash", BY_ITSELF, "writes past a local array, over where it returns to",
      "\"stack smashed\": it does not return, for a guard word has changed", crash_smash,
      smash_seen },
    { "idt", BY_ITSELF, "overwrites the table by which the CPU finds who reports",
      "\"read-only\": else nothing could be reported any more", crash_idt, NULL },
    { "assert", BY_ITSELF, "asserts what is not so",
      "the file, the line, and what was asserted", crash_assert, NULL },
    { "panic", NEVER, "calls panic(\"the bag has a hole\")",
      "these words, and no prompt: the kernel has given up", crash_panic, NULL },
};
const size_t nr_crash_kinds = sizeof(crash_kinds) / sizeof(crash_kinds[0]);
