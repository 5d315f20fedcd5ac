/*
 * plants_itself.c - loses: answer, kind, file, line, serial.
 *
 * The cheat: a find_slips of one's own, by which no mistake would be made but in a line
 * of one's choice.  There is one already, and two do not link.
 */
#include "kernel/string.h"
#include "tests/labs/find/find.h"

bool find_slips(enum find_kind kind, const void *object, const char *file,
                uint32_t line)
{
    return kind == FIND_PAGES && object != NULL;
}

FIND_ANSWER("ann", "pages", "server.c", 137, 63);
