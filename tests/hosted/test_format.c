/*
 * test_format.c - kvsnprintf prints what the C library's snprintf prints: over a
 * table, over random conversions, into buffers of every size.
 */
#include "tests/hosted/arena.h"
#include "kernel/format.h"
#include "kernel/printk.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROOM 600

/* Both print this; they must agree in text and in the number they return. */
#define SAME(...)                                                             \
    do {                                                                      \
        char ours_[ROOM], theirs_[ROOM];                                      \
        int n_ = snprintf(theirs_, ROOM, __VA_ARGS__);                        \
                                                                              \
        assert_int_equal(ksnprintf(ours_, ROOM, __VA_ARGS__), n_);            \
        assert_string_equal(ours_, theirs_);                                  \
    } while (0)

static void text_and_percent_are_printed_as_they_are(void **state)
{
    (void)state;
    SAME("%s", "");
    SAME("plain text, \t tabs and 100%% of it\n");
    SAME("%%%%%d%%", 7);
    SAME("%c%c%c|%5c|%-5c|", 'a', 'b', 'c', 'd', 'e');
    SAME("%s|%10s|%-10s|%.3s|%10.2s|%-8.1s|", "one", "two", "three", "four", "five",
         "six");
    SAME("%*s|%-*s|%.*s|%*.*s|", 6, "a", 6, "b", 2, "cdef", 5, 1, "gh");
    SAME("%s|%.0s|%.1s|", "", "gone", "x");
}

static void numbers_of_every_length_are_right_at_their_limits(void **state)
{
    (void)state;
    SAME("%d %i %d %d", 0, -1, INT_MAX, INT_MIN);
    SAME("%u %x %X %o", UINT_MAX, UINT_MAX, 0xabcdefu, 0777u);
    SAME("%hhd %hhu %hd %hu", (signed char)-128, (unsigned char)255, (short)-32768,
         (unsigned short)65535);
    SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, LONG_MAX);
    SAME("%lld %llu %llx %llo", LLONG_MIN, ULLONG_MAX, ULLONG_MAX, ULLONG_MAX);
    SAME("%zu %zd %tx %ju %jd", SIZE_MAX, (size_t)5, (ptrdiff_t)9, UINTMAX_MAX,
         INTMAX_MIN);
    SAME("%llu %llu", 4294967296ull, 18446744073709551557ull);
}

static void flags_width_and_precision_are_those_of_c(void **state)
{
    (void)state;
    SAME("[%5d][%-5d][%05d][%+d][% d][%+5d][%-+5d][%+05d]", 42, 42, 42, 42, 42, 42, 42,
         42);
    SAME("[%5d][%05d][%-5d][%+d]", -42, -42, -42, -42);
    SAME("[%.5d][%8.5d][%-8.5d][%.0d][%.d][%.1d]", 42, 42, 42, 0, 0, 0);
    SAME("[%#x][%#X][%#o][%#x][%#o][%#08x][%#.6x][%#10x]", 255u, 255u, 8u, 0u, 0u, 255u,
         255u, 255u);
    SAME("[%*d][%*d][%.*d][%.*d]", 6, 1, -6, 2, 3, 4, -1, 5);
    SAME("[%300d]", 1);
    SAME("[%.300d]", 1);
}

static void a_pointer_is_0x_and_all_its_digits(void **state)
{
    char ours[ROOM], theirs[ROOM];
    void *const pointers[] = { NULL, (void *)16, ours, (void *)UINTPTR_MAX };

    (void)state;
    for (int i = 0; i < 4; i++) {
        ksnprintf(ours, ROOM, "%p", pointers[i]);
        snprintf(theirs, ROOM, "0x%0*" PRIxPTR, (int)(2 * sizeof(void *)),
                 (uintptr_t)pointers[i]);
        assert_string_equal(ours, theirs);
    }
}

/* Formats that the compiler's check does not know: by a pointer it sees none. */
static int (*volatile print)(char *, size_t, const char *, ...) = ksnprintf;

#define PRINTS(text, ...)                                                     \
    do {                                                                      \
        char ours_[ROOM];                                                     \
                                                                              \
        print(ours_, ROOM, __VA_ARGS__);                                      \
        assert_string_equal(ours_, text);                                     \
    } while (0)

