/*
 * protect.c - see protect.h.
 *
 * A fault is a signal; its handler jumps back to the access.  It is proved that the fault
 * was at that address and at no other.
 */
#include "tests/hosted/protect.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

long protect_fails = -1;

bool protect_map(void *start, size_t bytes, bool present)
{
    if (!present && protect_fails == 0)
        return false;
    if (!present && protect_fails > 0)
        protect_fails--;
    return mprotect(start, bytes, present ? PROT_READ | PROT_WRITE : PROT_NONE) == 0;
}

static sigjmp_buf back;
static void *volatile fault_at;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(back, 1);
}

static bool faults(unsigned char *at, bool writes)
{
    struct sigaction ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, before;
    volatile unsigned char *byte = at;
    volatile bool faulted = true;

    sigaction(SIGSEGV, &ours, &before);
    if (sigsetjmp(back, 1) == 0) {
        unsigned char was = *byte;

        if (writes)
            *byte = was;
        faulted = false;
    }
    sigaction(SIGSEGV, &before, NULL);
    if (faulted)
        assert_ptr_equal(fault_at, at);
    return faulted;
}

bool faults_on_read(const void *at)
{
    return faults((unsigned char *)(uintptr_t)at, false);
}

bool faults_on_write(void *at)
{
    return faults(at, true);
}

static void show_all(void)
{
    assert_int_equal(mprotect(arena_memory(), ARENA_BYTES, PROT_READ | PROT_WRITE), 0);
}

void protect_open(uint32_t pages)
{
    show_all();
    arena_open(pages, 0);
}

int protect_setup(void **state)
{
    show_all();
    protect_fails = -1;
    mm_map_hook = protect_map;
    return arena_setup(state);
}

int protect_teardown(void **state)
{
    int status = arena_teardown(state);

    mm_reset_dials();
    mm_map_hook = NULL;
    return status;
}
