/*
 * keys.c - from the bytes that a terminal sends to the keys that were pressed.
 *
 *     plain --ESC--> escape --[--> CSI --digits ; -->  A       Up
 *       ^              |                              3 ~     Delete
 *       |              +---O--> SS3 ---------------->  H       Home
 *       |              +---b------------------------> Alt-b   word left
 *       +-- the byte that ends it, or any control character --+
 *
 * Rules:
 *   - a control character inside a sequence ends it, and counts as itself: Ctrl-C
 *     is never swallowed;
 *   - what is in no table is noise and gives KEY_NONE, whole;
 *   - of a paste only text and line ends are keys, and Tab is a blank: nothing that
 *     is pasted edits, completes or searches.
 *
 * Sequences: ECMA-48, 5.4; the final bytes: xterm's ctlseqs.
 */
#include "kernel/line/keys.h"

struct meaning {
    unsigned param;             /* of ~, the first number */
    char last;
    int key;
};

static const struct meaning csi[] = {
    { 0, 'A', KEY_UP }, { 0, 'B', KEY_DOWN }, { 0, 'C', KEY_RIGHT },
    { 0, 'D', KEY_LEFT }, { 0, 'H', KEY_HOME }, { 0, 'F', KEY_END },
    { 0, 'R', KEY_REPORT },
    { 1, '~', KEY_HOME }, { 7, '~', KEY_HOME }, { 4, '~', KEY_END },
    { 8, '~', KEY_END }, { 3, '~', KEY_DELETE },
    { 200, '~', KEY_PASTE_BEGINS }, { 201, '~', KEY_PASTE_ENDS },
};

static const struct meaning alt[] = {
    { 0, 'b', KEY_WORD_LEFT }, { 0, 'f', KEY_WORD_RIGHT },
    { 0, 'd', KEY_WORD_DELETE },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int look_up(const struct meaning *table, unsigned count, unsigned param,
                   uint8_t last)
{
    for (unsigned i = 0; i < count; i++)
        if (table[i].last == last && (last != '~' || table[i].param == param))
            return table[i].key;
    return KEY_NONE;
}

/* Held with Alt (3) or Ctrl (5) an arrow moves by words. */
static int csi_key(const struct keys *keys, uint8_t last)
{
    int key = look_up(csi, COUNT(csi), keys->param[0], last);

    if (keys->param[1] == 3 || keys->param[1] == 5) {
        if (key == KEY_RIGHT)
            return KEY_WORD_RIGHT;
        if (key == KEY_LEFT)
            return KEY_WORD_LEFT;
    }
    return key;
}

/* A parameter or intermediate byte; more than two numbers, or huge ones, are noise. */
static void take_param(struct keys *keys, uint8_t byte)
{
    if (byte == ';') {
        keys->params++;
    } else if (byte >= '0' && byte <= '9' && keys->params < 2) {
        unsigned *param = &keys->param[keys->params];

        *param = *param < 10000 ? *param * 10 + byte - '0' : *param;
    }
}

/* What a byte means inside a sequence; it is no control character. */
static int sequence_byte(struct keys *keys, uint8_t byte)
{
    if (keys->state == KEYS_CSI && byte < '@') {
        take_param(keys, byte);
        return KEY_NONE;
    }
    if (keys->state == KEYS_ESCAPE && (byte == '[' || byte == 'O')) {
        keys->state = byte == '[' ? KEYS_CSI : KEYS_SS3;
        keys->params = keys->param[0] = keys->param[1] = 0;
        return KEY_NONE;
    }

    bool is_alt = keys->state == KEYS_ESCAPE;

    keys->state = KEYS_PLAIN;
    return is_alt ? look_up(alt, COUNT(alt), 0, byte) : csi_key(keys, byte);
}

static int any_byte(struct keys *keys, uint8_t byte)
{
    bool is_alt = keys->state == KEYS_ESCAPE;

    if (byte == KEY_ESCAPE) {
        keys->state = KEYS_ESCAPE;
        return KEY_NONE;
    }
    if (byte >= ' ' && byte != KEY_BACKSPACE && keys->state != KEYS_PLAIN)
        return sequence_byte(keys, byte);
    keys->state = KEYS_PLAIN;
    if (is_alt && (byte == KEY_BACKSPACE || byte == '\b'))
        return KEY_WORD_ERASE;
    return byte < 128 ? byte : KEY_NONE;
}

static int pasted_key(int key)
{
    if (key == KEY_TAB)
        return ' ';
    if ((key >= ' ' && key <= '~') || key == KEY_CR || key == KEY_LF)
        return key;
    return KEY_NONE;
}

int keys_byte(struct keys *keys, uint8_t byte)
{
    bool ends_crlf = byte == KEY_LF && keys->after_cr;

    keys->after_cr = byte == KEY_CR;

    int key = any_byte(keys, byte);

    if (key == KEY_PASTE_BEGINS)
        keys->pasting = true;
    if (key == KEY_PASTE_ENDS || key == KEY_CTRL_C)
        keys->pasting = false;
    if (ends_crlf)
        return KEY_NONE;
    return keys->pasting ? pasted_key(key) : key;
}
