/*
 * test_words.c - a line and the words of its commands, by table and at the limits.
 */
#include "tests/hosted/arena.h"

#include "kernel/shell/words.h"

#include <string.h>

/* All commands of a line: words joined by "|", commands by ";", a problem as "!". */
static const char *cut(const char *line)
{
    static char said[4096];

    said[0] = '\0';
    while (*line != '\0') {
        struct words words;
        const char *end = line + strlen(line), *next = words_take(line, &words);

        assert_true(next > line && next <= end);
        assert_null(words.word[words.count]);
        for (int i = 0; i < words.count && words.problem == NULL; i++) {
            strcat(said, i > 0 ? "|" : "");
            strcat(said, words.word[i]);
        }
        strcat(said, words.problem != NULL ? "!" : "");
        strcat(said, *next != '\0' ? ";" : "");
        line = next;
    }
    return said;
}

static const char *const lines[][2] = {
    { "", "" },
    { "   ", "" },
    { "check", "check" },
    { " kmalloc\t100  ", "kmalloc|100" },
    { "a 1;b 2", "a|1;b|2" },
    { "a;;b;", "a;;b" },
    { "a\nb\r\nc", "a;b;;c" },
    { "a # b; c", "a" },
    { "a#b # c\nd", "a#b;d" },
    { "a # b\r\nc # d\re", "a;;c;e" },
    { "a 'b c' \"d e\"", "a|b c|d e" },
    { "a'b'\"c\"d", "abcd" },
    { "'' \"\"", "|" },
    { "'a\\\"b' \"a\\\"b\" a\\\"b", "a\\\"b|a\"b|a\"b" },
    { "a\\ b a\\;b a\\#b \\#", "a b|a;b|a#b|#" },
    { "'a;b' \"c;d\"", "a;b|c;d" },
    { "a\\", "a\\" },
    { "a 'b; c", "!" },
    { "a \"b'; c", "!" },
    { "'a' 'b", "!" },
};

static void a_line_has_these_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_string_equal(cut(lines[i][0]), lines[i][1]);
}

static void the_33rd_word_is_refused_and_the_next_command_is_not(void **state)
{
    char line[256] = "", expected[256] = "";

    (void)state;
    for (int i = 0; i < MAX_WORDS; i++) {
        strcat(line, "w ");
        strcat(expected, i > 0 ? "|w" : "w");
    }
    assert_string_equal(cut(line), expected);
    strcat(line, "w; b");
    assert_string_equal(cut(line), "!;b");
}

static void of_511_characters_a_command_is_whole_and_of_512_refused(void **state)
{
    char line[MAX_TEXT + 4];

    (void)state;
    memset(line, 'x', sizeof(line));
    strcpy(line + MAX_TEXT - 1, "; b");
    assert_int_equal(strlen(cut(line)), strlen(line) - 1);
    memset(line, 'x', sizeof(line));
    strcpy(line + MAX_TEXT, "; b");
    assert_string_equal(cut(line), "!;b");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(a_line_has_these_words),
        ARENA_TEST(the_33rd_word_is_refused_and_the_next_command_is_not),
        ARENA_TEST(of_511_characters_a_command_is_whole_and_of_512_refused),
    };

    return ARENA_RUN(tests);
}
