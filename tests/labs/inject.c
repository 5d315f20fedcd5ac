/*
 * inject.c - a fault at any instruction of `stress`, chosen by number.
 *
 *     marbles> stepped 1234 7      stress of seed 7, with a fault at its 1,234th one
 *     marbles> inject 200 1        200 times at random, by seed 1, each put right
 *
 * The lab has an IDT of its own, the kernel's but for one gate:
 *
 *     EFLAGS.TF set --> stress --> #DB behind each instruction --> step: one less, iret
 *                                                                     | none
 *           the kernel's IDT, TF off, CR2, an error code <------------+
 *           |
 *           +--> the kernel's own entry of #PF, as if by that instruction
 *
 * So eip, registers, stack and mm_state are what they would be if that instruction had
 * faulted, and none of it has been executed.  Interrupts are not stepped, for the CPU
 * clears TF as it enters them (SDM 3A 6.12.1.2, 3B 17.3.1.4).  With -m only those of mm
 * count, when it does not only read; otherwise most are of loops that fill and compare.
 *
 * After each: the status is that of a fault; `check` and the sums are right; all that
 * was left can be given back, and then memory is as at first.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/trap.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "tests/labs/bag.h"

enum { VECTORS = 48, DEBUG = 1, GATE_INTERRUPT = 0x8e00, EFLAGS_TF = 1 << 8 };
enum { LATEST = 300000, LATEST_MM = 20000, SEEDS = 1000, LINE = 48 };
#define STEPS "20000"                   /* of stress: more than LATEST instructions */

static uint64_t idt[VECTORS];
static struct cpu_table own_table = { sizeof(idt) - 1, (uint32_t)(uintptr_t)idt };

/* What the stub needs, which must not change a register. */
struct cpu_table kernel_table __attribute__((used));
uint32_t steps_left __attribute__((used));
bool only_mm __attribute__((used));

extern const char step[];

__asm__(
    ".text\n"
    "step:\n\t"
    "cmpb $0, only_mm\n\t"
    "je 1f\n\t"
    "cmpl $mm_text_start, (%esp)\n\t"           /* eip */
    "jb 2f\n\t"
    "cmpl $mm_text_end, (%esp)\n\t"
    "jae 2f\n\t"
    "testl $16, mm_state\n\t"                   /* MM_READING */
    "jnz 2f\n"
    "1:\tdecl steps_left\n\t"
    "jz 3f\n"
    "2:\tiret\n"
    "3:\tlidt kernel_table\n\t"
    "andl $~0x100, 8(%esp)\n\t"                 /* eflags: TF */
    "pushl %eax\n\t"
    "movl $0xf0000000, %eax\n\t"
    "movl %eax, %cr2\n\t"
    "popl %eax\n\t"
    "pushl $0\n\t"                              /* a read, of no page (SDM 3A 4.7) */
    "jmp *trap_entries + 14 * 4\n\t"            /* #PF */
    ".size step, . - step\n\t"
    ".type step, @function\n");

/* ---- one ------------------------------------------------------------------------- */

static void copy_idt(void)
{
    uint32_t entry = (uint32_t)(uintptr_t)step;

    __asm__ volatile("sidt %0" : "=m"(kernel_table));
    memcpy(idt, (const void *)(uintptr_t)kernel_table.base, sizeof(idt));
    idt[DEBUG] = (uint64_t)(entry >> 16) << 48 | (uint64_t)GATE_INTERRUPT << 32 |
                 (uint32_t)KERNEL_CODE << 16 | (entry & 0xffff);
}

static void step_from_here(uint32_t count)
{
    copy_idt();
    steps_left = count;
    __asm__ volatile("lidt %0" : : "m"(own_table) : "memory");
    cpu_set_flags(cpu_flags() | EFLAGS_TF);
}

static void step_no_more(void)
{
    cpu_set_flags(cpu_flags() & ~(uint32_t)EFLAGS_TF);
    __asm__ volatile("lidt %0" : : "m"(kernel_table) : "memory");
}

static int cmd_stepped(int argc, char **argv)
{
    bool mm = shell_option(&argc, argv, "-m");
    char *seed = argc > 2 ? argv[2] : "1", *steps = argc > 3 ? argv[3] : STEPS;
    char *words[] = { "stress", steps, seed, NULL };
    uint32_t count;

    if (argc < 2 || !shell_number(argv[1], "INSTRUCTION", &count) || count == 0)
        return shell_usage("which INSTRUCTION?");
    only_mm = mm;
    step_from_here(count);

    int status = shell_find("stress")->run(3, words);

    step_no_more();
    return status;
}

SHELL_COMMAND(stepped, "INSTRUCTION [SEED] [STEPS] [-m]",
              "a fault at this instruction of stress, or of mm in it", cmd_stepped);

/* ---- many ------------------------------------------------------------------------ */

static uint32_t random_state;

/* Marsaglia, Xorshift RNGs (2003). */
static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* What went wrong, or NULL. */
static const char *inject(const char *line)
{
    const char *fault;

    if (shell_run(line) != SHELL_FAULT)
        return "it was not ended by a fault";
    if (shell_run("check") != SHELL_OK)
        return "check: a rule is broken";
    fault = bag_fault();
    return fault != NULL ? fault : bag_empty();
}

static int cmd_inject(int argc, char **argv)
{
    bool mm = shell_option(&argc, argv, "-m");
    const char *fault = NULL;
    uint32_t count, n = 0;
    char line[LINE];

    if (argc != 3 || !shell_number(argv[1], "COUNT", &count) ||
        !shell_number(argv[2], "SEED", &random_state) || random_state == 0)
        return shell_usage("COUNT, and a SEED of 1 or more");
    bag_remember();
    while (n < count && fault == NULL && !shell_interrupted()) {
        uint32_t instruction = 1 + draw(mm ? LATEST_MM : LATEST);

        ksnprintf(line, sizeof(line), "stepped %u %u%s", (unsigned)instruction,
                  (unsigned)(1 + draw(SEEDS)), mm ? " -m" : "");
        fault = inject(line);
        n++;
    }
    if (fault != NULL)
        kprintf("inject: number %u: %s: %s\n", (unsigned)n, line, fault);
    else
        kprintf("inject: %u ended, and all is whole\n", (unsigned)n);
    return fault == NULL ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND(inject, "COUNT SEED [-m]",
              "so many faults at random instructions of stress, each put right",
              cmd_inject);
