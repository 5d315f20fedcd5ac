/*
 * why_lost.c - why-lost: the line that dropped the last pointer.
 *
 *     marbles> why-lost 2 "my work"
 *     serial 2, 64 bytes, taken by my.c:20 (insert)
 *     lost in my.c:34 (move): the variable head was overwritten: it has 0x001ea000 now
 *     ...
 *
 * The command is run once more, for a run repeats exactly, and serial numbers are the same
 * in each.  What it prints comes first.
 */
#include "kernel/backtrace.h"
#include "kernel/image.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/trace/lastptr.h"
#include "mm/mm.h"

enum { PLACE_SIZE = 160, TEXT_SIZE = 240 };

static const char *const registers[] = { "edi", "esi", "ebp", "esp", "ebx", "edx", "ecx",
                                         "eax" };

/* ---- places -------------------------------------------------------------------------- */

/* "my.c:34 (move)" */
static const char *line_text(uintptr_t inside, char *text, size_t size)
{
    struct symbol symbol;
    struct line line;
    bool is_known = symbol_find(inside, &symbol);

    if (line_find(inside, &line))
        ksnprintf(text, size, "%s:%u%s%s%s", line.file, line.number, is_known ? " (" : "",
                  is_known ? symbol.name : "", is_known ? ")" : "");
    else
        symbol_format(inside, text, size);
    return text;
}

/* What everybody calls: its lines say little. */
static bool is_service(uintptr_t inside)
{
    struct line line;

    return address_between(inside, mm_text_start, mm_text_end) ||
           (line_find(inside, &line) && strcmp(line.file, "kernel/string.c") == 0);
}

/* An address in the instruction that did it; in memset and the like, that which calls it. */
static uintptr_t culprit(const struct loss *loss)
{
    uintptr_t inside = loss->inside;

    for (unsigned n = 0; n < loss->call_count && is_service(inside); n++)
        inside = loss->calls[n] - 1;
    return inside;
}

/* ---- how ------------------------------------------------------------------------------- */

/* Of another object, which led to it. */
static const char *way_text(const struct loss *loss, uint32_t serial, char *text,
                            size_t size)
{
    uint32_t way = loss->link.word == 0 ? loss->way : loss->link.serial;

    text[0] = 0;
    if (way != 0 && way != serial)
        ksnprintf(text, size, " (it held serial %u, by way of which this was held)",
                  (unsigned)way);
    return text;
}

static void how_words(const struct lastptr *last, const char *holder, char *text,
                      size_t size)
{
    const struct loss *loss = &last->loss;
    char place[PLACE_SIZE];

    switch (loss->how) {
    case LOSS_OVERWRITTEN:
        ksnprintf(text, size, "%s was overwritten: it has 0x%08x now", holder,
                  (unsigned)loss->value);
        break;
    case LOSS_FREED:
        ksnprintf(text, size, "what held it was freed: %s", holder);
        break;
    default:
        ksnprintf(text, size, "what held it was made smaller: %s", holder);
        break;
    case LOSS_STACK:
        ksnprintf(text, size, "a local variable, on the stack, was overwritten: it has "
                  "0x%08x now", (unsigned)loss->value);
        break;
    case LOSS_REGISTER:
        ksnprintf(text, size, "register %s, which had it, was overwritten: it has 0x%08x "
                  "now", registers[loss->reg], (unsigned)loss->value);
        break;
    case LOSS_RETURNED:
        ksnprintf(text, size, "its function returned%s%s, and nobody has kept it",
                  loss->call_count > 0 ? " to " : "",
                  loss->call_count > 0 ? line_text(loss->calls[0] - 1, place, sizeof(place))
                                       : "");
        break;
    case LOSS_IGNORED:
        ksnprintf(text, size, "what %s returned was kept nowhere", last->born.call);
        break;
    case LOSS_FAULT:
        strlcpy(text, "a fault ended who had it, in a register or on the stack", size);
        break;
    case LOSS_END:
        strlcpy(text, "the command came to its end, and with it what had it", size);
        break;
    }
}

