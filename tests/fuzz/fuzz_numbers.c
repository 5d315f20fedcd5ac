/*
 * fuzz_numbers.c - the word of a command, as a number and as an address.
 *
 *   - a number is what strtoull makes of the same digits, with its unit;
 *   - an address is the base and the offset that stand in it, and nothing else;
 *   - what is refused is said in one line, and what is taken is not talked about.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "kernel/console.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/shell/hooks.h"
#include "kernel/symbols.h"
#include "tests/fuzz/said.h"

enum { LONGEST = 300 };

const char fuzz_name[] = "numbers";
bool *const fuzz_trace = NULL;

/* ---- what the shell asks -------------------------------------------------------- */

static const struct symbol symbols[] = {
    { .name = "alone", .start = 0x100000 }, { .name = "twin", .start = 0x200000 },
    { .name = "twin", .start = 0x300000 },
};

bool symbol_next(const char *name, struct symbol *found)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
        if (symbols[i].start > found->start && strcmp(symbols[i].name, name) == 0) {
            *found = symbols[i];
            return true;
        }
    return false;
}

static bool held(uint32_t number, uint32_t *address)
{
    *address = 0x400000 + number;
    return number <= 3;
}

static const struct shell_hooks hooks = { .held = held };
static const struct shell_command command = { .name = "try", .usage = "" };
const struct shell_hooks *shell_hooks = &hooks;
const struct shell_command *shell_running = &command;

int console_interrupted(void)
{
    return 0;
}

/* ---- what must come of it ------------------------------------------------------- */

/* False: it is none, or so large that it may be refused. */
static bool number_of(const char *text, uint64_t *value, bool *is_large)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    static const char units[] = "kmgKMG";
    char digits[LONGEST + 1];
    const char *end = hex ? text + 2 : text;
    size_t n = strspn(end, hex ? "0123456789abcdefABCDEF" : "0123456789");

    *is_large = false;
    memcpy(digits, end, n);
    digits[n] = 0;                      /* strtoull would take a second 0x as well */
    end += n;
    errno = 0;
    *value = strtoull(digits, NULL, hex ? 16 : 10);

    const char *unit = *end != 0 ? strchr(units, *end) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned)((unit - units) % 3 + 1) : 0;

    if (n == 0 || end[unit != NULL] != 0)
        return false;
    *is_large = errno == ERANGE || *value >> 59 != 0 || *value >> (63 - shift) != 0;
    *value <<= shift;
    return true;
}

static void try_number(const char *text)
{
    uint64_t value = 0, right = 0;
    bool is_large, taken = parse_size(text, &value);
    bool is_number = number_of(text, &right, &is_large);

    MUST(!taken || (is_number && value == right));
    MUST(taken || !is_number || is_large);

    uint32_t small = 77;

    said_forget();
    if (text[0] == '$')
        return;
    MUST(shell_number(text, "N", &small) == (taken && value <= UINT32_MAX));
    MUST(said_lines == !(taken && value <= UINT32_MAX));
    MUST(small == (said_lines == 0 ? value : 77));
    said_must_be_harmless();
}

static void try_address(const char *text)
{
    char longer[LONGEST + 8];
    uint32_t address = 77, moved = 77;

    said_forget();
    bool known = shell_address(text, "ADDRESS", &address);

    MUST(said_lines == !known);
    said_must_be_harmless();
    MUST(!known || strlen(text) < 128);
    if (!known || strpbrk(text, "+-/") != NULL || strlen(text) > 120)
        return;
    snprintf(longer, sizeof(longer), "%s+0x10", text);
    MUST(shell_address(longer, "ADDRESS", &moved) && moved == address + 16);
    snprintf(longer, sizeof(longer), "%s-1/0x4", text);
    MUST(shell_address(longer, "ADDRESS", &moved) && moved == address - 1);
}

static void try_usage(char *text)
{
    char name[] = "try";
    char *argv[] = { name, text, name, NULL };
    int argc = 3;
    bool was_there = shell_option(&argc, argv, "-j");

    MUST(was_there == (strcmp(text, "-j") == 0));
    MUST(argc == 3 - was_there && argv[argc] == NULL && argv[argc - 1] == name);
    said_forget();
    MUST(!shell_at_most(argc, argv, 1) && said_lines == 1);
    said_must_be_harmless();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char text[LONGEST + 1];

    if (size > LONGEST)
        size = LONGEST;
    memcpy(text, bytes, size);
    text[size] = 0;
    try_number(text);
    try_address(text);
    try_usage(text);
    return 0;
}
