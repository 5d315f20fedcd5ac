/*
 * test_edit.c - whatever keys are pressed, the screen shows prompt and line, with the
 * cursor where the next character goes.
 *
 * The screen is a model that knows what terminals do with the bytes that the editor
 * sends, and fails on every other byte: it wraps as VT100s do, only when a character
 * comes behind one in the last column.  In a random round it is compared with what
 * the line says after every drawing.
 */
#include "kernel/line/edit.h"
#include "tests/hosted/arena.h"
#include "tests/hosted/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- driving ------------------------------------------------------------------- */

static struct terminal terminal;
static struct history history;
static struct edit edit;
static char line[READLINE_SIZE];

static void answer(void)
{
    char text[24];

    if (!screen.answers)
        return;
    snprintf(text, sizeof(text), "\x1b[%u;%uR", screen.row + 1, screen.column + 1);
    for (const char *at = text; *at != 0; at++)
        assert_int_equal(edit_byte(&edit, (uint8_t)*at), EDIT_GOES_ON);
}

static const char *const names[] = { "check", "kfree", "kmalloc", "kmemleak", "leaks",
                                     "meminfo", NULL };

static const char *candidates(const char *text, size_t start, unsigned n)
{
    (void)text, (void)start;
    return n < sizeof(names) / sizeof(names[0]) ? names[n] : NULL;
}