static void print_how(const struct lastptr *last)
{
    const struct loss *loss = &last->loss;
    char place[PLACE_SIZE], how[TEXT_SIZE], way[PLACE_SIZE], holder[TEXT_SIZE] = "";

    if (loss->link.word != 0)
        holder_text(&loss->link.holder, holder, sizeof(holder));
    how_words(last, holder, how, sizeof(how));
    kprint_wrapped(2, "lost%s%s%s: %s%s", loss->inside != 0 ? " in " : "",
                   loss->inside != 0 ? line_text(culprit(loss), place, sizeof(place)) : "",
                   loss->in_interrupt ? ", in an interrupt" : "", how,
                   way_text(loss, last->serial, way, sizeof(way)));
}

/* ---- before ---------------------------------------------------------------------------- */

static void print_since(const char *slot, uintptr_t since)
{
    char place[PLACE_SIZE];

    kprint_wrapped(4, "  before, %s had it%s%s", slot, since != 0 ? ", since " : "",
                   since != 0 ? line_text(since, place, sizeof(place)) : "");
}

static void print_before(const struct lastptr *last)
{
    const struct loss *loss = &last->loss;
    char text[TEXT_SIZE], place[PLACE_SIZE];

    if (loss->link.word != 0)
        print_since(holder_text(&loss->link.holder, text, sizeof(text)), loss->link.since);
    else if ((loss->how == LOSS_REGISTER || loss->how == LOSS_RETURNED) &&
             loss->way == 0) {
        ksnprintf(text, sizeof(text), "register %s", registers[loss->reg]);
        print_since(text, is_service(loss->since) ? 0 : loss->since);
    }
    if (loss->link.word == 0 && last->used_at != 0 && !is_service(last->used_at))
        kprint_wrapped(4, "  it was used last in %s",
                       line_text(last->used_at, place, sizeof(place)));
    if (last->link.word != 0 && last->link.word != loss->link.word)
        kprint_wrapped(4, "  before that it was in %s",
                       holder_text(&last->link.holder, text, sizeof(text)));
    if (last->gone_at != 0)
        kprint_wrapped(4, "  a last copy, in a register or on the stack, was gone in %s",
                       line_text(last->gone_at, place, sizeof(place)));
}

static void print_lines(const struct loss *loss)
{
    if (loss->lines.count == 0)
        return;
    kprintf("the last lines executed before, oldest first%s:\n",
            loss->link.word != 0 ? " (before, it ran at full speed)" : "");
    last_lines_print(&loss->lines);
}

static void print_calls(const struct loss *loss)
{
    char text[PLACE_SIZE];

    if (loss->call_count == 0)
        return;
    kprintf("called from:\n");
    for (unsigned n = 0; n < loss->call_count; n++)
        kprint_wrapped(4, "  %s", backtrace_format(loss->calls, n, text, sizeof(text)));
}

/* ---- what became of it ----------------------------------------------------------------- */

static void print_object(const struct lastptr *last)
{
    char place[PLACE_SIZE];

    kprint_wrapped(2, "serial %u, 0x%08x, %zu byte%s, taken%s", (unsigned)last->serial,
                   (unsigned)(uintptr_t)last->born.p, last->born.bytes,
                   plural(last->born.bytes),
                   site_caller(last->born.site, place, sizeof(place)));
}

/* The first of those that went with it, from outside inwards; 0: nobody knows. */
static uint32_t leader_of(const void *object)
{
    struct mm_live live;
    unsigned most = 1000;               /* of a ring no note leads to an end */
    bool found = mm_scan_find(object, &live);

    while (found && live.kind != MM_DEFINITE && live.seen_in != 0 && most-- > 0)
        found = mm_scan_find((const void *)live.seen_in, &live);
    return found && live.kind == MM_DEFINITE ? live.serial : 0;
}

static void print_lost_before(const struct lastptr *last)
{
    uint32_t leader = leader_of(last->born.p);

    if (leader != 0 && leader != last->serial)
        kprint_wrapped(2, "lost, but where is no longer known, because it went with serial "
                       "%u, by way of which it was held: see why-lost of that",
                       (unsigned)leader);
    else
        kprintf("lost, but where is no longer known, because the way to it was too long\n");
}

