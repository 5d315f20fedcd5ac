/*
 * inject.c - a fault at any instruction of `stress`, chosen by number.
 *
 *     marbles> stepped 1234 7      stress of seed 7, with a fault at its 1,234th one
 *     marbles> inject 200 1        200 times at random, by seed 1, each put right
 *     marbles> stepped 1234 -s     a scan for leaks, with a fault at its 1,234th one
 *     marbles> inject 200 -s       at 200 of its first 10,000, one as far as the next
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
 * After each: the status is that of a fault; `check` and the sums are right; another scan
 * finds what the first one did; all that was left can be given back, and then memory is as
 * at first.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/trap.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/scan/scan.h"
#include "tests/labs/bag.h"

enum { VECTORS = 48, DEBUG = 1, GATE_INTERRUPT = 0x8e00 };
enum { LATEST = 300000, LATEST_MM = 20000, LATEST_SCAN = 10000, SEEDS = 1000, LINE = 48 };
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

/* Run a command with a fault at that instruction of it, or of mm in it. */
static int run_stepped(int argc, char **words, uint32_t count)
{
    int status;

    step_from_here(count);
    status = shell_find(words[0])->run(argc, words);
    step_no_more();
    return status;
}

static int cmd_stepped(int argc, char **argv)
{
    bool mm = shell_option(&argc, argv, "-m"), scan = shell_option(&argc, argv, "-s");
    char *seed = argc > 2 ? argv[2] : "1", *steps = argc > 3 ? argv[3] : STEPS;
    char *stress[] = { "stress", steps, seed, NULL };
    char *kmemleak[] = { "kmemleak", "scan", NULL };
    uint32_t count;

    if (argc < 2 || !shell_number(argv[1], "INSTRUCTION", &count) || count == 0)
        return shell_usage("which INSTRUCTION?");
    only_mm = mm || scan;
    return scan ? run_stepped(2, kmemleak, count) : run_stepped(3, stress, count);
}

SHELL_COMMAND(stepped, "INSTRUCTION [SEED] [STEPS] [-m] [-s]",
              "a fault at this instruction of stress, or of mm in it, or of a scan",
              cmd_stepped);

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

/* The same of a scan, which finds as much afterwards. */
static const char *inject_scan(const char *line)
{
    struct mm_scan first, again;
    const char *fault;

    shell_run("graph drop; graph list 20; graph cut; graph members; graph ring; graph tree");
    shell_run("kmemleak scan");
    first = *mm_scan_last();
    if (shell_run(line) != SHELL_FAULT)
        return "it was not ended by a fault";
    if (shell_run("check") != SHELL_OK)
        return "check: a rule is broken";
    shell_run("kmemleak scan");
    again = *mm_scan_last();
    if (memcmp(again.objects, first.objects, sizeof(first.objects)) != 0 ||
        memcmp(again.bytes, first.bytes, sizeof(first.bytes)) != 0)
        return "another scan finds something else";
    fault = bag_fault();
    return fault != NULL ? fault : bag_empty();
}

/* The n-th of count: its line. */
static void write_line(char *line, uint32_t n, uint32_t count, bool mm, bool scan)
{
    uint32_t instruction;

    if (scan) {
        instruction = 1 + n * LATEST_SCAN / count;
        ksnprintf(line, LINE, "stepped %u -s", (unsigned)instruction);
        return;
    }
    instruction = 1 + draw(mm ? LATEST_MM : LATEST);
    ksnprintf(line, LINE, "stepped %u %u%s", (unsigned)instruction,
              (unsigned)(1 + draw(SEEDS)), mm ? " -m" : "");
}

static int cmd_inject(int argc, char **argv)
{
    bool mm = shell_option(&argc, argv, "-m"), scan = shell_option(&argc, argv, "-s");
    const char *fault = NULL;
    uint32_t count, n = 0;
    char line[LINE];

    random_state = 1;
    if (argc < 2 || argc > 3 || !shell_number(argv[1], "COUNT", &count) ||
        (argc == 3 && !shell_number(argv[2], "SEED", &random_state)) || random_state == 0)
        return shell_usage("COUNT, and a SEED of 1 or more");
    bag_remember();
    while (n < count && fault == NULL && !shell_interrupted()) {
        write_line(line, n++, count, mm, scan);
        fault = scan ? inject_scan(line) : inject(line);
    }
    if (fault != NULL)
        kprintf("inject: number %u: %s: %s\n", (unsigned)n, line, fault);
    else
        kprintf("inject: %u ended, and all is whole\n", (unsigned)n);
    return fault == NULL ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND(inject, "COUNT [SEED] [-m] [-s]",
              "so many faults at random instructions of stress, or of a scan, each put right",
              cmd_inject);
