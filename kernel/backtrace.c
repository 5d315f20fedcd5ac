/*
 * backtrace.c - the calls that led here.
 *
 * A backtrace follows the frame pointers, which nearly every function keeps:
 *
 *     ebp --> | caller's ebp | return address |
 *                   |
 *                   +--> | its caller's ebp | return address | ...  ends with 0
 *
 * Two do not.  A function that has not begun yet, or that calls nothing, has no frame:
 * esp points to its return address.  The short ways of mm (mm/short.c) leave ebp
 * alone and push what they need: the return address of one is the first word above that
 * follows a call of a short way.
 *
 * A call is at the byte before its return address, which may be in the next line, or
 * even in the next function.  Where an interrupt or an exception came the chain has the
 * address of an instruction instead (trap_entry.S): that one is meant, and what it
 * belongs to may have no frame yet.
 *
 * It is used when something is broken already, so nothing is believed: a frame
 * must lie on a stack, aligned and above the one before, and a return address in
 * the code.  The chain ends at the first that does not, and at a guarded call (guard.h).
 */
#include "kernel/backtrace.h"

#include "kernel/cpu/guard.h"
#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/lines.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/port.h"

enum { MAX_LINES = 24 };

struct frame {
    uintptr_t caller;           /* frame pointer */
    uintptr_t return_address;
};

/* How far a backtrace has come. */
struct trace {
    uintptr_t inside;           /* an address in the instruction of the last call, */
    bool interrupted;           /*   which was none: an interrupt came there */
    uintptr_t top;              /* what its function had on the stack begins here */
    uintptr_t frame;            /* the next frame outwards */
};

static inline bool is_within(uintptr_t addr, size_t bytes, const char *start,
                             const char *end)
{
    return addr - (uintptr_t)start <= (uintptr_t)end - (uintptr_t)start - bytes;
}

/* Are these bytes of a stack? */
static inline bool is_on_stack(uintptr_t addr, size_t bytes)
{
    return addr % sizeof(addr) == 0 &&
           (is_within(addr, bytes, command_stack, boot_stack_guard) ||
            is_within(addr, bytes, boot_stack, boot_stack_top) ||
            is_within(addr, bytes, report_stack, report_stack_top));
}

uintptr_t (*backtrace_return_of)(const uintptr_t *slot);

uintptr_t backtrace_return_at(const uintptr_t *slot)
{
    return backtrace_return_of != NULL ? backtrace_return_of(slot) : *slot;
}

/* ---- functions without a frame ------------------------------------------- */

static bool is_short_way(uintptr_t inside)
{
    return address_between(inside, mm_short_start, mm_short_end);
}

/* Is that where a call of a short way returns to?  One goes on to another by a jump. */
static bool follows_call_of_short_way(uintptr_t addr)
{
    const unsigned char *call = (const unsigned char *)addr - 5;
    uint32_t distance;          /* E8 and four bytes */

    if (!is_kernel_code((uintptr_t)call) || !is_kernel_code(addr) || *call != 0xe8)
        return false;
    memcpy(&distance, call + 1, sizeof(distance));
    return is_short_way(addr + distance);
}

/* Where the return address of one of mm's short ways is; NULL: it has a frame. */
static RARE const uintptr_t *return_of_short_way(const struct trace *trace)
{
    for (uintptr_t at = trace->top; at < trace->frame + sizeof(uintptr_t) &&
         is_on_stack(at, sizeof(uintptr_t)); at += sizeof(uintptr_t))
        if (follows_call_of_short_way(backtrace_return_at((const uintptr_t *)at)))
            return (const uintptr_t *)at;
    return NULL;
}

/*
 * Has the function around eip set up its frame?  Not before push %ebp; mov
 * %esp, %ebp (55 89 e5), and a function that calls nothing may never do it.  Where calls
 * are traced int3 (cc) stands for the push.
 */
static bool has_frame(uintptr_t eip)
{
    struct symbol function;

    if (!symbol_find(eip, &function) || !function.is_code)
        return false;
    for (uintptr_t at = function.start; at + 3 <= eip; at++)
        if (memcmp((const void *)at, "\x55\x89\xe5", 3) == 0 ||
            memcmp((const void *)at, "\xcc\x89\xe5", 3) == 0)
            return true;
    return false;
}

/* ---- from call to call --------------------------------------------------- */

/* Go on behind that return address. */
static uintptr_t go_on(struct trace *trace, const uintptr_t *at)
{
    uintptr_t call = backtrace_return_at(at);

    trace->inside = call - 1;
    trace->interrupted = false;
    trace->top = (uintptr_t)(at + 1);
    return call;
}

/* Go on in what was interrupted, whose address is there. */
static uintptr_t go_on_interrupted(struct trace *trace, const uintptr_t *at)
{
    trace->inside = backtrace_return_at(at);
    trace->interrupted = true;
    trace->top = (uintptr_t)(at + 1) + sizeof(struct trap_frame);
    return trace->inside;
}

static bool is_in_trap(uintptr_t inside)
{
    return address_between(inside, trap_frames_start, trap_frames_end);
}

