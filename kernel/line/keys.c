/*
 * keys.c - from the bytes that a terminal sends to the keys that were pressed.
 *
 *     plain --ESC--> escape --[--> CSI --digits ; -->  A       Up
 *       ^              |            |                 3 ~     Delete
 *       |              |            +-- M --> three characters: a mouse
 *       |              |            +-- [ --> one: a function key of Linux
 *       |              +---O--> SS3 ---------------->  H       Home
 *       |              +---]--> string ------------->  BEL, ESC \, 9c: an answer
 *       |              +---b------------------------> Alt-b   word left
 *       +-- the byte that ends it, or any control character --+
 *
 * Rules:
 *   - a control character inside a sequence ends it, and counts as itself: Ctrl-C
 *     and Enter are never swallowed; but BEL ends a string, and belongs to it;
 *   - what is in no table is noise and gives KEY_NONE, whole;
 *   - each ESC-and-letter may come as one byte from 80 to 9f, where that is no part of
 *     an UTF-8 character (utf8.c);
 *   - of a paste only text and line ends are keys, and Tab is a blank: nothing that
 *     is pasted edits, completes or searches.
 *
 * Sequences: ECMA-48, 5.4 and 5.6; the final bytes: xterm's ctlseqs, console_codes(4) of
 * Linux, rxvt's reference, and what PuTTY sends.
 */
#include "kernel/line/keys.h"

#include "kernel/line/utf8.h"
#include "kernel/string.h"

struct meaning {
    unsigned param;             /* of ~, the first number */
    char last;
    int key;
};

static const struct meaning csi[] = {
    { 0, 'A', KEY_UP }, { 0, 'B', KEY_DOWN }, { 0, 'C', KEY_RIGHT },
    { 0, 'D', KEY_LEFT }, { 0, 'H', KEY_HOME }, { 0, 'F', KEY_END },
    { 0, 'a', KEY_UP }, { 0, 'b', KEY_DOWN }, { 0, 'c', KEY_RIGHT },
    { 0, 'd', KEY_LEFT }, { 0, 'w', KEY_END },
    { 1, '~', KEY_HOME }, { 7, '~', KEY_HOME }, { 4, '~', KEY_END },
    { 8, '~', KEY_END }, { 3, '~', KEY_DELETE },
    { 200, '~', KEY_PASTE_BEGINS }, { 201, '~', KEY_PASTE_ENDS },
};

static const struct meaning alt[] = {
    { 0, 'b', KEY_WORD_LEFT }, { 0, 'f', KEY_WORD_RIGHT },
    { 0, 'd', KEY_WORD_DELETE },
};

static const struct meaning by_words[] = {
    { KEY_LEFT, '~', KEY_WORD_LEFT }, { KEY_RIGHT, '~', KEY_WORD_RIGHT },
    { KEY_DELETE, '~', KEY_WORD_DELETE },
};

