/*
 * soak.c - very many random operations against the model, fast.
 *
 *     soak [OPERATIONS]          so many of the light kind, and a hundredth of the
 *                                thorough kind
 *     soak light|thorough SEED STEPS
 *                                that round again, every operation printed
 *
 *     light      a pattern of one word at each end of an object; mm_check() and all
 *                counters once a round, which is 100,000 operations
 *     thorough   a pattern in all bytes of an object; mm_check() and all counters
 *                after every operation
 *
 * A round is a new heap, in which memory may run out, and a seed that decides all.
 * A round in which something is wrong is a finding; the next seed goes on.  Output is
 * TAP, with the rate in between.
 */
#define _GNU_SOURCE             /* program_invocation_name */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/hosted/model.h"

struct kind {
    const char *name;
    struct model_mode mode;     /* steps: of a round */
};

static const struct kind kinds[] = {
    { "light", { .steps = 100000, .check_every = 100000, .light = true } },
    { "thorough", { .steps = 1000, .check_every = 1 } },
};

static uint64_t operations, seeds;
static unsigned findings;

/* ---- random bytes ------------------------------------------------------------ */

static uint64_t random_state;
static uint64_t buffer[64];

/* Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014. */
static uint64_t split_mix(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void fill(struct model_stream *stream)
{
    for (size_t i = 0; i < sizeof(buffer) / sizeof(buffer[0]); i++)
        buffer[i] = split_mix();
    stream->next = (const uint8_t *)buffer;
    stream->end = stream->next + sizeof(buffer);
}

/* ---- one round --------------------------------------------------------------- */

static jmp_buf out_of_round;

static const struct kind *kind_now;     /* what is being run */
static uint64_t seed_now;
static uint32_t steps_now;

static void tell_finding(const char *what)
{
    printf("# finding: %s\n# again: %s %s %llu %u | tail\n", what,
           program_invocation_name, kind_now->name, (unsigned long long)seed_now,
           (unsigned)steps_now);
    fflush(stdout);
}

static void found(const char *what)
{
    findings++;
    tell_finding(what);
    longjmp(out_of_round, 1);
}

/* A crash or an endless loop is a finding too, and the last one. */
static void end(int signal)
{
    tell_finding(strsignal(signal));
    _exit(1);
}

static void run_round(const struct kind *kind, uint64_t seed, uint32_t steps)
{
    struct model_stream stream = { NULL, NULL, fill };
    struct model_mode mode = kind->mode;

    mode.steps = steps;
    kind_now = kind, seed_now = seed, steps_now = steps;
    random_state = seed * 0xd1342543de82ef95u;  /* odd: seeds lie far apart */
    seeds++;
    alarm(600);
    if (setjmp(out_of_round) == 0)
        model_run(&stream, &mode);
    operations += model_counts.steps;
}

/* ---- many -------------------------------------------------------------------- */

/* Of this program's own time: others may have the machine meanwhile. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A line each ten seconds. */
static void tell_progress(const struct kind *kind, uint64_t done, double start)
{
    static double last;
    double time = now();

    if (time - last < 10)
        return;
    last = time;
    printf("# %s: %llu operations, %.0f ns each\n", kind->name,
           (unsigned long long)done, (time - start) * 1e9 / (double)done);
    fflush(stdout);
}

/* Few operations still get many heaps. */
static uint32_t steps_of_round(const struct kind *kind, uint64_t wanted)
{
    return wanted / 20 < kind->mode.steps ? (uint32_t)(wanted / 20 + 1)
                                          : kind->mode.steps;
}

static void soak(int number, const struct kind *kind, uint64_t wanted)
{
    uint32_t steps = steps_of_round(kind, wanted);
    unsigned findings_before = findings;
    uint64_t before = operations;
    double start = now();

    for (uint64_t seed = 1; operations - before < wanted &&
                            findings - findings_before < 10; seed++) {
        run_round(kind, seed, steps);
        tell_progress(kind, operations - before, start);
    }
    printf("%s %d - %llu operations, %s, %.0f ns each\n",
           findings == findings_before ? "ok" : "not ok", number,
           (unsigned long long)(operations - before), kind->name,
           (now() - start) * 1e9 / (double)(operations - before + 1));
}

static int again(const char *name, const char *seed, const char *steps)
{
    const struct kind *kind = &kinds[strcmp(name, "light") != 0];

    model_trace = true;
    run_round(kind, strtoull(seed, NULL, 0), (uint32_t)strtoul(steps, NULL, 0));
    return findings != 0;
}

static void expect_the_worst(void)
{
    static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM };

    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
        signal(deadly[i], end);
    model_failed = found;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;

    expect_the_worst();
    if (argc > 3)
        return again(argv[1], argv[2], argv[3]);
    if (wanted < 100) {
        fprintf(stderr, "how many operations?  At least 100\n");
        return 2;
    }
    printf("1..2\n");
    soak(1, &kinds[0], wanted);
    soak(2, &kinds[1], wanted / 100);
    printf("soak: %llu operations, %llu seeds, %u findings\n",
           (unsigned long long)operations, (unsigned long long)seeds, findings);
    return findings != 0;
}
