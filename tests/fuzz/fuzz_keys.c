/*
 * fuzz_keys.c - any bytes typed at the editor.
 *
 *   - the line is text: printable ASCII, ended with a 0, with the cursor inside;
 *   - to a terminal that never said its size goes no escape sequence before Ctrl-L, and
 *     to any other only those that the editor has;
 *   - a line that is done can be run, and fits where it is to go.
 *
 * That the screen shows the line is for tests/hosted/test_edit.c.  The first byte is the
 * terminal's width.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "kernel/line/edit.h"
#include "kernel/line/terminal.h"

enum { CTRL_L = 0x0c };

const char fuzz_name[] = "keys";
bool *const fuzz_trace = NULL;

static struct terminal terminal;
static struct history history;
static struct edit edit;
static char line[READLINE_SIZE];
static bool asked;

/* ---- what goes out ---------------------------------------------------------------- */

static size_t sequence_length(const char *at, size_t length)
{
    size_t n = 2;

    MUST(length >= 2 && (at[1] == '[' || at[1] == '7' || at[1] == '8'));
    if (at[1] != '[')
        return n;
    while (n < length && strchr("?;0123456789", at[n]) != NULL)
        n++;
    MUST(n < length && strchr("ABCDGHJKPmnhl@", at[n]) != NULL);
    return n + 1;
}

static void put(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; ) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == 0x1b) {
            MUST(terminal.width != 0 || asked);
            i += sequence_length(bytes + i, length - i);
        } else {
            MUST((c >= ' ' && c <= '~') || strchr("\n\r\b\a", c) != NULL);
            i++;
        }
    }
}

static const char *candidates(const char *text, size_t start, unsigned n)
{
    static const char *const names[] = { "check", "kfree", "kmalloc", "kmemleak" };

    MUST(start <= strlen(text));
    return n < 4 ? names[n] : NULL;
}

/* ---- typing ----------------------------------------------------------------------- */

static void must_be_sound(void)
{
    MUST(edit.length < sizeof(line) && edit.cursor <= edit.length);
    MUST(strlen(line) == edit.length);
    for (size_t i = 0; i < edit.length; i++)
        MUST(line[i] >= ' ' && line[i] <= '~');
}

static void press(uint8_t byte)
{
    asked |= byte == CTRL_L;

    enum edit_result result = edit_byte(&edit, byte);

    must_be_sound();
    if (result == EDIT_GOES_ON)
        edit_draw(&edit);
    else
        edit_begin(&edit, "marbles> ", line, sizeof(line));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    terminal = (struct terminal){ .put = put, .width = size > 0 ? bytes[0] : 0 };
    asked = false;
    terminal.height = terminal.width / 2;
    memset(&history, 0, sizeof(history));
    edit = (struct edit){ .terminal = &terminal, .history = &history,
                          .candidates = candidates, .leave_hint = "no" };
    edit_begin(&edit, "marbles> ", line, sizeof(line));
    for (size_t i = 1; i < size; i++)
        press(bytes[i]);
    return 0;
}
