/*
 * test_wrap.c - rows of at most 80 columns, and every word of the text in them, in order.
 */
#include "tests/hosted/arena.h"

#include "kernel/wrap.h"

#include <stdio.h>
#include <string.h>

static char said[4096];
static size_t rows_said;

static void row(size_t column, const char *text, size_t length)
{
    char line[200];

    assert_true(column + length <= WRAP_WIDTH);
    snprintf(line, sizeof(line), "%*s%.*s\n", (int)column, "", (int)length, text);
    strcat(said, line);
    rows_said++;
}

static void wrap_it(const char *text, size_t hang)
{
    said[0] = '\0';
    rows_said = 0;
    wrap(text, strlen(text), hang, row);
}

static void what_fits_is_one_row(void **state)
{
    char text[82];

    (void)state;
    wrap_it("", 0);
    assert_string_equal(said, "\n");
    for (size_t length = 1; length <= 81; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        wrap_it(text, 0);
        assert_int_equal(rows_said, length > 80 ? 2 : 1);
    }
}

static void a_row_ends_at_the_last_blank_that_lets_it_fit(void **state)
{
    char text[200] = "  ", wanted[300];

    (void)state;
    memset(text + 2, 'a', 78);                  /* just fits */
    strcpy(text + 80, " bb cc");
    wrap_it(text, 0);
    snprintf(wanted, sizeof(wanted), "%.80s\n        bb cc\n", text);
    assert_string_equal(said, wanted);
    wrap_it(text, 20);
    snprintf(wanted, sizeof(wanted), "%.80s\n                    bb cc\n", text);
    assert_string_equal(said, wanted);
    text[40] = ' ';                             /* and one letter too many */
    text[80] = 'a';
    text[81] = ' ';
    wrap_it(text, 4);
    snprintf(wanted, sizeof(wanted), "%.40s\n    %s\n", text, text + 41);
    assert_string_equal(said, wanted);
}

/* Whatever the words are, none is lost. */
static void every_letter_comes_out_in_order(void **state)
{
    char text[400];

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        size_t length = 1 + arena_random_below(sizeof(text) - 1), at = 0;

        for (size_t i = 0; i < length; i++)
            text[i] = arena_random_below(1 + round % 120) ? (char)('a' + i % 26) : ' ';
        text[length] = '\0';
        wrap_it(text, round % 90);
        for (const char *c = said; *c; c++) {
            if (*c == ' ' || *c == '\n')
                continue;
            while (text[at] == ' ')
                at++;
            assert_int_equal(text[at++], *c);
        }
        while (text[at] == ' ')
            at++;
        assert_int_equal(text[at], '\0');
    }
}

static void a_long_word_is_broken_between_two_characters(void **state)
{
    char text[200] = "", expected[256] = "";

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(text, "\342\202\254");           /* 3 bytes each: 80 is inside one */
    strncat(expected, text, 78);
    strcat(expected, "\n      ");
    strcat(expected, text + 78);
    strcat(expected, "\n");
    wrap_it(text, 0);
    assert_string_equal(said, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(what_fits_is_one_row),
        ARENA_TEST(a_row_ends_at_the_last_blank_that_lets_it_fit),
        ARENA_TEST(every_letter_comes_out_in_order),
        ARENA_TEST(a_long_word_is_broken_between_two_characters),
    };

    return ARENA_RUN(tests);
}
