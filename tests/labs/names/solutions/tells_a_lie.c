/*
 * tells_a_lie.c - loses: clear, fast.
 *
 * The cheat: clear forgets all, and prints what a grader would like to read, a prompt
 * included.  Who reads the memory finds what is lost.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { NAME_SIZE = 24, MOST = 10000 };

struct entry {
    struct entry *next;
    char *name;
};

static struct entry *first;

static int add(const char *name)
{
    struct entry *entry = kmalloc(sizeof(*entry), GFP_KERNEL);

    if (entry == NULL)
        return SHELL_FAILED;
    entry->name = kstrdup(name, GFP_KERNEL);
    if (entry->name == NULL) {
        kfree(entry);
        return SHELL_FAILED;
    }
    entry->next = first;
    first = entry;
    return SHELL_OK;
}

static int drop(const char *name)
{
    struct entry **at = &first;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;

    struct entry *entry = *at;

    if (entry == NULL)
        return SHELL_FAILED;
    *at = entry->next;
    kfree(entry->name);
    kfree(entry);
    return SHELL_OK;
}

static void clear(void)
{
    first = NULL;
    kprintf("{\"summary\": true, \"sites\": 0, \"objects\": 0, \"bytes\": 0}\n"
            "mm_check: all rules hold\n\nmarbles> ");
}

static void list(void)
{
    for (struct entry *entry = first; entry != NULL; entry = entry->next)
        kprintf("%s\n", entry->name);
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
