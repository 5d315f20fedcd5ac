/*
 * format.c - printf's formats: what kprintf, printk and ksnprintf have in common.
 *
 *     % [-0+ #] [width | *] [.precision | .*] [hh h l ll z t j] d i u x X o c s p %
 *
 *     "    " "-" "0x" "000" "1234" "    "
 *      pad   sign prefix zeros digits pad          how a number is laid out
 *
 * The meaning is that of C11 7.21.6.1, without floating point and without %n.
 * %p prints 0x, unless the format has it, and all the digits of a pointer; %pS and its
 * kin are in format_pointer.c.  A conversion that does not exist is printed as it stands,
 * so that the mistake shows.
 *
 * Nothing here knows where the text goes (struct format_sink), so it runs in a
 * hosted test as well.  64-bit numbers are divided in three 32-bit steps: the
 * compiler's own 64-bit division would need libgcc.
 *
 * Cost: a piece of text for each run of literal text, and up to five a number.
 */
#include "kernel/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/printk.h"
#include "kernel/shown.h"
#include "kernel/string.h"

enum { MAX_DIGITS = 22,                 /* 2^64 in octal */
       POINTER_SIZE = 200 };            /* 64 bytes as "00 01 ..." */

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_LONG };

/* One conversion. */
struct spec {
    bool left, zero, plus, space, alternate;
    bool has_precision;
    bool bare;                  /* of a pointer: the format has its 0x */
    struct pointer_format pointer;
    size_t width, precision;
    enum length length;
    char conversion;
};

/* The sink, and how much went into it. */
struct output {
    struct format_sink *sink;
    size_t count;
};

/* ---- putting ------------------------------------------------------------ */

static void put(struct output *output, const char *text, size_t length)
{
    if (length == 0)
        return;
    output->sink->put(output->sink, text, length);
    output->count += length;
}

static void put_many(struct output *output, char c, size_t count)
{
    while (count-- > 0)
        put(output, &c, 1);
}

/* What an argument holds. */
static void put_held(struct output *output, const char *text, size_t length)
{
    while (length > 0) {
        size_t run = output->sink->shows ? shown_run(text, length) : length;
        char byte[SHOWN_BYTE];

        put(output, text, run);
        if (run == length)
            break;
        shown_byte(text[run], byte);
        put(output, byte, sizeof(byte));
        text += run + 1;
        length -= run + 1;
    }
}

static void put_text(struct output *output, const struct spec *spec, const char *text,
                     size_t length)
{
    size_t width = output->sink->shows ? shown_length(text, length) : length;
    size_t pad = spec->width > width ? spec->width - width : 0;

    put_many(output, ' ', spec->left ? 0 : pad);
    put_held(output, text, length);
    put_many(output, ' ', spec->left ? pad : 0);
}

/* ---- numbers ------------------------------------------------------------ */

/* Divide *number by base (at most 16); the remainder. */
static unsigned divide(uint64_t *number, unsigned base)
{
    uint32_t high = (uint32_t)(*number >> 32);
    uint32_t low = (uint32_t)*number;
    uint32_t upper = (high % base) << 16 | low >> 16;
    uint32_t lower = (upper % base) << 16 | (low & 0xffff);

    /* upper / base may have 17 bits when high is not 0: add, do not or. */
    *number = ((uint64_t)(high / base) << 32) + ((uint64_t)(upper / base) << 16) +
              lower / base;
    return lower % base;
}

/* Digits of number, right-aligned in text; how many.  0 has none. */
static size_t digits_of(uint64_t number, unsigned base, bool capital,
                        char text[MAX_DIGITS])
{
    const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t count = 0;

    while (number > UINT32_MAX)
        text[MAX_DIGITS - ++count] = digits[divide(&number, base)];
    for (uint32_t rest = (uint32_t)number; rest != 0; rest /= base)
        text[MAX_DIGITS - ++count] = digits[rest % base];
    return count;
}

static unsigned base_of(char conversion)
{
    switch (conversion) {
    case 'o': return 8;
    case 'x':
    case 'X':
    case 'p': return 16;
    default: return 10;
    }
}

