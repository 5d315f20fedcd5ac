/*
 * ubsan.c - arithmetic that C does not define, told where it happens; in the form of
 * Linux's lib/ubsan.c.
 *
 *     UBSAN: shift-out-of-bounds in lab.c:12:15
 *     shift exponent 33 is too large for 32-bit type 'int'
 *
 * -fsanitize=undefined has GCC test each such operation, and call one of the functions
 * below, with its place in the source and its operands, where the test fails.  Each
 * returns, and what the CPU makes of the operation is the result; but for a division,
 * which then faults.  As in Linux, what is not aligned is no mistake: x86 can.
 *
 * The functions and structures are those of GCC's ubsan.c and compiler-rt's
 * ubsan_handlers.h.
 */
#include "kernel/san/san_priv.h"

#include "kernel/printk.h"
#include "kernel/string.h"

enum { TEXT_SIZE = 48 };

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t is_number;         /* 0: an integer */
    uint16_t info;              /* bit 0: signed; behind it log2 of its bits */
    char name[];                /* with its quotes: 'int' */
};

struct overflow {
    struct place place;
    const struct type *type;
};

struct shift {
    struct place place;
    const struct type *left, *right;
};

struct bounds {
    struct place place;
    const struct type *array, *index;
};

struct mismatch {
    struct place place;
    const struct type *type;
    unsigned char log_alignment, access;
};

/* ---- values ------------------------------------------------------------------ */

static unsigned bits_of(const struct type *type)
{
    return 1u << (type->info >> 1);
}

static bool is_signed(const struct type *type)
{
    return type->is_number == 0 && type->info & 1;
}

/* A value is handed over as a word; if it does not fit, by its address. */
static int64_t value_of(const struct type *type, uintptr_t value)
{
    unsigned unused = 64 - (bits_of(type) < 64 ? bits_of(type) : 64);
    uint64_t bits = bits_of(type) > 32 ? *(const uint64_t *)value : value;

    bits <<= unused;
    return is_signed(type) ? (int64_t)bits >> unused : (int64_t)(bits >> unused);
}

static bool is_negative(const struct type *type, uintptr_t value)
{
    return is_signed(type) && value_of(type, value) < 0;
}

static const char *format_value(const struct type *type, uintptr_t value, char *text)
{
    ksnprintf(text, TEXT_SIZE, is_signed(type) ? "%lld" : "%llu",
              (long long)value_of(type, value));
    return text;
}

/* ---- reports ----------------------------------------------------------------- */

static bool begin(const char *bug, const struct place *place, struct san_caller caller)
{
    if (!san_begin(caller))
        return false;
    pr_err("UBSAN: %s in %s:%u:%u", bug, place->file, (unsigned)place->line,
           (unsigned)place->column);
    return true;
}

static void overflow(const struct overflow *data, uintptr_t left, char sign,
                     uintptr_t right, struct san_caller caller)
{
    char a[TEXT_SIZE], b[TEXT_SIZE];

    if (!begin(is_signed(data->type) ? "signed-integer-overflow"
                                     : "unsigned-integer-overflow",
               &data->place, caller))
        return;
    pr_err("%s %c %s cannot be represented in type %s",
           format_value(data->type, left, a), sign, format_value(data->type, right, b),
           data->type->name);
    san_end(caller);
}

static void simple(const char *bug, const struct place *place, const char *what,
                   struct san_caller caller)
{
    if (!begin(bug, place, caller))
        return;
    pr_err("%s", what);
    san_end(caller);
}

/* ---- what GCC calls ---------------------------------------------------------- */

#define HANDLER(name, ...)                                                    \
    void __ubsan_handle_##name(__VA_ARGS__);                                  \
    void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, const struct overflow *data, uintptr_t left, uintptr_t right)
{
    overflow(data, left, '+', right, SAN_CALLER());
}

HANDLER(sub_overflow, const struct overflow *data, uintptr_t left, uintptr_t right)
{
    overflow(data, left, '-', right, SAN_CALLER());
}

HANDLER(mul_overflow, const struct overflow *data, uintptr_t left, uintptr_t right)
{
    overflow(data, left, '*', right, SAN_CALLER());
}

