/*
 * stack_guard.c - an array on the stack ran over: its function does not return.
 *
 *     |  array  | guard | saved registers | caller's ebp | return address |
 *     |  ---- upwards: what is written past the end -->                   |
 *
 * -fstack-protector-strong has each function with an array, or with a local whose
 * address is taken, put the guard there when it begins, and compare it before it
 * returns.  If it has changed, so may have the return address: it ends while we know
 * in which function.  A write that jumps over the guard is not seen, nor one to the
 * array's neighbours below; for these there is SAN=1.
 *
 * Cost: seven instructions in such a function, none in others.  mm has none (Makefile).
 */
#include <stdint.h>

#include "kernel/backtrace.h"
#include "kernel/panic.h"
#include "kernel/symbols.h"

enum { TEXT_SIZE = 80 };

void __stack_chk_fail(void) __attribute__((noreturn));

/*
 * One value for ever, since two runs of one input are to be the same.  It is no secret:
 * here nobody attacks, students slip.  So it has the bytes at which copies of strings
 * and lines end, 0, newline and 0xff (StackGuard's "terminator canary"): what runs over
 * by such a copy can not put them there and go on.
 */
extern const uintptr_t __stack_chk_guard;
const uintptr_t __stack_chk_guard = 0xff0a0000;

void __stack_chk_fail(void)
{
    char text[TEXT_SIZE];
    const uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t call = backtrace_return_at(&frame[1]);

    symbol_format_inside(call, call - 1, text, sizeof(text));
    oops_above(frame,
               "stack smashed in %s: an array there was written past its end", text);
}