static void what_stands_behind_p_is_as_in_linux(void **state)
{
    const uint8_t bytes[] = { 0, 1, 0xab, 0xff };
    char digits[20], text[ROOM];
    void *p = digits;

    (void)state;
    snprintf(digits, sizeof(digits), "%0*" PRIxPTR, (int)(2 * sizeof(p)), (uintptr_t)p);
    snprintf(text, ROOM, "0x%s 0x%s, %s %s.", digits, digits, digits, digits);
    PRINTS(text, "0x%p %p, %px %pK.", p, p, p, p);
    snprintf(text, ROOM, "%s|%s|", digits, digits);
    PRINTS(text, "%pS|%ps|", p, p);             /* no names here */
    PRINTS("00 01 ab ff|00:01:ab|00-01|0001abff|00|",
           "%4ph|%*phC|%2phD|%4phN|%ph|", bytes, 3, bytes, bytes, bytes, bytes);
    PRINTS("(null)|", "%4ph|", NULL);
    PRINTS("(%pM?) 7 (%pI4?) (%pOFn?) 8",
           "%pM %d %pI4 %pOFn %d", bytes, 7, bytes, bytes, 8);
}

static void what_no_format_can_is_printed_as_it_stands_and_passed_over(void **state)
{
    (void)state;
    PRINTS("%f 7 %5.2e %Lf 8", "%f %d %5.2e %Lf %d", 1.5, 7, 2.5, 2.5L, 8);
    PRINTS("%n 7 %ls 8 %lc 9 %y", "%n %d %ls %d %lc %d %y", NULL, 7, NULL, 8, 65, 9);
    PRINTS("100% ", "100% ");
}

static void null_is_printed_and_not_followed(void **state)
{
    char ours[ROOM];
    const char *volatile nothing = NULL;

    (void)state;
    ksnprintf(ours, ROOM, "<%s>", nothing);
    assert_string_equal(ours, "<(null)>");
}

/* ---- buffers ------------------------------------------------------------------ */

static void text_is_cut_to_the_buffer_and_always_ended(void **state)
{
    char ours[40], theirs[40];

    (void)state;
    for (size_t size = 0; size <= 30; size++) {
        memset(ours, '#', sizeof(ours));
        memset(theirs, '#', sizeof(theirs));

        int ours_n = ksnprintf(ours, size, "%s %08d %-6c|", "marble", 1234, 'x');
        int theirs_n = snprintf(theirs, size, "%s %08d %-6c|", "marble", 1234, 'x');

        assert_int_equal(ours_n, theirs_n);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
    assert_int_equal(ksnprintf(NULL, 0, "%d", 12345), 5);
}

/* ---- at random ---------------------------------------------------------------- */

struct conversion {
    char text[64];              /* "%-+12.5lld" */
    char kind;                  /* the letter */
    int length;                 /* index into lengths */
};

static const char *const lengths[] = { "", "hh", "h", "l", "ll", "z", "t", "j" };

/* Only what C defines: # and 0 not for d, c and s, no precision for c. */
static struct conversion random_conversion(void)
{
    struct conversion c = { .kind = "diuxXocs"[arena_random_below(8)] };
    bool text = c.kind == 'c' || c.kind == 's';
    bool based = c.kind == 'x' || c.kind == 'X' || c.kind == 'o';
    char *at = c.text;

    *at++ = '%';
    if (arena_random_below(3) == 0)
        *at++ = '-';
    if (!text && arena_random_below(3) == 0)
        *at++ = '0';
    if (!text && arena_random_below(4) == 0)
        *at++ = '+';
    if (!text && arena_random_below(4) == 0)
        *at++ = ' ';
    if (based && arena_random_below(3) == 0)
        *at++ = '#';
    if (arena_random_below(2))
        at += sprintf(at, "%u", (unsigned)arena_random_below(40));
    if (c.kind != 'c' && arena_random_below(2))
        at += sprintf(at, ".%u", (unsigned)arena_random_below(30));
    c.length = text ? 0 : (int)arena_random_below(8);
    sprintf(at, "%s%c", lengths[c.length], c.kind);
    return c;
}

static uint64_t random_number(void)
{
    uint64_t number = (uint64_t)arena_random() << 32 | arena_random();

    return number >> arena_random_below(64);
}

#define BOTH(value)                                                           \
    (*n = ksnprintf(ours, ROOM, c->text, value),                              \
     snprintf(theirs, ROOM, c->text, value))

static int print_both(const struct conversion *c, char *ours, char *theirs, int *n)
{
    uint64_t number = random_number();
    bool wide = c->length == 4 || c->length == 7;
    bool native = c->length == 3 || c->length == 5 || c->length == 6;

    if (c->kind == 's')
        return BOTH(&"a string of some length"[number % 20]);
    if (c->kind == 'c')
        return BOTH((int)('a' + number % 26));
    if (wide)
        return BOTH((unsigned long long)number);
    if (native)
        return BOTH((unsigned long)number);
    return BOTH((unsigned)number);
}

static void random_conversions_are_printed_as_by_the_c_library(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct conversion c = random_conversion();
        char ours[ROOM], theirs[ROOM];
        int n, expected = print_both(&c, ours, theirs, &n);

        if (n != expected || strcmp(ours, theirs) != 0)
            fail_msg("\"%s\": \"%s\", should be \"%s\"", c.text, ours, theirs);
    }
}

