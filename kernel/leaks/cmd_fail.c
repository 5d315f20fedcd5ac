/*
 * cmd_fail.c - fail: what a command does when its allocations fail.
 *
 *     marbles> fail each pair
 *     round 1: NULL from kmalloc(40 bytes) by pair (pair.c:10): failed, status 1
 *     round 2: NULL from kmalloc(64 bytes) by pair (pair.c:14): ok, and leaks
 *       definite: 1 object, 40 bytes, taken by pair (pair.c:10)
 *     round 3: no NULL, of 2 allocations: ok
 *     3 rounds: 1 leaking, 0 faulting
 *
 * How a round is run is told in round.c.  `fail each` shows of each round how it ended, and
 * what it left; `fail 2` is one of them, with all that the command prints and all that is
 * reported, the call that failed first.  There is no bound on rounds but Ctrl-C: a command
 * of a thousand allocations has a thousand and one.
 */
#include "kernel/leaks/round.h"

#include "kernel/leaks/leaks_priv.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"
#include "mm/watch/inject.h"

enum { CALLER_SIZE = 160, PLACE_SIZE = 96, CALL_SIZE = 200 };

/* All rounds of one command. */
struct rounds {
    unsigned count, leaking, faulting, reported;
    bool interrupted, set_others;       /* other dials by which allocations fail */
    int status;                 /* of the last one */
};

/* ---- one round in words ------------------------------------------------------------ */

static const char *ended(const struct round *round)
{
    switch (round->status) {
    case SHELL_OK: return "ok";
    case SHELL_FAULT: return "fault";
    case SHELL_STOPPED: return "interrupted";
    case SHELL_REPORTED: return "bug";
    default: return "failed";
    }
}

/* "NULL from kmalloc(40 bytes) by pair (pair.c:10)" */
static const char *failed_call(const struct mm_failed *failed, char *buf, size_t size)
{
    char caller[CALLER_SIZE];
    bool is_of_cache = call_is_of_cache(failed->call);

    ksnprintf(buf, size, "NULL from %s(%s%s%zu byte%s)%s", failed->call,
              is_of_cache ? failed->cache : "", is_of_cache ? ", " : "", failed->bytes,
              plural(failed->bytes), site_caller(failed->site, caller, sizeof(caller)));
    return buf;
}

static void print_objects(const struct alloc_site *site, unsigned objects, size_t bytes,
                          void *what)
{
    char taker[CALLER_SIZE];

    kprint_wrapped(0, "  %s: %u object%s, %zu byte%s, taken%s", (const char *)what,
                   objects, plural(objects), bytes, plural(bytes),
                   site_caller(site, taker, sizeof(taker)));
}

static bool print_left(const struct alloc_site *site, void *what)
{
    print_objects(site, (unsigned)site->objects, site->bytes, what);
    return true;
}

/* What something still holds is no leak, but worth a look after a failure. */
static void print_all_left(const struct round *round)
{
    round_walk_left(round, MM_DEFINITE, print_left, "definite");
    round_walk_left(round, MM_INDIRECT, print_left, "indirect");
    round_walk_earlier(print_objects, "lost now, and held before this round");
    round_walk_left(round, MM_POSSIBLE, print_left, "kept, and possible");
    round_walk_left(round, MM_REACHABLE, print_left, "kept, and reachable");
}

static void print_round(const struct round *round)
{
    char call[CALL_SIZE], status[PLACE_SIZE] = "";

    if (round->failed != NULL)
        failed_call(round->failed, call, sizeof(call));
    else
        ksnprintf(call, sizeof(call), "no NULL, of %u allocation%s",
                  (unsigned)round->calls, plural(round->calls));
    if (round->status != SHELL_OK)
        ksnprintf(status, sizeof(status), ", status %d", round->status);
    kprint_wrapped(0, "round %u: %s: %s%s%s", (unsigned)round->number, call, ended(round),
                   status, round->objects > 0 ? ", and leaks" : "");
    print_all_left(round);
}

/* arg: is it the first one? */
static void print_site_json(const struct alloc_site *site, unsigned objects, size_t bytes,
                            void *arg)
{
    bool *is_first = arg;
    char place[PLACE_SIZE];

    (void)objects;
    (void)bytes;
    kprintf(*is_first ? "" : ", ");
    json_string(site_place(site, place, sizeof(place)));
    *is_first = false;
}

