/*
 * takes_nothing.c - loses: drop, clear, errors, fast.
 *
 * Names lie in a fixed array.  So nothing can leak, and nothing was learnt: these tests
 * ask how much was taken, or what must still be there.
 */
#include "kernel/shell.h"
#include "kernel/string.h"

enum { NAME_SIZE = 24, MOST = 10000 };

static char names[MOST][NAME_SIZE];
static uint32_t used;

static int add(const char *name)
{
    if (used == MOST)
        return SHELL_FAILED;
    strlcpy(names[used++], name, NAME_SIZE);
    return SHELL_OK;
}

static int drop(const char *name)
{
    uint32_t at = 0;

    while (at < used && strcmp(names[at], name) != 0)
        at++;
    if (at == used)
        return SHELL_FAILED;
    used--;
    memmove(names[at], names[at + 1], (used - at) * NAME_SIZE);
    return SHELL_OK;
}

static void clear(void)
{
    used = 0;
}

static void list(void)
{
    for (uint32_t at = used; at-- > 0; )
        kprintf("%s\n", names[at]);
}

static int many(uint32_t count)
{
    char name[NAME_SIZE];
    int status = SHELL_OK;

    for (uint32_t i = 1; i <= count && status == SHELL_OK; i++) {
        ksnprintf(name, sizeof(name), "name %u", (unsigned)i);
        status = add(name);
    }
    return status;
}

static int cmd_names(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t count;

    if (argc == 3 && strcmp(what, "add") == 0)
        return add(argv[2]);
    if (argc == 3 && strcmp(what, "drop") == 0)
        return drop(argv[2]);
    if (argc == 3 && strcmp(what, "many") == 0)
        return shell_number(argv[2], "N", &count) && count <= MOST ? many(count)
                                                                   : SHELL_USAGE;
    if (argc == 2 && strcmp(what, "list") == 0) {
        list();
        return SHELL_OK;
    }
    if (argc == 2 && strcmp(what, "clear") == 0) {
        clear();
        return SHELL_OK;
    }
    return shell_usage("one of these is missing");
}

SHELL_COMMAND(names, "add NAME|drop NAME|many N|list|clear", "a list of names",
              cmd_names);