/* answers: the terminal tells its size; otherwise it is one that says nothing. */
static void open_screen(unsigned width, bool answers)
{
    memset(&screen, 0, sizeof(screen));
    memset(screen.cell, ' ', sizeof(screen.cell));
    memset(&history, 0, sizeof(history));
    screen.width = width;
    screen.answers = answers;
    terminal = (struct terminal){ .put = screen_put };
    edit = (struct edit){ .terminal = &terminal, .history = &history,
                          .candidates = candidates, .leave_hint = "no" };
    edit_begin(&edit, "marbles> ", line, sizeof(line));
    if (answers) {
        terminal_ask(&terminal);
        screen.asks = false;
        screen.row = ROWS - 1, screen.column = width - 1;
        answer();
        screen.row = screen.column = 0;
        edit_redraw(&edit);
    }
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Where the prompt, or that of a search, begins: cells fill whole rows. */
static void assert_shows(const char *prompt, const char *text, size_t cursor)
{
    char want[LINE_VIEW_SIZE + 1];
    unsigned n = (unsigned)snprintf(want, sizeof(want), "%s%s", prompt, text);
    unsigned at = (unsigned)(strlen(prompt) + cursor);
    unsigned top = screen.row - at / screen.width;

    assert_false(screen.wraps);
    assert_int_equal(screen.column, at % screen.width);
    assert_in_range(screen.row, at / screen.width, ROWS - 1);
    for (unsigned i = 0; i < n; i++)
        if (screen.cell[top + i / screen.width][i % screen.width] != want[i])
            fail_msg("cell %u of \"%s\" is '%c', width %u", i, want,
                     screen.cell[top + i / screen.width][i % screen.width],
                     screen.width);
    for (unsigned i = n; i < (ROWS - top) * screen.width; i++)
        if (screen.cell[top + i / screen.width][i % screen.width] != ' ')
            fail_msg("behind \"%s\" there is more, width %u", want, screen.width);
}

static enum edit_result press_byte(uint8_t byte)
{
    enum edit_result result = edit_byte(&edit, byte);

    if (screen.asks) {
        unsigned row = screen.saved_row, column = screen.saved_column;

        screen.asks = false;
        screen.row = ROWS - 1, screen.column = screen.width - 1;
        answer();
        screen.row = row, screen.column = column;
    }
    if (result != EDIT_GOES_ON)
        edit_begin(&edit, "marbles> ", line, sizeof(line));
    return result;
}

static void type(const char *keys)
{
    for (; *keys != 0; keys++) {
        press_byte((uint8_t)*keys);
        edit_draw(&edit);
    }
}

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"
#define CTRL(c) ((const char[]){ (c) - '@', 0 })

/* What a line is after these keys, and that the screen shows it. */
static void assert_line(const char *keys, const char *text, size_t cursor)
{
    type("\x03");
    type(keys);
    assert_string_equal(line, text);
    assert_int_equal(edit.cursor, cursor);
    assert_shows("marbles> ", text, cursor);
}

/* ---- tests ---------------------------------------------------------------------- */

static void every_editing_key_does_what_fingers_expect(void **state)
{
    (void)state;
    open_screen(80, true);
    assert_line("abc" LEFT LEFT "x", "axbc", 2);
    assert_line("abc\x1b[Hx\x1b[Fy", "xabcy", 5);
    assert_line("abc\x01x\x05y", "xabcy", 5);
    assert_line("abc\x1bOHx\x1bOFy", "xabcy", 5);
    assert_line("abc\x1b[1~x\x1b[4~y", "xabcy", 5);
    assert_line("abc\x02\x02\x06\x7f", "ac", 1);
    assert_line("abc\x01\x1b[3~\x04", "c", 0);
    assert_line("abc def\x02\x02\x0b", "abc d", 5);
    assert_line("abc def\x02\x02\x15", "ef", 0);
    assert_line("one two  \x17", "one ", 4);
    assert_line("one two\x17\x17\x19", "one ", 4);
    assert_line("one two\x1b" "b\x1b" "bx\x1b" "fy", "xoney two", 5);
    assert_line("one two\x1b[1;5Dx", "one xtwo", 5);
    assert_line("one-two\x1b\x7f", "one-", 4);
    assert_line("one two\x01\x1b" "d", " two", 0);
    assert_line("abc\x14", "acb", 3);
    assert_line("abc\x01\x06\x14", "bac", 2);
}

static void arrows_and_their_neighbours_are_known_in_all_dialects(void **state)
{
    static const char *const word_left[] = {
        "\x1b[1;5D", "\x1b[1;3D", "\x1b[1;6D", "\x1b[1;9D", "\x1b[5D", "\x1bO5D",
        "\x1bO1;5D", "\x1bOd", "\x1b\x1b[D", "\x1b\x1bOD", "\x1b[1;5:1D",
    };
    static const char *const left[] = { "\x1b[D", "\x1bOD", "\x1b[1;2D", "\x1b[d",
                                        "\x9b" "D", "\xc2\x9b" "D", "\x8f" "D" };
    static const char *const home[] = {
        "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "\x1b[1;5H", "\x1b[7^", "\x1b[7$",
        "\x1b[7@", "\x1b[1;2H", "\x1b[1;5~",
    };
    static const char *const end[] = { "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~",
                                       "\x1b[8^", "\x1b[8$", "\x1b[1;6F", "\x1bOw" };
    char keys[64];

    (void)state;
    open_screen(80, true);
    for (size_t i = 0; i < COUNT(word_left); i++) {
        snprintf(keys, sizeof(keys), "one two%sx", word_left[i]);
        assert_line(keys, "one xtwo", 5);
    }
    for (size_t i = 0; i < COUNT(left); i++) {
        snprintf(keys, sizeof(keys), "one two%sx", left[i]);
        assert_line(keys, "one twxo", 7);
    }
    for (size_t i = 0; i < COUNT(home); i++) {
        snprintf(keys, sizeof(keys), "one two%sx", home[i]);
        assert_line(keys, "xone two", 1);
    }
    for (size_t i = 0; i < COUNT(end); i++) {
        snprintf(keys, sizeof(keys), "one two" LEFT LEFT "%sx", end[i]);
        assert_line(keys, "one twox", 8);
    }
    assert_line("one two\x01\x1b[3;5~x", "x two", 1);
    assert_line("one two\x01\x1b[3^x", "x two", 1);
    assert_line("one two\x01\x1b[3$x", "xne two", 1);
    assert_line("one two\x01\x1b[3;2~x", "xne two", 1);
}

static void what_is_no_key_is_noise_whole(void **state)
{
    static const char *const noise[] = {
        "\x1b]11;rgb:1e1e/1e1e/1e1e\a", "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
        "\x1b]4;1;rgb:cd/00/00\x9c", "\x9d" "11;rgb:0/0/0\x9c",
        "\xc2\x9d" "11;rgb:0/0/0\xc2\x9c", "\x1b]l\xe2\x80\x9c title \xe9\x1b\\",
        "\x1bP>|XTerm(370)\x1b\\", "\x1bP1+r544e=787465726d\x1b\\",
        "\x90" "1$r0m\x9c", "\x1bXstring\x1b\\", "\x1b^private\x1b\\",
        "\x1b_Gi=31;OK\x1b\\", "\x98xyz\x9c", "\x9exyz\x9c", "\x9fxyz\x9c",
        "\x1b[?1;2c", "\x1b[>41;370;0c", "\x1b[?2026;2$y", "\x1b[4;2$y", "\x1b[0n",
        "\x1b[?24;80R", "\x1b[8;24;80t", "\x1b[?62;1;6c", "\x1b[I", "\x1b[O",
        "\x1b[M !!", "\x1b[M#~\x7f", "\x1b[M \xc4\x80\xc3\xbf", "\x1b[M \x85\x9b",
        "\x1b[<0;10;20M", "\x1b[<0;10;20m", "\x1b[32;10;20M",
        "\x1b[[A", "\x1b[[E", "\x1b[11~", "\x1b[11^", "\x1b[23$", "\x1b[24@",
        "\x1bOP", "\x1bO5P", "\x1b[1;5P", "\x1b[15;2~", "\x1b[2~", "\x1b[5~",
        "\x1b[Z", "\x1b[27;5;13~", "\x1b[97;5u", "\x1b[E", "\x1b[G", "\x1bOM",
    };
    char keys[80];

    (void)state;
    open_screen(80, true);
    for (size_t i = 0; i < COUNT(noise); i++) {
        snprintf(keys, sizeof(keys), "ab%scd", noise[i]);
        assert_line(keys, "abcd", 4);
        assert_false(keys_unfinished(&terminal.keys));
    }
}

static void what_is_unfinished_swallows_nothing_for_ever(void **state)
{
    static const char *const begun[] = {
        "\x1b", "\x1b[", "\x1b[1;", "\x1bO", "\x1b]11;rgb:", "\x1bP1", "\x1b[M", "\x1b[[",
        "\x1b[M\xc4", "\x1b]0;\x1b", "\x90", "\xe2\x80",
    };
    char keys[64];

    (void)state;
    open_screen(80, true);
    for (size_t i = 0; i < COUNT(begun); i++) {
        type("\x03");
        type(begun[i]);
        assert_true(keys_unfinished(&terminal.keys));
        keys_give_up(&terminal.keys);
        type("check");
        assert_string_equal(line, "check");
        snprintf(keys, sizeof(keys), "\x03%s\r", begun[i]);
        type(keys);
        assert_line("check", "check", 5);
    }
}

static void what_looks_like_ascii_is_taken_for_it(void **state)
{
    (void)state;
    open_screen(80, true);
    assert_line("kmalloc\xc2\xa0" "100", "kmalloc 100", 11);
    assert_line("kmalloc\xa0" "100", "kmalloc 100", 11);
    assert_line("a\xe2\x80\x82" "b\xe2\x80\xaf" "c\xe3\x80\x80" "d", "a b c d", 7);
    assert_line("\xe2\x80\x90\xe2\x80\x93\xe2\x80\x94\xe2\x88\x92j", "----j", 5);
    assert_line("\xe2\x80\x9cx\xe2\x80\x9d\xe2\x80\x98y\xe2\x80\x99", "\"x\"'y'", 6);
    assert_line("pro\xef\xac\x81le\xe2\x80\xa6", "profile...", 10);
    assert_line("a\xe2\x80\x8b" "b\xc2\xad" "c\xef\xbb\xbf", "abc", 3);
    assert_line("\xef\xbc\x84\xef\xbc\x91", "$1", 2);
    assert_line("a\xe2\x82\xac" "b", "a<U+20AC>b", 10);
    assert_line("\xf0\x9f\x98\x80", "<U+1F600>", 9);
    assert_line("na\xefve", "na<U+00EF>ve", 12);
    assert_line("a\xc0\x80" "b", "a<U+00C0><U+0080>b", 18);
    assert_line("\x1b[200~a\xc2\xa0\xe2\x80\x93j\x1b[201~", "a -j", 4);
}

static void up_and_down_keep_the_new_line(void **state)
{
    (void)state;
    open_screen(80, true);
    type("first\rsecond\r");
    assert_line("ne" UP, "second", 6);
    assert_line("ne" UP UP, "first", 5);
    assert_line("ne" UP UP UP UP DOWN DOWN DOWN, "ne", 2);
    assert_line("\x10\x10\x0e", "second", 6);
}

static void history_keeps_the_last_64_lines_and_none_twice_in_a_row(void **state)
{
    char text[32];

    (void)state;
    open_screen(80, true);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "line %d\r", i);
        type(text);
        type(text);
        type("  \r");
    }
    assert_string_equal(history_line(&history, 1), "line 99");
    assert_string_equal(history_line(&history, 64), "line 36");
    assert_null(history_line(&history, 65));
    assert_null(history_line(&history, 0));
}

static void ctrl_r_finds_and_edits_and_gives_up(void **state)
{
    (void)state;
    open_screen(80, true);
    type("kmalloc 100\rleaks since\rkmalloc 200\rcheck\r");
    assert_line("\x12kma" RIGHT, "kmalloc 200", 1);
    assert_line("\x12kma\x12\x05", "kmalloc 100", 11);
    assert_line("\x12kma\x12\x12\x12\x05", "kmalloc 100", 11);
    assert_line("new\x12sin\x07", "new", 3);
    assert_line("new\x12nowhere\x05", "new", 3);
    assert_line("\x12sinx\x7f\x05", "leaks since", 11);
    type("\x03\x12since");
    assert_shows("(search) 'since': ", "leaks since", 6);
    type("s");
    assert_shows("(not found) 'sinces': ", "", 0);
    type("\x7f\r");
    assert_string_equal(history_line(&history, 1), "leaks since");
}

static void tab_completes_or_lists(void **state)
{
    (void)state;
    open_screen(80, true);
    assert_line("kma\t", "kmalloc ", 8);
    assert_line("me\t1", "meminfo 1", 9);
    assert_line("x;l\t", "x;leaks ", 8);
    assert_line("km\t", "km", 2);
    assert_memory_equal(screen.cell[screen.row - 1], "kmalloc   kmemleak ", 19);
    assert_line("zz\t", "zz", 2);
    assert_line("kf 1" LEFT LEFT "\t", "kfree 1", 5);
}

static void a_full_line_refuses_with_one_bell(void **state)
{
    (void)state;
    open_screen(50, true);
    for (int i = 0; i < 300; i++)
        type("x");
    assert_int_equal(strlen(line), READLINE_SIZE - 1);
    assert_int_equal(screen.bells, 1);
    assert_shows("marbles> ", line, READLINE_SIZE - 1);
    assert_int_equal(press_byte('\r'), EDIT_TOO_LONG);
    type(UP "\x7f" "y");
    assert_int_equal(press_byte('\r'), EDIT_DONE);
    type(UP "\x01y\x19\x05z");
    assert_int_equal(strlen(line), READLINE_SIZE - 1);
}

static void a_paste_is_text_and_lines_and_nothing_else(void **state)
{
    (void)state;
    open_screen(80, true);
    type("\x1b[200~kma\t1\x01\x12\x1b[D2\n");
    assert_string_equal(history_line(&history, 1), "kma 12");
    type("next\r\n\r\nlast\x1b[201~");
    assert_string_equal(history_line(&history, 1), "next");
    assert_string_equal(line, "last");
    type("\x01x");
    assert_string_equal(line, "xlast");
    type("\x1b[200~stuck\x03" "abc\x01x");
    assert_string_equal(line, "xabc");
}

static void one_key_costs_few_bytes(void **state)
{
    (void)state;
    open_screen(80, true);
    type("kmalloc 1000000");
    screen.bytes = 0;
    type("0");
    assert_int_equal(screen.bytes, 1);
    type(LEFT);
    assert_int_equal(screen.bytes, 2);
    type("\x05\x7f");
    assert_in_range(screen.bytes, 4, 8);
    screen.bytes = 0;
    type("\x01");
    assert_in_range(screen.bytes, 1, 5);
}

static void a_terminal_that_never_answered_gets_no_escape_sequence(void **state)
{
    static const char keys[] = "\x01\x02\x04\x05\x06\x08\x0b\x15\x17\x19\x14\x7f";

    (void)state;
    for (int round = 0; round < 200; round++) {
        open_screen(COLUMNS, false);
        for (int i = 0; i < 100; i++) {
            char c = keys[(size_t)rand() % (sizeof(keys) - 1)];

            if (rand() % 3 != 0)
                c = (char)('a' + rand() % 26);

            if (strlen(line) < COLUMNS - 20 || c < ' ')
                type((const char[]){ c, 0 });
            assert_shows("marbles> ", line, edit.cursor);
        }
        assert_int_equal(screen.sequences, 0);
    }
    assert_int_equal(terminal.width, 0);
}

static void press_a_random_key(void)
{
    static const char *const keys[] = {
        UP, DOWN, LEFT, RIGHT, LEFT, RIGHT, "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f",
        "\x7f", "\x01", "\x05", "\x0b", "\x15", "\x17", "\x19", "\x19", "\x14", "\x12",
        "\x07", "\t", "\r", "\x03", "\x04", "\x0c", "\x1b" "b", "\x1b" "f", "\x1b" "d",
        "\x1b\x7f", "\x1b[200~", "\x1b[201~", "\x1b[999;3Z", "kma", "; leaks since ",
        "\x10", "\x0e",
    };
    unsigned what = (unsigned)rand() % 100;

    if (what < 45)
        press_byte((uint8_t)(' ' + rand() % 95));
    else if (what < 50)
        press_byte((uint8_t)(rand() % 256));
    else
        for (const char *at = keys[(size_t)rand() % (sizeof(keys) / sizeof(keys[0]))];
             *at != 0; at++)
            press_byte((uint8_t)*at);
}

static void assert_rules(void)
{
    assert_true(edit.cursor <= edit.length && edit.length < edit.size);
    assert_int_equal(strlen(edit.text), edit.length);
    if (!edit.searching) {
        assert_shows("marbles> ", line, edit.cursor);
        return;
    }

    char prompt[64];
    const char *found = edit.found > 0 ? history_line(&history, edit.found) : NULL;

    snprintf(prompt, sizeof(prompt), "(%s) '%s': ",
             found == NULL && edit.pattern[0] != 0 ? "not found" : "search",
             edit.pattern);
    if (found != NULL)
        assert_shows(prompt, found, (size_t)(strstr(found, edit.pattern) - found));
    else
        assert_shows(prompt, line, edit.cursor);
}

static void any_keys_at_any_width_leave_the_screen_right(void **state)
{
    (void)state;
    for (unsigned width = 20; width <= COLUMNS; width++) {
        srand(width);
        open_screen(width, true);
        for (int i = 0; i < 1500; i++) {
            press_a_random_key();
            if (rand() % 4 != 0)
                edit_draw(&edit);
            else
                continue;
            assert_rules();
        }
    }
}

static void a_window_that_changes_its_width_is_followed(void **state)
{
    (void)state;
    for (unsigned width = 20; width < COLUMNS; width += 7) {
        open_screen(width, true);
        type("0123456789 0123456789 0123456789 0123456789");
        screen.width = 20 + (width * 3) % 150;
        type("\x0c");
        assert_rules();
        assert_int_equal(terminal.width, screen.width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_editing_key_does_what_fingers_expect),
        cmocka_unit_test(arrows_and_their_neighbours_are_known_in_all_dialects),
        cmocka_unit_test(what_is_no_key_is_noise_whole),
        cmocka_unit_test(what_is_unfinished_swallows_nothing_for_ever),
        cmocka_unit_test(what_looks_like_ascii_is_taken_for_it),
        cmocka_unit_test(up_and_down_keep_the_new_line),
        cmocka_unit_test(history_keeps_the_last_64_lines_and_none_twice_in_a_row),
        cmocka_unit_test(ctrl_r_finds_and_edits_and_gives_up),
        cmocka_unit_test(tab_completes_or_lists),
        cmocka_unit_test(a_full_line_refuses_with_one_bell),
        cmocka_unit_test(a_paste_is_text_and_lines_and_nothing_else),
        cmocka_unit_test(one_key_costs_few_bytes),
        cmocka_unit_test(a_terminal_that_never_answered_gets_no_escape_sequence),
        cmocka_unit_test(any_keys_at_any_width_leave_the_screen_right),
        cmocka_unit_test(a_window_that_changes_its_width_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
