/*
 * step.c - see step.h.
 *
 * An operation is run once with the CPU's trap flag set, which makes a signal after
 * each instruction, to learn which ones it runs.  When it is run again, an int3 stands
 * in the place of one of them, and what comes of it is the same signal.  At a visit
 * that is not the one, the int3 is stepped over: taken out, one step, put in again.
 */
#define _GNU_SOURCE             /* REG_EFL */
#include "tests/hosted/step.h"

#include "mm/page.h"
#include "tests/hosted/arena.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100
#define INT3 0xCC
#define MAX_STOPS 40000u

#ifdef __x86_64__
#define PROGRAM_COUNTER REG_RIP
#define SKIP_RED_ZONE "lea -128(%%rsp), %%rsp\n"
#define BACK_AGAIN "lea 128(%%rsp), %%rsp\n"
#else
#define PROGRAM_COUNTER REG_EIP
#define SKIP_RED_ZONE
#define BACK_AGAIN
#endif

extern char __executable_start, etext;

static struct { unsigned char *at; unsigned visit; } stops[MAX_STOPS];
static unsigned nstops;
static unsigned most_visits;            /* of an instruction in a loop */
static volatile bool tracing;           /* set and read in the signal handler, too */

static unsigned char *stop_at;          /* the instruction */
static unsigned char saved_byte;        /* its first byte */
static volatile unsigned passes_left;   /* how often it is passed over before */
static volatile bool came;
static void (*comes)(void);

static greg_t *program_counter(void *context)
{
    return &((ucontext_t *)context)->uc_mcontext.gregs[PROGRAM_COUNTER];
}

static void step_once(void *context, bool on)
{
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

    *flags = on ? *flags | TRAP_FLAG : *flags & ~(greg_t)TRAP_FLAG;
}

/*
 * `mov (%esp), %reg; ret`, by which 32-bit position-independent code learns where it
 * is: on_trap needs that itself, so it cannot be stopped there.
 */
static bool is_thunk(const unsigned char *at)
{
    return (at[0] == 0x8b && at[2] == 0x24 && at[3] == 0xc3) ||
           (at[0] == 0xc3 && at[-3] == 0x8b && at[-1] == 0x24);
}

/* Only this program's own code: mm's, and the few lines around it in the test. */
static void note(unsigned char *at)
{
    unsigned visits = 0;

    if ((char *)at < &__executable_start || (char *)at >= &etext || is_thunk(at))
        return;
    for (unsigned i = 0; i < nstops && visits < most_visits; i++)
        visits += stops[i].at == at;
    if (visits == most_visits || nstops == MAX_STOPS)
        return;
    stops[nstops].at = at;
    stops[nstops].visit = visits;
    nstops++;
}

/* A signal after a step (first run, or over a stop), or from the int3 of a stop. */
static void on_trap(int number, siginfo_t *info, void *context)
{
    unsigned char *at = (unsigned char *)(uintptr_t)*program_counter(context);

    (void)number, (void)info;
    if (tracing) {
        note(at);
    } else if (at != stop_at + 1 || *stop_at != INT3) {
        *stop_at = INT3;                /* the step over it is done */
        step_once(context, false);
    } else {
        *stop_at = saved_byte;
        *program_counter(context) = (greg_t)(uintptr_t)stop_at;
        if (passes_left > 0) {
            passes_left--;
            step_once(context, true);
            return;
        }
        came = true;
        comes();
    }
}

/* The compiler moves nothing across it. */
static void set_trap_flag(bool on)
{
    unsigned long flags;

    __asm__ volatile(SKIP_RED_ZONE "pushf\n pop %0\n" BACK_AGAIN : "=r"(flags));
    flags = on ? flags | TRAP_FLAG : flags & ~(unsigned long)TRAP_FLAG;
    __asm__ volatile(SKIP_RED_ZONE "push %0\n popf\n" BACK_AGAIN
                     : : "r"(flags) : "memory", "cc");
}

unsigned step_trace(void (*operation)(void), unsigned visits)
{
    nstops = 0;
    most_visits = visits;
    tracing = true;
    set_trap_flag(true);
    operation();
    set_trap_flag(false);
    tracing = false;
    assert_true(nstops < MAX_STOPS);
    return nstops;
}

bool step_run(unsigned stop, void (*operation)(void), void (*then)(void))
{
    comes = then;
    stop_at = stops[stop].at;
    saved_byte = *stop_at;
    passes_left = stops[stop].visit;
    came = false;
    *stop_at = INT3;
    operation();
    *stop_at = saved_byte;
    return came;
}

unsigned long step_address(unsigned stop)
{
    return (unsigned long)(stops[stop].at - (unsigned char *)&__executable_start);
}

/*
 * AddressSanitizer, if it is linked, asks for this.  Frames of an abandoned operation
 * would never be free again, in a pool that it searches at each call.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}

void step_open(void)
{
    uintptr_t start = (uintptr_t)&__executable_start & ~(PAGE_SIZE - 1);
    struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

    if (mprotect((void *)start, (uintptr_t)&etext - start,
                 PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        skip();                         /* no writing to code here */
    sigaction(SIGTRAP, &action, NULL);
}

void step_close(void)
{
    signal(SIGTRAP, SIG_DFL);
}
