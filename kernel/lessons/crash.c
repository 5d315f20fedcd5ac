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
 *     more crash all              the same, one screen at a time
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
#include "mm/watch/dials.h"

enum { LINE_SIZE = 32, NAMES_SIZE = 320, HAS_SAN =
#ifdef SAN
1
#else
0
#endif
};

static const char *const ends[] = { "itself", "ctrl-c", "nmi", "nobody" };

/* ---- what to look for: it depends on the dials ---------------------------------------- */

static bool is_on(const struct crash_seen *seen)
{
    if (strcmp(seen->dial, "SAN") == 0)
        return HAS_SAN;

    const char *now = mm_dial(seen->dial);

    if (strcmp(seen->dial, "slub_debug") == 0)
        return strchr(now, seen->value[0]) != NULL;
    return strcmp(now, seen->value) == 0;
}

static const char *look_for(const struct crash_kind *kind)
{
    const struct crash_seen *seen = kind->seen;

    while (seen != NULL && seen->dial != NULL && !is_on(seen))
        seen++;
    return seen != NULL && seen->dial != NULL ? seen->look_for : kind->look_for;
}

static const char *name_of(unsigned n)
{
    return n < nr_crash_kinds ? crash_kinds[n].name : NULL;
}

/* ---- the command ---------------------------------------------------------------------- */

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
        json_string(look_for(kind));
        kprintf("}\n");
    }
    return SHELL_OK;
}

/* The names of those from number `from` on that come back by themselves, or of the others. */
static void print_names(const char *before, size_t from, bool by_itself)
{
    char names[NAMES_SIZE] = "";

    for (size_t i = from; i < nr_crash_kinds; i++) {
        if ((crash_kinds[i].end == BY_ITSELF) != by_itself)
            continue;
        strlcat(names, " ", sizeof(names));
        strlcat(names, crash_kinds[i].name, sizeof(names));
    }
    kprint_wrapped(0, "%s%s", before, names);
}

/* By status: how they came to their ends. */
static void sum_up(const unsigned count[SHELL_STOPPED + 1])
{
    unsigned others = count[SHELL_OK], made = others;

    for (int status = SHELL_OK + 1; status <= SHELL_STOPPED; status++)
        made += count[status];
    kprint_wrapped(0, "%u made: %u ended by a fault, %u told as a BUG, %u seen by nobody",
                   made, count[SHELL_FAULT], count[SHELL_REPORTED], others);
    if (others > 0 && strcmp(mm_dial("kfence.every"), "1") != 0)
        kprintf("  others see more: params kfence.every=1; crash all\n");
}

/* Each is a command of its own, so that what ends it does not end the next one. */
static int make_all(void)
{
    unsigned count[SHELL_STOPPED + 1] = { 0 };
    char line[LINE_SIZE];
    size_t i = 0;

    for (; i < nr_crash_kinds && !shell_interrupted(); i++) {
        if (crash_kinds[i].end != BY_ITSELF)
            continue;
        ksnprintf(line, sizeof(line), "crash %s", crash_kinds[i].name);

        int status = shell_run(line);

        count[status >= 0 && status <= SHELL_STOPPED ? status : SHELL_FAILED]++;
        kprintf("\n");
    }
    sum_up(count);
    if (shell_interrupted()) {
        print_names("stopped; not made:", i, true);
        return SHELL_STOPPED;
    }
    print_names("Left out, for they do not come back by themselves:", 0, false);
    return shell_run("check");
}

static int make(const struct crash_kind *kind)
{
    kprintf("crash %s: %s\n  look for: %s\n", kind->name, kind->does, look_for(kind));
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

    const char *nearest = shell_nearest(argv[1], name_of);

    if (nearest != NULL)
        return shell_usage("\"%s\" is no KIND, but \"%s\" is", argv[1], nearest);
    return shell_usage("\"%s\" is no KIND; \"crash\" lists them", argv[1]);
}

SHELL_COMMAND_WORDS("lessons", crash, "[KIND|all] [-j]", "a mistake, and its report",
    "Without a KIND it lists them.  Each says what it does and what to look for; then\n"
    "comes the report, and the prompt.  `all` makes those that come back by\n"
    "themselves, and proves the heap with check: more crash all.  Who sees a mistake\n"
    "depends on the dials.  The handout: the head comment of kernel/lessons/crash.c.\n"
    "    crash null\n"
    "    params slub_debug=FZPU; crash overflow",
    cmd_crash, name_of);