static bool print_left_json(const struct alloc_site *site, void *arg)
{
    print_site_json(site, (unsigned)site->objects, site->bytes, arg);
    return true;
}

static void print_round_json(const struct round *round)
{
    char place[PLACE_SIZE];
    bool is_first = true;

    kprintf("{\"round\": %u, \"site\": ", (unsigned)round->number);
    if (round->failed != NULL)
        json_string(site_place(round->failed->site, place, sizeof(place)));
    else
        kprintf("null");
    kprintf(", \"status\": %d, \"ended\": \"%s\", \"leaked_objects\": %u, "
            "\"leaked_bytes\": %zu, \"earlier_objects\": %u, \"kept_objects\": %u, "
            "\"sites\": [", round->status, ended(round), round->objects, round->bytes,
            round->earlier, round->kept);
    round_walk_left(round, MM_DEFINITE, print_left_json, &is_first);
    round_walk_left(round, MM_INDIRECT, print_left_json, &is_first);
    round_walk_earlier(print_site_json, &is_first);
    kprintf("]}\n");
}

/* ---- rounds ------------------------------------------------------------------------- */

static void add_round(struct rounds *rounds, const struct round *round)
{
    rounds->count++;
    rounds->leaking += round->objects > 0;
    rounds->faulting += round->status == SHELL_FAULT;
    rounds->reported += round->status == SHELL_REPORTED;
    rounds->interrupted |= round->status == SHELL_STOPPED || shell_interrupted();
    rounds->set_others |= round->set_others;
    rounds->status = round->failed == NULL ? round->status : SHELL_OK;
}

/* The gravest; what the command returned counts where nothing failed. */
static int status_of(const struct rounds *rounds)
{
    if (rounds->faulting > 0)
        return SHELL_FAULT;
    if (rounds->interrupted)
        return SHELL_STOPPED;
    if (rounds->reported > 0)
        return SHELL_REPORTED;
    return rounds->leaking > 0 ? SHELL_LEFT : rounds->status;
}

static void print_summary_json(const struct rounds *rounds)
{
    kprintf("{\"summary\": true, \"rounds\": %u, \"leaking\": %u, \"faulting\": %u, "
            "\"sets_dials\": %s}\n", rounds->count, rounds->leaking, rounds->faulting,
            rounds->set_others ? "true" : "false");
}

/* CMD did something that shows otherwise than it would alone, or might show. */
static void print_hints(const struct rounds *rounds)
{
    bool is_clean = status_of(rounds) == SHELL_OK && rounds->count > 1;

    if (rounds->set_others)
        kprint_wrapped(0, "CMD sets failslab or fail_page_alloc, by which nothing fails "
                       "here: fail-nth alone decides");
    if (is_clean && strcmp(mm_dial("kfence.every"), "1") != 0)
        kprintf("a use of what was freed shows with params kfence.every=1\n");
}

static void print_summary(const struct rounds *rounds)
{
    kprintf("%u round%s: %u leaking, %u faulting", rounds->count, plural(rounds->count),
            rounds->leaking, rounds->faulting);
    if (rounds->reported > 0)
        kprintf(", %u with a BUG", rounds->reported);
    kprintf("%s\n", rounds->interrupted ? "; Ctrl-C: not all were tried" : "");
    if (rounds->status != SHELL_OK && rounds->status < SHELL_REPORTED)
        kprintf("with nothing failing it has status %d: try it alone\n", rounds->status);
    print_hints(rounds);
}

/* The calls that it counted are others then, and one of them may have failed for it. */
static int refuse(bool json)
{
    const char *why = "CMD sets fail-nth itself, as fail and params do: fail cannot choose in it";

    kprintf(json ? "{\"error\": \"%s\"}\n" : "fail: %s\n", why);
    return SHELL_FAILED;
}

static int fail_each(int argc, char **argv, bool json)
{
    struct rounds rounds = { .count = 0 };
    struct round round;

    if (!rounds_begin())
        return SHELL_FAILED;
    do {
        round = round_run(rounds.count + 1, argc, argv, false);
        if (round.set_nth)
            return refuse(json);
        add_round(&rounds, &round);
        if (json)
            print_round_json(&round);
        else
            print_round(&round);
    } while (round.failed != NULL && !rounds.interrupted);
    if (json)
        print_summary_json(&rounds);
    else
        print_summary(&rounds);
    return status_of(&rounds);
}

