/*
 * kasan.c - each load and store asks here first.
 *
 *     movl %ebx, %eax                 GCC, before it writes four bytes at ebx
 *     call __asan_store4_noabort
 *     movl $1, (%ebx)
 *
 * This is the interface of -fsanitize=kernel-address with outline calls (GCC,
 * libsanitizer/asan/asan_interface_internal.h; Linux, mm/kasan/generic.c).  A report
 * returns, and the access is made all the same, as in Linux.
 *
 * Rules:
 *   - mm's books may be read, for lessons do; not written;
 *   - what mm calls, such as a constructor, may write to free pages: they become a
 *     slab.
 *
 * What it does not see: mm, which is not compiled with it; a slot that was freed and
 * handed out again (quarantine= makes that late); a write that jumps over all that
 * lies between two objects.
 */
#include "kernel/san/san.h"
#include "kernel/san/san_priv.h"

#include "kernel/printk.h"
#include "mm/mm.h"

/* Memory that mm has not handed out, and yet one may. */
static bool is_mms_business(const struct san_access *access)
{
    struct mm_what what;

    if (*shadow_of(access->bad) < SHADOW_SLAB_FREE)
        return false;
    mm_what_is((const void *)access->bad, &what);
    if (what.kind == MM_META)
        return !access->write;
    return mm_state & MM_CALLED_OUT && what.kind == MM_FREE_PAGE;
}

void san_check(uintptr_t addr, size_t bytes, bool write, struct san_caller caller)
{
    struct san_access access = { addr, shadow_first_bad(addr, bytes), bytes, write };

    if (shadow_is_at(addr) && !san_is_reporting())
        oops("KASAN: wild-memory-access: %s of size %u at 0x%08x, in the shadow of memory",
             write ? "write" : "read", (unsigned)bytes, (unsigned)addr);
    if (access.bad == 0 || san_is_reporting() || is_mms_business(&access) ||
        !san_begin(caller))
        return;
    kasan_report(&access, caller);
    san_end(caller);
}

/* ---- what GCC calls ---------------------------------------------------------- */

#define ACCESS(bytes)                                                         \
    void __asan_load##bytes##_noabort(uintptr_t addr);                        \
    void __asan_store##bytes##_noabort(uintptr_t addr);                       \
    void __asan_load##bytes##_noabort(uintptr_t addr)                         \
    {                                                                         \
        san_check(addr, bytes, false, SAN_CALLER());                          \
    }                                                                         \
    void __asan_store##bytes##_noabort(uintptr_t addr)                        \
    {                                                                         \
        san_check(addr, bytes, true, SAN_CALLER());                           \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uintptr_t addr, size_t bytes);
void __asan_storeN_noabort(uintptr_t addr, size_t bytes);
void __asan_handle_no_return(void);
void __asan_poison_stack_memory(uintptr_t addr, size_t bytes);
void __asan_unpoison_stack_memory(uintptr_t addr, size_t bytes);
void __asan_alloca_poison(uintptr_t addr, size_t bytes);
void __asan_allocas_unpoison(uintptr_t top, uintptr_t bottom);

void __asan_loadN_noabort(uintptr_t addr, size_t bytes)
{
    san_check(addr, bytes, false, SAN_CALLER());
}

void __asan_storeN_noabort(uintptr_t addr, size_t bytes)
{
    san_check(addr, bytes, true, SAN_CALLER());
}

/* Whoever does not return, panic, does not need the stack clean either. */
void __asan_handle_no_return(void)
{
}

/* ---- stacks ------------------------------------------------------------------ */

void __asan_poison_stack_memory(uintptr_t addr, size_t bytes)
{
    shadow_set((const void *)addr, 0, bytes, SHADOW_SCOPE);
}

void __asan_unpoison_stack_memory(uintptr_t addr, size_t bytes)
{
    shadow_set((const void *)addr, bytes, bytes, SHADOW_SCOPE);
}

/* An array of variable length: there are 32 bytes before it, and 32 behind. */
void __asan_alloca_poison(uintptr_t addr, size_t bytes)
{
    size_t room = (bytes + 31) & ~(size_t)31;

    shadow_set((const void *)(addr - 32), 0, 32, SHADOW_ALLOCA_LEFT);
    shadow_set((const void *)addr, bytes, room + 32, SHADOW_ALLOCA_RIGHT);
}

void __asan_allocas_unpoison(uintptr_t top, uintptr_t bottom)
{
    if (top != 0 && top < bottom)
        shadow_open(top, bottom);
}

/* ---- globals ----------------------------------------------------------------- */

/* By GCC, for each variable: behind it lies a red zone. */
struct asan_global {
    const void *start;
    size_t bytes, room;
    const char *name, *file;
    uintptr_t has_constructor;
    const void *place;
    uintptr_t odr_indicator;
};

void __asan_register_globals(const struct asan_global *globals, size_t count);
void __asan_unregister_globals(const struct asan_global *globals, size_t count);

void __asan_register_globals(const struct asan_global *globals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shadow_set(globals[i].start, globals[i].bytes, globals[i].room, SHADOW_GLOBAL);
}

/* The kernel never ends. */
void __asan_unregister_globals(const struct asan_global *globals, size_t count)
{
    (void)globals, (void)count;
}