static void print_loss(const struct lastptr *last)
{
    if (last->loss.how == LOSS_BEFORE) {
        print_lost_before(last);
        return;
    }
    print_how(last);
    print_before(last);
    print_lines(&last->loss);
    print_calls(&last->loss);
}

static void print_held(const struct lastptr *last)
{
    char text[TEXT_SIZE], place[PLACE_SIZE];

    if (last->why != NULL)
        kprint_wrapped(2, "nothing held it from %s on, but that was not the end: the "
                       "pointer was kept in another form",
                       line_text(culprit(&last->loss), place, sizeof(place)));
    kprint_wrapped(2, "not lost: %s has it",
                   last->link.word != 0
                       ? holder_text(&last->link.holder, text, sizeof(text))
                       : "who said that it is no leak (kmemleak)");
}

static void print_fate(const struct lastptr *last)
{
    char place[PLACE_SIZE];

    switch (last->state) {
    case LASTPTR_LOST:
        print_loss(last);
        break;
    case LASTPTR_FREED:
        kprint_wrapped(2, "not lost: it was freed%s",
                       site_caller(last->freed_by, place, sizeof(place)));
        break;
    case LASTPTR_UNKNOWN:
        kprint_wrapped(2, "no longer known, because %s", last->why);
        break;
    default:
        print_held(last);
        break;
    }
}

/* ---- the command ----------------------------------------------------------------------- */

static int refuse(const char *why)
{
    kprint_wrapped(0, "why-lost: %s", why);
    return SHELL_FAILED;
}

static int run(uint32_t serial, uint32_t first, int argc, char **argv)
{
    const char *why = lastptr_begin(serial);
    const struct lastptr *last;
    int status;

    if (why != NULL)
        return refuse(why);
    status = shell_run_words(argc, argv);
    last = lastptr_end();
    if (last->state == LASTPTR_WAITS) {
        kprint_wrapped(0, "why-lost: it took %u, from serial %u on: none of serial %u",
                       (unsigned)(mm_last_serial() - first), (unsigned)first + 1,
                       (unsigned)serial);
        return status != SHELL_OK ? status : SHELL_FAILED;
    }
    print_object(last);
    print_fate(last);
    kprint_wrapped(2, "(it took %u step%s, %u stop%s at a write, and %u look%s at the heap)",
                   (unsigned)last->steps, plural(last->steps), (unsigned)last->stops,
                   plural(last->stops), (unsigned)last->scans, plural(last->scans));
    return last->state == LASTPTR_UNKNOWN && status == SHELL_OK ? SHELL_FAILED : status;
}

static int cmd_why_lost(int argc, char **argv)
{
    bool is_absolute = argc > 1 && strcmp(argv[1], "-a") == 0;
    uint32_t serial, first = mm_last_serial();
    int words = 2 + is_absolute;

    if (argc < words || (argc > 1 && argv[words - 1][0] == '-'))
        return shell_usage("SERIAL is missing");
    if (!shell_number(argv[words - 1], "SERIAL", &serial))
        return SHELL_USAGE;
    if (serial == 0)
        return shell_usage("SERIAL: they are counted from 1");
    if (argc == words)
        return shell_usage("CMD is missing");
    if (sites_unknown(false))
        return SHELL_FAILED;
    if (is_absolute && serial <= first)
        return refuse("that serial number was taken before");
    return run(is_absolute ? serial : first + serial, first, argc - words, argv + words);
}

SHELL_COMMAND_NAMED("find leaks", why_lost, "why-lost", "[-a] SERIAL CMD",
    "which line dropped the last pointer to an object",
    "Runs CMD again (in quotes it may be a line) and follows the last pointer to its\n"
    "SERIALth allocation, through registers, the stack, variables and the heap, and\n"
    "interrupts: the line that lost it, what held it before, the lines that ran last.\n"
    "SERIAL counts from 1; with -a it is the serial number, counted from boot.\n"
    "A look from outside, which boots anew: make why-lost.\n"
    "    why-lost 1 \"kmalloc 100; forget $\"",
    cmd_why_lost, NULL);