static int fail_one(uint32_t number, int argc, char **argv)
{
    struct rounds rounds = { .count = 0 };
    struct round round;

    if (!rounds_begin())
        return SHELL_FAILED;
    round = round_run(number, argc, argv, true);
    if (round.set_nth)
        return refuse(false);
    add_round(&rounds, &round);
    print_round(&round);
    print_hints(&rounds);
    if (round.failed == NULL && status_of(&rounds) == SHELL_OK)
        return SHELL_FAILED;            /* it is not what was asked for */
    return status_of(&rounds);
}

/* ---- the dials ---------------------------------------------------------------------- */

static void print_dial(const char *name, const struct mm_fault_attr *attr)
{
    char seed[PLACE_SIZE] = "";

    if (attr->text[0] == 0) {
        kprintf("%s is off\n", name);
        return;
    }
    if (attr->probability < 100)
        ksnprintf(seed, sizeof(seed), " (seed %u)", (unsigned)attr->seed);
    kprint_wrapped(0, "%s=%s: interval %u, probability %u%s, space %u, times %d: of %u "
                   "call%s %u failed", name, attr->text, (unsigned)attr->interval,
                   (unsigned)attr->probability, seed, (unsigned)attr->space,
                   (int)attr->times, (unsigned)attr->calls, plural(attr->calls),
                   (unsigned)attr->failed);
}

static void print_dial_json(const char *name, const struct mm_fault_attr *attr)
{
    kprintf("{\"name\": \"%s\", \"value\": ", name);
    json_string(attr->text);
    kprintf(", \"interval\": %u, \"probability\": %u, \"space\": %u, \"times\": %d, "
            "\"seed\": %u, \"calls\": %u, \"failed\": %u}\n", (unsigned)attr->interval,
            (unsigned)attr->probability, (unsigned)attr->space, (int)attr->times,
            (unsigned)attr->seed, (unsigned)attr->calls, (unsigned)attr->failed);
}

static int print_dials(bool json)
{
    for (enum mm_fault_dial dial = 0; dial < MM_FAULT_DIALS; dial++)
        if (json)
            print_dial_json(mm_fault_name(dial), mm_fault_attr(dial));
        else
            print_dial(mm_fault_name(dial), mm_fault_attr(dial));
    return SHELL_OK;
}

/* ---- the command -------------------------------------------------------------------- */

/* What is behind the first words is CMD, and its options are its own. */
static int cmd_fail(int argc, char **argv)
{
    bool each = argc > 1 && strcmp(argv[1], "each") == 0;
    bool json = argc > 1 + each && strcmp(argv[1 + each], "-j") == 0;
    int first = each ? 2 + json : 2;
    uint32_t number = 0;

    if (argc == 1 + json)
        return print_dials(json);
    if (!each && (argv[1][0] < '0' || argv[1][0] > '9'))
        return shell_usage("\"%s\" is neither each nor a number", argv[1]);
    if (!each && !shell_number(argv[1], "N", &number))
        return SHELL_USAGE;
    if (!each && number == 0)
        return shell_usage("N: 0 is not 1 or more");
    if (argc <= first)
        return shell_usage("CMD is missing");
    if (!mm_records) {
        kprintf("fail: nothing is recorded: the kernel runs with kmemleak=off\n");
        return SHELL_FAILED;
    }
    return each ? fail_each(argc - first, argv + first, json)
                : fail_one(number, argc - first, argv + first);
}

SHELL_COMMAND_IN("try it", fail, "[-j] | each [-j] CMD ... | N CMD ...",
    "run CMD with its allocations failing, one by one",
    "`each` runs it with its 1st, 2nd, 3rd ... allocation giving NULL until none did:\n"
    "which call that was, how CMD ended, and what it leaked or keeps.  The status is\n"
    "7 if a round leaked something, 5 if one faulted, 4 if a BUG was reported; what\n"
    "was reported is in dmesg.  N shows one of the rounds whole.  With the dial\n"
    "kfence.every=1 a use of what was freed is seen as well.\n"
    "    fail each \"kmalloc 100; pages 1\"\n"
    "    fail 2 \"kmalloc 100; pages 1\"\n"
    "Alone it shows the dials failslab and fail_page_alloc, by which calls fail as in\n"
    "Linux: interval, probability, space, times; or by name, of a site or a cache:\n"
    "    params failslab=1,10,0,-1; stress 100; fail\n"
    "    params failslab=probability=10,seed=7,site=cmd_alloc.c,cache=kmalloc-*",
    cmd_fail);