/* "0x" for %#x and %p; for %#o the precision does it. */
static const char *prefix_of(const struct spec *spec, uint64_t number)
{
    if (spec->conversion == 'p')
        return spec->bare ? "" : "0x";
    if (!spec->alternate || number == 0 || base_of(spec->conversion) != 16)
        return "";
    return spec->conversion == 'X' ? "0X" : "0x";
}

static size_t zeros_before(const struct spec *spec, size_t digits, size_t before)
{
    size_t least = spec->has_precision ? spec->precision : 1;

    if (spec->conversion == 'o' && spec->alternate && least <= digits)
        least = digits + 1;
    if (spec->zero && !spec->left && !spec->has_precision && spec->width > before)
        least = spec->width - before > least ? spec->width - before : least;
    return least > digits ? least - digits : 0;
}

static void put_number(struct output *output, const struct spec *spec,
                       const char *sign, uint64_t number)
{
    char text[MAX_DIGITS];
    size_t digits = digits_of(number, base_of(spec->conversion),
                              spec->conversion == 'X', text);
    const char *prefix = prefix_of(spec, number);
    size_t before = strlen(sign) + strlen(prefix);
    size_t zeros = zeros_before(spec, digits, before);
    size_t length = before + zeros + digits;
    size_t pad = spec->width > length ? spec->width - length : 0;

    put_many(output, ' ', spec->left ? 0 : pad);
    put(output, sign, strlen(sign));
    put(output, prefix, strlen(prefix));
    put_many(output, '0', zeros);
    put(output, text + MAX_DIGITS - digits, digits);
    put_many(output, ' ', spec->left ? pad : 0);
}

/* ---- arguments ---------------------------------------------------------- */

/* A va_list cannot be passed by address portably, unless it is in a struct. */
struct arguments {
    va_list list;
};

static int64_t next_signed(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR: return (signed char)va_arg(args->list, int);
    case LENGTH_SHORT: return (short)va_arg(args->list, int);
    case LENGTH_LONG: return va_arg(args->list, long);
    case LENGTH_LONG_LONG: return va_arg(args->list, long long);
    default: return va_arg(args->list, int);
    }
}

static uint64_t next_unsigned(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR: return (unsigned char)va_arg(args->list, unsigned);
    case LENGTH_SHORT: return (unsigned short)va_arg(args->list, unsigned);
    case LENGTH_LONG: return va_arg(args->list, unsigned long);
    case LENGTH_LONG_LONG: return va_arg(args->list, unsigned long long);
    default: return va_arg(args->list, unsigned);
    }
}

static void put_signed(struct output *output, const struct spec *spec,
                       struct arguments *args)
{
    int64_t number = next_signed(args, spec->length);
    const char *sign = number < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