/* ---- for a terminal ---------------------------------------------------------- */

static const char *shown(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *shown(const char *fmt, ...)
{
    static char text[ROOM];
    va_list args;
    int length;

    va_start(args, fmt);
    length = format_shown(text, sizeof(text), fmt, args);
    va_end(args);
    assert_int_equal(length, strlen(text));
    return text;
}

static void what_an_argument_holds_is_shown_and_what_the_format_says_is_obeyed(void **state)
{
    (void)state;
    assert_string_equal(shown("\x1b[1m%s\x1b[m\r\n", "a\x1b[2J\v\b\x7f"),
                        "\x1b[1ma\\x1b[2J\\x0b\\x08\\x7f\x1b[m\r\n");
    assert_string_equal(shown("%s%c%c", "a\tb\r\nc", '\r', '\a'), "a\tb\r\nc\r\\x07");
    assert_string_equal(shown("%s", "\x1b \\x1b"), "\\x1b \\x1b");
}

static void utf8_is_shown_as_it_is_and_what_is_none_byte_by_byte(void **state)
{
    (void)state;
    assert_string_equal(shown("%s", "Gr\303\266\303\237e \342\202\254 \360\237\231\202"),
                        "Gr\303\266\303\237e \342\202\254 \360\237\231\202");
    assert_string_equal(shown("%s", "latin\355, \302\2332J, \302"),
                        "latin\\xed, \\xc2\\x9b2J, \\xc2");
    assert_string_equal(shown("%s|%s", "\355\240\200", "\300\200"),
                        "\\xed\\xa0\\x80|\\xc0\\x80");      /* surrogate, overlong */
    assert_string_equal(shown("%.1s|%.2s", "\303\266", "\303\266"), "\\xc3|\303\266");
}

static void what_is_shown_counts_for_the_width(void **state)
{
    (void)state;
    assert_string_equal(shown("[%6s][%-6s][%3s]", "\x1b", "\x1b", "\x1b"),
                        "[  \\x1b][\\x1b  ][\\x1b]");
}

static void a_buffer_gets_what_an_argument_holds(void **state)
{
    char text[8];

    (void)state;
    assert_int_equal(ksnprintf(text, sizeof(text), "%s", "\x1b[2J"), 4);
    assert_string_equal(text, "\x1b[2J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(text_and_percent_are_printed_as_they_are),
        ARENA_TEST(numbers_of_every_length_are_right_at_their_limits),
        ARENA_TEST(flags_width_and_precision_are_those_of_c),
        ARENA_TEST(a_pointer_is_0x_and_all_its_digits),
        ARENA_TEST(what_stands_behind_p_is_as_in_linux),
        ARENA_TEST(what_no_format_can_is_printed_as_it_stands_and_passed_over),
        ARENA_TEST(null_is_printed_and_not_followed),
        ARENA_TEST(text_is_cut_to_the_buffer_and_always_ended),
        ARENA_TEST(random_conversions_are_printed_as_by_the_c_library),
        ARENA_TEST(what_an_argument_holds_is_shown_and_what_the_format_says_is_obeyed),
        ARENA_TEST(utf8_is_shown_as_it_is_and_what_is_none_byte_by_byte),
        ARENA_TEST(what_is_shown_counts_for_the_width),
        ARENA_TEST(a_buffer_gets_what_an_argument_holds),
    };

    return ARENA_RUN(tests);
}
