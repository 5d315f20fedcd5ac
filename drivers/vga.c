/*
 * vga.c - text on a VGA screen, 80 columns by 25 rows.
 *
 *     0xb8000   | c a | c a | ...   a cell a character: its code, its colours
 *                 row 0: 80 cells, row 1 behind it ...
 *
 *     lines[top]      = row 0        scrolling moves `top` on by one and clears
 *     lines[top + 1]  = row 1        the line that is then the last row
 *     ...               (modulo 25)
 *
 * The screen's memory is many times slower than RAM, to write and to read.  So
 * what stands there is kept in RAM as well, and a scroll writes the cells that
 * change: a page of a listing is half blanks, and much of the rest is alike.
 *
 * Rules:
 *   - nothing is written anywhere unless the registers of a VGA answer and say
 *     that it shows text from 0xb8000: under UEFI there is no such thing, and at
 *     that address may be anything;
 *   - row r of the screen is lines[(top + r) % 25] up to its `used`, then blank;
 *   - a line goes on in the next row when a character comes behind its last
 *     column, not before: as terminals do.
 *
 * \b \t \n \r are obeyed, and what a line editor needs (ECMA-48):
 *
 *     ESC [ n A, B, C, D    up, down, right, left
 *     ESC [ r ; c H         to row r, column c, from 1
 *     ESC [ J, ESC [ 2 J    erase to the end of the screen; all of it
 *     ESC [ K               erase to the end of the row
 *     ESC 7, ESC 8          keep the place of the cursor; go back to it
 *
 * All other sequences and control characters are swallowed; so there are no
 * colours, and no bell.  No scrolling back.
 *
 * Registers: IBM Personal System/2 Hardware Technical Reference, "Video
 * Subsystem": general, CRT controller, graphics controller.
 */
#include "drivers/vga.h"

#include "drivers/io.h"

enum {
    MISC_OUTPUT = 0x3cc,                /* where it is read */
    MISC_COLOUR = 0x01,                 /* the CRT controller is at 0x3d4 */
    GRAPHICS = 0x3ce,                   /* an index; the value is at + 1 */
    GRAPHICS_MISC = 6,
    GRAPHICS_MISC_MASK = 0x0d,          /* memory, graphics */
    GRAPHICS_MISC_TEXT = 0x0c,          /* 32 KiB from 0xb8000, no graphics */
    CRTC = 0x3d4,                       /* an index; the value is at + 1 */
    CRTC_COLUMNS = 1,                   /* less 1 */
    CRTC_CURSOR_SHAPE = 0x0a,
    CRTC_START = 0x0c,                  /* two registers each, the high one first */
    CRTC_CURSOR = 0x0e,
};

enum { COLUMNS = 80, ROWS = 25, TAB = 8, ESCAPE = 27 };
enum { MAX_PARAMETERS = 3, MAX_VALUE = 1000 };
enum { GREY_ON_BLACK = 0x0700, BLANK = GREY_ON_BLACK | ' ' };
enum { CURSOR_FROM_LINE_13 = 13 };      /* of 16; as the BIOS has it */

static volatile uint16_t *const screen = (volatile uint16_t *)VGA_TEXT_START;

static struct line {
    unsigned used;                      /* cells; behind them all is blank */
    uint16_t cell[COLUMNS];
} lines[ROWS];

static bool found;                      /* a screen that shows text */
static bool in_use;
static unsigned top;                    /* the line that is row 0 */
static unsigned row, column;            /* of the next character; column <= COLUMNS */
static unsigned kept_row, kept_column;

static enum { PLAIN, AFTER_ESCAPE, IN_SEQUENCE } state;
static unsigned parameter[MAX_PARAMETERS], parameters;  /* the last takes the rest */
static bool foreign;                    /* this sequence is none of ours */

/* ---- the hardware ---------------------------------------------------------- */

static uint8_t get(uint16_t port, uint8_t index)
{
    outb(port, index);
    return inb((uint16_t)(port + 1));
}

static void set(uint16_t port, uint8_t index, unsigned value)
{
    outb(port, index);
    outb((uint16_t)(port + 1), (uint8_t)value);
}

/* Where nothing is, every register reads 0xff. */
static bool shows_text(void)
{
    uint8_t misc = inb(MISC_OUTPUT);

    return misc != 0xff && (misc & MISC_COLOUR) != 0 &&
           (get(GRAPHICS, GRAPHICS_MISC) & GRAPHICS_MISC_MASK) == GRAPHICS_MISC_TEXT &&
           get(CRTC, CRTC_COLUMNS) == COLUMNS - 1;
}

static void set_pair(uint8_t index, unsigned value)
{
    set(CRTC, index, value >> 8);
    set(CRTC, (uint8_t)(index + 1), value);
}

void vga_show_cursor(void)
{
    if (!in_use)
        return;
    set_pair(CRTC_CURSOR, row * COLUMNS + (column < COLUMNS ? column : COLUMNS - 1));
}

/* ---- lines ------------------------------------------------------------------- */

static struct line *line_at(unsigned at)
{
    return &lines[(top + at) % ROWS];
}

static uint16_t cell_of(const struct line *line, unsigned i)
{
    return i < line->used ? line->cell[i] : BLANK;
}