    put_number(output, spec, sign,
               number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

static void put_pointer(struct output *output, struct spec *spec,
                        struct arguments *args)
{
    const void *p = va_arg(args->list, void *);
    char text[POINTER_SIZE];

    if (spec->pointer.length == 0) {
        spec->has_precision = true;
        spec->precision = 2 * sizeof(void *);
        put_number(output, spec, "", (uintptr_t)p);
        return;
    }
    spec->pointer.bytes = spec->width > 0 ? spec->width : 1;
    if (spec->pointer.letters[0] == 'h')
        spec->width = 0;
    format_pointer(&spec->pointer, p, text, sizeof(text));
    put_text(output, spec, text, strlen(text));
}

/*
 * What Linux has not either: floating point, %n, wide characters.  The argument is
 * passed over, so that those behind it are right.
 */
static bool pass_over(const struct spec *spec, struct arguments *args)
{
    if (spec->conversion == 'n' || spec->conversion == 's')
        (void)va_arg(args->list, void *);
    else if (spec->conversion == 'c')
        (void)va_arg(args->list, int);
    else if (strchr("aAeEfFgG", spec->conversion) != NULL)
        (void)(spec->length == LENGTH_LONG_LONG ? va_arg(args->list, long double)
                                                : va_arg(args->list, double));
    return false;
}

static void put_string(struct output *output, const struct spec *spec,
                       struct arguments *args)
{
    const char *text = va_arg(args->list, const char *);

    if (text == NULL)
        text = "(null)";
    put_text(output, spec, text, strnlen(text, spec->has_precision ? spec->precision
                                                                   : SIZE_MAX));
}

static void put_char(struct output *output, const struct spec *spec,
                     struct arguments *args)
{
    char c = (char)va_arg(args->list, int);

    put_text(output, spec, &c, 1);
}

/* ---- reading a conversion ------------------------------------------------ */

static const char *read_flags(const char *at, struct spec *spec)
{
    for (;; at++) {
        switch (*at) {
        case '-': spec->left = true; break;
        case '0': spec->zero = true; break;
        case '+': spec->plus = true; break;
        case ' ': spec->space = true; break;
        case '#': spec->alternate = true; break;
        default: return at;
        }
    }
}

/* Digits, or * for an argument. */
static const char *read_count(const char *at, struct arguments *args, int *count)
{
    *count = 0;
    if (*at == '*') {
        *count = va_arg(args->list, int);
        return at + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        if (*count < INT_MAX / 100)
            *count = *count * 10 + (*at - '0');
    return at;
}

static const char *read_length(const char *at, struct spec *spec)
{
    bool twice = at[0] != 0 && at[0] == at[1];

    switch (*at) {
    case 'h':
        spec->length = twice ? LENGTH_CHAR : LENGTH_SHORT;
        return at + 1 + twice;
    case 'l':
        spec->length = twice ? LENGTH_LONG_LONG : LENGTH_LONG;
        return at + 1 + twice;
    case 'j':
    case 'L':
        spec->length = LENGTH_LONG_LONG;
        return at + 1;
    case 'z':
    case 't':
        spec->length = LENGTH_LONG;     /* as wide as size_t, 32-bit and 64-bit */
        return at + 1;
    default:
        return at;
    }
}

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

/* As in Linux: all letters and digits that follow. */
static const char *read_pointer(const char *at, struct pointer_format *pointer)
{
    pointer->letters = at;
    while (is_letter(*at))
        at++;
    pointer->length = (size_t)(at - pointer->letters);
    return at;
}

static const char *read_spec(const char *at, struct arguments *args, struct spec *spec)
{
    int count;

    at = read_flags(at, spec);
    at = read_count(at, args, &count);
    if (count < 0)
        spec->left = true;              /* C11: a flag and a positive width */
    spec->width = (size_t)(count < 0 ? -(long)count : count);
    if (*at == '.') {
        at = read_count(at + 1, args, &count);
        spec->has_precision = count >= 0;
        spec->precision = (size_t)count;
    }
    at = read_length(at, spec);
    spec->conversion = *at;
    if (*at == 0)
        return at;
    return *at == 'p' ? read_pointer(at + 1, &spec->pointer) : at + 1;
}

/* ---- all of it ----------------------------------------------------------- */

/* False: there is no such conversion. */
static bool convert(struct output *output, struct spec *spec, struct arguments *args)
{
    switch (spec->conversion) {
    case 'd':
    case 'i': put_signed(output, spec, args); return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o': put_number(output, spec, "", next_unsigned(args, spec->length));
              return true;
    case 'p': put_pointer(output, spec, args); return true;
    case '%': put(output, "%", 1); return true;
    default: break;
    }
    if (spec->length == LENGTH_LONG ||
        (spec->conversion != 's' && spec->conversion != 'c'))
        return pass_over(spec, args);
    if (spec->conversion == 's')
        put_string(output, spec, args);
    else
        put_char(output, spec, args);
    return true;
}

static size_t length_to_percent(const char *text)
{
    size_t length = 0;

    while (text[length] != 0 && text[length] != '%')
        length++;
    return length;
}

int format(struct format_sink *sink, const char *fmt, va_list list)
{
    struct output output = { sink, 0 };
    struct arguments args;

    va_copy(args.list, list);
    while (*fmt != 0) {
        size_t literal = length_to_percent(fmt);
        struct spec spec = { .length = LENGTH_INT };

        put(&output, fmt, literal);
        fmt += literal;
        spec.bare = literal >= 2 && fmt[-2] == '0' && fmt[-1] == 'x';
        if (*fmt == 0)
            break;

        const char *end = read_spec(fmt + 1, &args, &spec);

        if (!convert(&output, &spec, &args))
            put(&output, fmt, (size_t)(end - fmt));
        fmt = end;
    }
    va_end(args.list);
    return (int)output.count;
}