enum { BEL = 7, ST = 0x9c, MOUSE_CHARACTERS = 3, ALT = 2, CTRL = 4, META = 8 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int look_up(const struct meaning *table, unsigned count, unsigned param,
                   uint32_t last)
{
    for (unsigned i = 0; i < count; i++)
        if ((uint8_t)table[i].last == last && (last != '~' || table[i].param == param))
            return table[i].key;
    return KEY_NONE;
}

/* ---- a sequence ends ------------------------------------------------------- */

/* xterm's number is one more than these bits; rxvt has other last bytes instead. */
static bool is_held_down(const struct keys *keys, uint32_t last)
{
    unsigned modifier = keys->param[1];

    if (keys->params == 0 && last >= 'A' && last <= 'D')
        modifier = keys->param[0];              /* ESC [ 5 D */
    return keys->meta || last == '^' || last == '@' ||
           (keys->state == KEYS_SS3 && last >= 'a' && last <= 'd') ||
           (modifier > 0 && ((modifier - 1) & (ALT | CTRL | META)) != 0);
}

/* Held with Alt or Ctrl an arrow moves by words, and Delete takes one. */
static int last_byte(struct keys *keys, uint32_t last)
{
    bool by_word = is_held_down(keys, last);

    keys->state = KEYS_PLAIN;
    if (keys->is_private)
        return KEY_NONE;
    if (last == 'R')
        return keys->params == 1 ? KEY_REPORT : KEY_NONE;
    if (last == '^' || last == '@' || last == '$')
        last = '~';

    int key = look_up(csi, COUNT(csi), keys->param[0], last);
    int word = look_up(by_words, COUNT(by_words), (unsigned)key, '~');

    return by_word && word != KEY_NONE ? word : key;
}

/* ---- and its other bytes ---------------------------------------------------- */

static int begin(struct keys *keys, enum keys_state state)
{
    keys->state = state;
    keys->params = keys->param[0] = keys->param[1] = 0;
    keys->is_private = keys->is_detail = false;
    return KEY_NONE;
}

static bool is_empty(const struct keys *keys)
{
    return keys->params == 0 && keys->param[0] == 0 && !keys->is_private;
}

/* More than two numbers, or huge ones, are noise, and so is what stands behind ":". */
static void take_param(struct keys *keys, uint32_t byte)
{
    if (byte == ';') {
        keys->params++;
        keys->is_detail = false;
    } else if (byte == ':') {
        keys->is_detail = true;
    } else if (byte < '0' || byte > '9') {
        keys->is_private = true;
    } else if (keys->params < 2 && !keys->is_detail) {
        unsigned *param = &keys->param[keys->params];

        *param = *param < 10000 ? *param * 10 + byte - '0' : *param;
    }
}

static int escape_byte(struct keys *keys, uint32_t byte)
{
    switch (byte) {
    case '[': return begin(keys, KEYS_CSI);
    case 'O': return begin(keys, KEYS_SS3);
    case 'P': case 'X': case ']': case '^': case '_': return begin(keys, KEYS_STRING);
    }
    keys->state = KEYS_PLAIN;
    return look_up(alt, COUNT(alt), 0, byte);
}

static int csi_byte(struct keys *keys, uint32_t byte)
{
    bool rxvt_shift = byte == '$' && keys->params == 0 && !is_empty(keys);

    if (byte == '[' && is_empty(keys))
        return begin(keys, KEYS_ONE);
    if (byte == 'M' && is_empty(keys)) {
        keys->mouse = MOUSE_CHARACTERS;
        keys->state = KEYS_MOUSE;
        return KEY_NONE;
    }
    if (byte >= '@' || (rxvt_shift && !keys->is_private))
        return last_byte(keys, byte);
    take_param(keys, byte);
    return KEY_NONE;
}

/* What a character means inside a sequence; it is no control character. */
static int sequence_byte(struct keys *keys, uint32_t byte)
{
    switch (keys->state) {
    case KEYS_STRING:
        return KEY_NONE;
    case KEYS_STRING_ESCAPE:
        keys->state = KEYS_ESCAPE;      /* ESC \ is noise; else another one begins */
        return escape_byte(keys, byte);
    case KEYS_ESCAPE:
        return escape_byte(keys, byte);
    case KEYS_CSI:
        return csi_byte(keys, byte);
    case KEYS_SS3:
        if (byte >= '@')
            return last_byte(keys, byte);
        take_param(keys, byte);
        return KEY_NONE;
    default:
        keys->state = KEYS_PLAIN;
        return KEY_NONE;
    }
}

/* ---- control characters ------------------------------------------------------ */

static bool in_string(const struct keys *keys)
{
    return keys->state == KEYS_STRING || keys->state == KEYS_STRING_ESCAPE;
}

static int escape(struct keys *keys)
{
    keys->meta = keys->state == KEYS_ESCAPE;
    keys->state = in_string(keys) ? KEYS_STRING_ESCAPE : KEYS_ESCAPE;
    return KEY_NONE;
}

static int control(struct keys *keys, uint32_t byte)
{
    bool is_alt = keys->state == KEYS_ESCAPE, was_string = in_string(keys);

    keys->state = KEYS_PLAIN;
    if (was_string && byte == BEL)
        return KEY_NONE;
    if (is_alt && (byte == KEY_BACKSPACE || byte == '\b'))
        return KEY_WORD_ERASE;
    return (int)byte;
}

/* A control of 8 bits; in a string only its end is one. */
static int high_control(struct keys *keys, uint32_t byte)
{
    bool plain = keys->state == KEYS_PLAIN;

    if (in_string(keys) && byte != ST)
        return KEY_NONE;
    keys->state = KEYS_PLAIN;
    keys->meta = false;
    if (strchr("[OPX]^_\\", (int)(byte - 0x40)) != NULL)
        return escape_byte(keys, byte - 0x40);
    return plain ? KEY_CHARACTER : KEY_NONE;
}

static int character(struct keys *keys, uint32_t code)
{
    if (code == KEY_ESCAPE)
        return escape(keys);
    if (keys->state == KEYS_MOUSE && code >= ' ') {
        if (--keys->mouse == 0)
            keys->state = KEYS_PLAIN;
        return KEY_NONE;
    }
    if (code < ' ' || code == KEY_BACKSPACE)
        return control(keys, code);
    if (code >= 0x80 && code < 0xa0)
        return high_control(keys, code);
    if (keys->state != KEYS_PLAIN)
        return sequence_byte(keys, code);
    return code < 0x80 ? (int)code : KEY_CHARACTER;
}

/* ---- from outside ------------------------------------------------------------- */

static int pasted_key(int key)
{
    if (key == KEY_TAB)
        return ' ';
    if ((key >= ' ' && key <= '~') || key == KEY_CR || key == KEY_LF ||
        key == KEY_CHARACTER)
        return key;
    return KEY_NONE;
}

/* What is no character counts as one in a sequence. */
static void take_stray(struct keys *keys)
{
    if (keys->state == KEYS_MOUSE)
        character(keys, keys->stray);
    else if (!in_string(keys))
        keys->state = KEYS_PLAIN;
    keys->stray = 0;
}

int keys_byte(struct keys *keys, uint8_t byte)
{
    bool ends_crlf = byte == KEY_LF && keys->after_cr;
    bool complete = utf8_byte(keys, byte);

    keys->after_cr = byte == KEY_CR;
    if (keys->stray != 0 && keys->state != KEYS_PLAIN)
        take_stray(keys);

    int key = complete ? character(keys, keys->code) : KEY_NONE;

    if (key == KEY_PASTE_BEGINS)
        keys->pasting = true;
    if (key == KEY_PASTE_ENDS || key == KEY_CTRL_C)
        keys->pasting = false;
    if (ends_crlf)
        return KEY_NONE;
    return keys->pasting ? pasted_key(key) : key;
}

void keys_give_up(struct keys *keys)
{
    keys->state = KEYS_PLAIN;
    keys->more = 0;
}