/* A row of the screen that shows one line shows another instead. */
static void change(unsigned at, const struct line *from, const struct line *to)
{
    unsigned end = from->used > to->used ? from->used : to->used;

    for (unsigned i = 0; i < end; i++)
        if (cell_of(from, i) != cell_of(to, i))
            screen[at * COLUMNS + i] = cell_of(to, i);
}

/* Each row shows what the one below it has shown. */
static void scroll(void)
{
    static const struct line blank;

    for (unsigned at = 0; at < ROWS - 1; at++)
        change(at, line_at(at), line_at(at + 1));
    change(ROWS - 1, line_at(ROWS - 1), &blank);
    line_at(0)->used = 0;
    top = (top + 1) % ROWS;
}

static void erase(unsigned at, unsigned from)
{
    struct line *line = line_at(at);

    for (unsigned i = from; i < line->used; i++)
        screen[at * COLUMNS + i] = BLANK;
    if (line->used > from)
        line->used = from;
}

static void erase_screen(unsigned from)
{
    for (unsigned at = from; at < ROWS; at++)
        erase(at, 0);
}

static void new_line(void)
{
    if (row == ROWS - 1)
        scroll();
    else
        row++;
}

static void put_cell(uint8_t byte)
{
    if (column == COLUMNS) {
        new_line();
        column = 0;
    }

    struct line *line = line_at(row);

    while (line->used <= column)        /* a tab may have left a gap */
        line->cell[line->used++] = BLANK;
    line->cell[column] = GREY_ON_BLACK | byte;
    screen[row * COLUMNS + column] = line->cell[column];
    column++;
}

/* ---- characters -------------------------------------------------------------- */

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

/* Behind the last column the cursor only waits: it is on it. */
static void move(unsigned to_row, unsigned to_column)
{
    row = at_most(to_row, ROWS - 1);
    column = at_most(to_column, COLUMNS - 1);
}

static void move_left(unsigned count)
{
    column = at_most(column, COLUMNS - 1);
    column -= at_most(count, column);
}

static void obey(uint8_t byte)
{
    switch (byte) {
    case '\b':   move_left(1);              break;
    case '\t':   move(row, (column / TAB + 1) * TAB);   break;
    case '\n':   new_line();                break;
    case '\r':   column = 0;                break;
    case ESCAPE: state = AFTER_ESCAPE;      break;
    }
}

/* ---- escape sequences -------------------------------------------------------- */

static void erase_from_here(void)
{
    move(row, column);
    erase(row, column);
    erase_screen(row + 1);
}

static void run_sequence(uint8_t last)
{
    unsigned first = parameter[0], second = parameter[1];
    unsigned count = first > 0 ? first : 1;

    switch (last) {
    case 'A': move(row - at_most(count, row), column);      break;
    case 'B': move(row + count, column);                    break;
    case 'C': move(row, at_most(column, COLUMNS - 1) + count);  break;
    case 'D': move_left(count);                             break;
    case 'H': move(count - 1, second > 0 ? second - 1 : 0); break;
    case 'J':
        if (first == 0)
            erase_from_here();
        if (first == 2)
            erase_screen(0);
        break;
    case 'K':
        move(row, column);
        if (first == 0)
            erase(row, column);
    }
}

static void begin_sequence(void)
{
    state = IN_SEQUENCE;
    foreign = false;
    parameters = 0;
    for (unsigned i = 0; i < MAX_PARAMETERS; i++)
        parameter[i] = 0;
}

/* The byte behind ESC. */
static void after_escape(uint8_t byte)
{
    state = PLAIN;
    if (byte == '[')
        begin_sequence();
    if (byte == '7') {
        kept_row = row;
        kept_column = column;
    }
    if (byte == '8')
        move(kept_row, kept_column);
}

/* A byte behind ESC [, up to and with the last one. */
static void in_sequence(uint8_t byte)
{
    unsigned *value = &parameter[parameters];

    if (byte >= '@') {
        state = PLAIN;
        if (!foreign)
            run_sequence(byte);
    } else if (byte >= '0' && byte <= '9') {
        *value = at_most(*value * 10 + byte - '0', MAX_VALUE);
    } else if (byte == ';') {
        parameters = at_most(parameters + 1, MAX_PARAMETERS - 1);
    } else {
        foreign = true;
    }
}

void vga_put(uint8_t byte)
{
    if (!in_use)
        return;
    if (byte < ' ')
        obey(byte);
    else if (state == AFTER_ESCAPE)
        after_escape(byte);
    else if (state == IN_SEQUENCE)
        in_sequence(byte);
    else
        put_cell(byte);
}

/* ---- starting ---------------------------------------------------------------- */

bool vga_init(void)
{
    found = shows_text();
    in_use = found;
    if (!found)
        return false;
    for (unsigned i = 0; i < ROWS * COLUMNS; i++)
        screen[i] = BLANK;
    set_pair(CRTC_START, 0);
    set(CRTC, CRTC_CURSOR_SHAPE, CURSOR_FROM_LINE_13);
    vga_show_cursor();
    return true;
}

void vga_use(bool on)
{
    in_use = on && found;
}
