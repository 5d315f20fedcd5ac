/*
 * crash.c - a lesson: the mistakes that everybody makes, and how each of them looks.
 *
 *     marbles> crash null
 *     crash null: writes to NULL, as if kmalloc could never fail
 *       look for: "a NULL pointer was used", and the function behind "in"
 *     page fault: write to 0x00000000, which is not mapped
 *       a NULL pointer was used: did an allocation fail, and nobody check it?
 *       in crash_null+0x2/0x6 (kernel/lessons/crash_kinds.c:39)
 *       ...
 *     crash has ended by this fault, status 5
 *
 * A report is read from its top: what happened, where, and by whose call.  Who has seen
 * each of them once knows it again in his own code, where nobody says what to look for.
 *
 * Try it
 *     crash                       what there is
 *     crash null                  one
 *     crash all                   all that come back by themselves, and then check
 *     crash use_after_free        nobody sees it, and the kernel goes on
 *     check                       nor does mm: its own books are whole
 *     params slub_debug=FZPU      the dials, and now both again
 *     crash use_after_free; check
 *     params kfence.every=1       and another one: is check needed now?
 *     crash use_after_free
 *
 * Questions
 *   1. Which are found at the very instruction, which when the object is given back,
 *      which by check, which never?  Make a table: with the dials off, with each of them
 *      on, and in a kernel made by `make run SAN=1`.
 *   2. crash overflow writes one byte.  Whose is it, with the dials off?  What would
 *      its owner see, when, and whom would he suspect?
 *   3. Why is crash double_free found with all dials off, and crash use_after_free not?
 *   4. crash alloca ends in its first instructions.  What would happen in a kernel
 *      without a guard page, and with a compiler that does not touch each page?
 *   5. crash irq_null: which command ended, and which one had made the mistake?  Must
 *      that be the same?
 *
 * Exercise: one kind is missing, your own last bug.  Add it to crash_kinds.c, with what
 * to look for, and give the kernel to somebody who does not know it.
 *
 * It does not show what takes two CPUs, or a device that writes by itself.
 */
#include "kernel/lessons/crash_priv.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { LINE_SIZE = 32 };

static const char *const ends[] = { "itself", "ctrl-c", "nmi", "nobody" };

static int list(bool json)
{
    for (size_t i = 0; i < nr_crash_kinds; i++) {
        const struct crash_kind *kind = &crash_kinds[i];

        if (!json) {
            kprintf("%-14s  %s\n", kind->name, kind->does);
            continue;
        }
        kprintf("{\"kind\": \"%s\", \"ends_by\": \"%s\", \"does\": ", kind->name,
                ends[kind->end]);
        json_string(kind->does);
        kprintf(", \"look_for\": ");
        json_string(kind->look_for);
        kprintf("}\n");
    }
    return SHELL_OK;
}

/* Each is a command of its own, so that what ends it does not end the next one. */
static int make_all(void)
{
    char line[LINE_SIZE];

    for (size_t i = 0; i < nr_crash_kinds && !shell_interrupted(); i++) {
        if (crash_kinds[i].end != BY_ITSELF)
            continue;
        ksnprintf(line, sizeof(line), "crash %s", crash_kinds[i].name);
        shell_run(line);
        kprintf("\n");
    }
    kprintf("Left out, for they do not come back by themselves:");
    for (size_t i = 0; i < nr_crash_kinds; i++)
        if (crash_kinds[i].end != BY_ITSELF)
            kprintf(" %s", crash_kinds[i].name);
    kprintf("\n");
    return shell_run("check");
}

static int make(const struct crash_kind *kind)
{
    kprintf("crash %s: %s\n  look for: %s\n", kind->name, kind->does, kind->look_for);
    kind->make();
    kprintf("crash %s: it came to its end\n", kind->name);
    return SHELL_OK;
}

static int cmd_crash(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc == 1)
        return list(json);
    if (strcmp(argv[1], "all") == 0)
        return make_all();
    for (size_t i = 0; i < nr_crash_kinds; i++)
        if (strcmp(argv[1], crash_kinds[i].name) == 0)
            return make(&crash_kinds[i]);
    return shell_usage("\"%s\" is no KIND; \"crash\" lists them", argv[1]);
}

SHELL_COMMAND_IN("lessons", crash, "[KIND|all] [-j]", "a mistake, and its report",
    "Without a KIND it lists them.  Each says what it does and what to look for; then\n"
    "comes the report, and the prompt.  `all` makes those that come back by\n"
    "themselves, and proves the heap with check.  The handout is the head comment of\n"
    "kernel/lessons/crash.c.\n"
    "    crash null\n"
    "    params slub_debug=FZPU; crash overflow",
    cmd_crash);