HANDLER(negate_overflow, const struct overflow *data, uintptr_t value)
{
    char text[TEXT_SIZE];

    if (!begin("negation-overflow", &data->place, SAN_CALLER()))
        return;
    pr_err("negation of %s cannot be represented in type %s",
           format_value(data->type, value, text), data->type->name);
    san_end(SAN_CALLER());
}

HANDLER(divrem_overflow, const struct overflow *data, uintptr_t left, uintptr_t right)
{
    char text[TEXT_SIZE];

    if (!begin("division-overflow", &data->place, SAN_CALLER()))
        return;
    if (value_of(data->type, right) == 0)
        pr_err("division by zero");
    else
        pr_err("division of %s by -1 cannot be represented in type %s",
               format_value(data->type, left, text), data->type->name);
    san_end(SAN_CALLER());
}

static void tell_shift(const struct shift *data, uintptr_t left, uintptr_t right)
{
    char a[TEXT_SIZE], b[TEXT_SIZE];

    format_value(data->left, left, a);
    format_value(data->right, right, b);
    if (is_negative(data->right, right))
        pr_err("shift exponent %s is negative", b);
    else if ((uint64_t)value_of(data->right, right) >= bits_of(data->left))
        pr_err("shift exponent %s is too large for %u-bit type %s", b,
               bits_of(data->left), data->left->name);
    else if (is_negative(data->left, left))
        pr_err("left shift of negative value %s", a);
    else
        pr_err("left shift of %s by %s places cannot be represented in type %s", a, b,
               data->left->name);
}

HANDLER(shift_out_of_bounds, const struct shift *data, uintptr_t left, uintptr_t right)
{
    if (!begin("shift-out-of-bounds", &data->place, SAN_CALLER()))
        return;
    tell_shift(data, left, right);
    san_end(SAN_CALLER());
}

HANDLER(out_of_bounds, const struct bounds *data, uintptr_t index)
{
    char text[TEXT_SIZE];

    if (!begin("array-index-out-of-bounds", &data->place, SAN_CALLER()))
        return;
    pr_err("index %s is out of range for type %s",
           format_value(data->index, index, text), data->array->name);
    san_end(SAN_CALLER());
}

/* Alignment and size are not asked for, so what is left is NULL. */
HANDLER(type_mismatch_v1, const struct mismatch *data, uintptr_t p)
{
    static const char *const accesses[] = {
        "load of", "store to", "reference binding to", "member access within",
    };
    bool is_known = data->access < sizeof(accesses) / sizeof(accesses[0]);

    (void)p;
    if (!begin("null-ptr-deref", &data->place, SAN_CALLER()))
        return;
    pr_err("%s null pointer of type %s", is_known ? accesses[data->access] : "use of",
           data->type->name);
    san_end(SAN_CALLER());
}

HANDLER(pointer_overflow, const struct place *place, uintptr_t base, uintptr_t result)
{
    if (!begin("pointer-overflow", place, SAN_CALLER()))
        return;
    pr_err("from 0x%08x to 0x%08x, round the end of memory", (unsigned)base,
           (unsigned)result);
    san_end(SAN_CALLER());
}

HANDLER(load_invalid_value, const struct overflow *data, uintptr_t value)
{
    char text[TEXT_SIZE];

    if (!begin("invalid-load", &data->place, SAN_CALLER()))
        return;
    pr_err("load of value %s is not a valid value for type %s",
           format_value(data->type, value, text), data->type->name);
    san_end(SAN_CALLER());
}

HANDLER(vla_bound_not_positive, const struct overflow *data, uintptr_t bound)
{
    char text[TEXT_SIZE];

    if (!begin("vla-bound-not-positive", &data->place, SAN_CALLER()))
        return;
    pr_err("variable length array bound value %s <= 0",
           format_value(data->type, bound, text));
    san_end(SAN_CALLER());
}

HANDLER(nonnull_arg, const struct place *place)
{
    simple("null-argument", place, "null pointer passed where none may be",
           SAN_CALLER());
}

HANDLER(invalid_builtin, const struct place *place)
{
    simple("invalid-builtin-use", place,
           "passing zero to clz or ctz, which is undefined", SAN_CALLER());
}

HANDLER(builtin_unreachable, const struct place *place)
{
    simple("unreachable", place, "calling __builtin_unreachable()", SAN_CALLER());
    panic("there is no way on");
}