/* A call from the kernel; what was called under a guard ends the chain (guard.c). */
static bool is_return_address(uintptr_t addr)
{
    return is_kernel_code(addr) && addr != (uintptr_t)guard_called;
}

/* Where the return address of what was interrupted is; NULL: it has a frame. */
static const uintptr_t *return_of_interrupted(const struct trace *trace)
{
    const uintptr_t *at = (const uintptr_t *)trace->top;

    return !has_frame(trace->inside) && is_on_stack(trace->top, sizeof(*at)) &&
           is_return_address(backtrace_return_at(at)) ? at : NULL;
}

/* The next call outwards; 0: the chain ends here. */
static inline uintptr_t next_call(struct trace *trace)
{
    const struct frame *frame = (const struct frame *)trace->frame;
    const uintptr_t *at;

    if (is_short_way(trace->inside)) {
        if ((at = return_of_short_way(trace)))
            return go_on(trace, at);
    } else if (trace->interrupted && (at = return_of_interrupted(trace))) {
        return go_on(trace, at);
    }
    if (!is_on_stack(trace->frame, sizeof(*frame)) ||
        !is_return_address(backtrace_return_at(&frame->return_address)))
        return 0;
    trace->frame = frame->caller > trace->frame ? frame->caller : 0;
    return is_in_trap(trace->inside) ? go_on_interrupted(trace, &frame->return_address)
                                     : go_on(trace, &frame->return_address);
}

static struct trace from_frame(void *frame)
{
    return (struct trace){ .frame = (uintptr_t)frame };
}

static bool is_in_mm(uintptr_t call)
{
    return address_between(call, mm_text_start, mm_text_end);
}

unsigned backtrace_to_mm(uintptr_t *calls, unsigned max)
{
    struct trace trace = from_frame(__builtin_frame_address(0));
    uintptr_t call = next_call(&trace);
    unsigned n = 0;

    while (call != 0 && !is_in_mm(call))        /* an observer, whom mm has called */
        call = next_call(&trace);
    while (is_in_mm(call))
        call = next_call(&trace);
    for (; n < max && call != 0; call = next_call(&trace))
        calls[n++] = call;
    return n;
}

unsigned backtrace_from(uintptr_t eip, uintptr_t esp, uintptr_t ebp, uintptr_t *calls,
                        unsigned max)
{
    struct trace trace = { eip, true, esp, ebp };
    unsigned n = 0;

    for (uintptr_t call; n < max && (call = next_call(&trace)) != 0; )
        calls[n++] = call;
    return n;
}

/* ---- printing ------------------------------------------------------------ */

const char *backtrace_format(const uintptr_t *calls, unsigned n, char *buf, size_t size)
{
    bool interrupted = n > 0 && is_in_trap(calls[n - 1]);

    return line_format(calls[n], calls[n] - !interrupted, buf, size);
}

typedef void put_line(const char *text);

static void print_line(const char *text)
{
    kprint_wrapped(0, "%s", text);
}

static void log_line(const char *text)
{
    pr_err("%s", text);
}

static void put_call(const struct trace *trace, uintptr_t call, put_line *put)
{
    char text[LINE_TEXT_SIZE], line[LINE_TEXT_SIZE + 16];

    ksnprintf(line, sizeof(line), "  0x%08x %s", (unsigned)call,
              line_format(call, trace->inside, text, sizeof(text)));
    put(line);
}

static void put_repeats(unsigned repeats, put_line *put)
{
    char line[LINE_TEXT_SIZE];

    ksnprintf(line, sizeof(line), "  (and %u time%s more)", repeats, plural(repeats));
    put(line);
}

/* A recursion's calls from one place are one line: what matters is who began it. */
static void put_calls(struct trace *trace, put_line *put)
{
    uintptr_t previous = 0;
    unsigned lines = 0, repeats = 0;

    for (uintptr_t call = next_call(trace); call != 0; call = next_call(trace)) {
        if (call == previous) {
            repeats++;
            continue;
        }
        if (repeats > 0)
            put_repeats(repeats, put);
        if (++lines > MAX_LINES) {
            put("  ... and further out");
            return;
        }
        put_call(trace, call, put);
        previous = call;
        repeats = 0;
    }
    if (lines == 0)
        put("  nobody knows: what is on the stack leads nowhere");
}

void backtrace_print(void)
{
    struct trace trace = from_frame(__builtin_frame_address(0));

    put_calls(&trace, print_line);
}

/* Where esp is on no stack, what has no frame had its return address there. */
void backtrace_log_from(uintptr_t eip, uintptr_t esp, uintptr_t ebp)
{
    struct trace trace = { eip, true, esp, ebp };

    if (is_kernel_code(eip) && !has_frame(eip) && !is_on_stack(esp, sizeof(uintptr_t)))
        log_line("  somebody whose name was where esp should be; and that one");
    put_calls(&trace, log_line);
}

void backtrace_log_above(const uintptr_t *frame)
{
    struct trace trace = { backtrace_return_at(&frame[1]) - 1, false,
                           (uintptr_t)(frame + 2), frame[0] };

    put_calls(&trace, log_line);
}
