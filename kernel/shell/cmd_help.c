/*
 * cmd_help.c - help: all commands by group, or one of them whole.
 *
 * The commands come as the linker found them.  Groups stand in the order of
 * `groups`, and inside a group commands stand by name: each is found by looking
 * for the smallest name behind the last one, so that nothing needs sorting.
 */
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"

/* What has no group, or another one, comes with the last. */
static const char *const groups[] = { "memory", "look", "find leaks", "allocate",
                                      "try it", "lessons", "system", "labs" };
enum { NR_GROUPS = sizeof(groups) / sizeof(groups[0]) };
enum { CALL_SIZE = 96, NAMES_SIZE = 480, HELP_COLUMN = 36, NAMES_COLUMN = 14 };

static unsigned group_of(const struct shell_command *command)
{
    for (unsigned group = 0; group < NR_GROUPS; group++)
        if (command->group != NULL && strcmp(command->group, groups[group]) == 0)
            return group;
    return NR_GROUPS - 1;
}

/* The command of the group that comes by name behind `previous` (NULL: first). */
static const struct shell_command *next_in(unsigned group, const char *previous)
{
    const struct shell_command *best = NULL;

    for (const struct shell_command *command = shell_commands_begin();
         command < shell_commands_end(); command++) {
        if (group_of(command) != group)
            continue;
        if (previous != NULL && strcmp(command->name, previous) <= 0)
            continue;
        if (best == NULL || strcmp(command->name, best->name) < 0)
            best = command;
    }
    return best;
}

static void print_json(const struct shell_command *command, unsigned group)
{
    kprintf("{\"name\": \"%s\", \"group\": \"%s\", \"usage\": ", command->name,
            groups[group]);
    json_string(command->usage);
    kprintf(", \"help\": ");
    json_string(command->help);
    kprintf("}\n");
}

static void print_short(const struct shell_command *command)
{
    char call[CALL_SIZE];

    ksnprintf(call, sizeof(call), "  %s %s", command->name, command->usage);
    if (strlen(call) >= HELP_COLUMN) {          /* then what it is for has its own row */
        kprint_wrapped(0, "%s", call);
        call[0] = 0;
    }
    kprint_wrapped(HELP_COLUMN, "%-*s%s", HELP_COLUMN, call, command->help);
}

static void print_group(unsigned group, bool json)
{
    const struct shell_command *command = next_in(group, NULL);

    for (; command != NULL; command = next_in(group, command->name))
        if (json)
            print_json(command, group);
        else
            print_short(command);
}

/* One line: its name, and those of its commands. */
static void print_names(unsigned group)
{
    const struct shell_command *command = next_in(group, NULL);
    char names[NAMES_SIZE] = "";

    if (command == NULL)
        return;
    for (; command != NULL; command = next_in(group, command->name)) {
        strlcat(names, "  ", sizeof(names));
        strlcat(names, command->name, sizeof(names));
    }
    kprint_wrapped(NAMES_COLUMN, "%-*s%s", NAMES_COLUMN - 2, groups[group], names);
}

static void print_overview(void)
{
    for (unsigned group = 0; group < NR_GROUPS; group++)
        print_names(group);
    kprintf("\n"
            "help GROUP    its commands, a line each:  help memory\n"
            "help NAME     all about one:              help kmalloc\n"
            "Numbers are 100, 0x64, 4K or 1M; $1 is what kmalloc gave first, $ what it gave\n"
            "last.  -j prints JSON.  Long output: more CMD.  Again and again: watch CMD.\n");
}

static int print_whole(const char *name)
{
    const struct shell_command *command = shell_find(name);

    if (command == NULL && params_find(name) != NULL) {
        kprint_wrapped(0, "help: \"%s\" is a parameter: params %s", name, name);
        return SHELL_USAGE;
    }
    if (command == NULL) {
        kprint_wrapped(0, "help: there is no command \"%s\"; \"help\" lists all", name);
        return SHELL_USAGE;
    }
    kprintf("%s %s\n%s\n", command->name, command->usage, command->help);
    if (command->details != NULL)
        kprintf("\n%s\n", command->details);
    return SHELL_OK;
}

/*
 * The words behind `help` may be the name of a group, or its first word, if no command, of a
 * lab, is called so.
 */
static bool find_group(int argc, char **argv, unsigned *group)
{
    char name[CALL_SIZE] = "";

    if (argc == 2 && shell_find(argv[1]) != NULL)
        return false;
    for (int i = 1; i < argc; i++) {
        strlcat(name, i > 1 ? " " : "", sizeof(name));
        strlcat(name, argv[i], sizeof(name));
    }
    for (*group = 0; *group < NR_GROUPS; ++*group) {
        const char *rest = groups[*group];
        size_t length = strlen(name);

        if (strncmp(rest, name, length) == 0 && (rest[length] == 0 || rest[length] == ' '))
            return true;
    }
    return false;
}

static int cmd_help(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    unsigned group;

    if (argc > 1 && find_group(argc, argv, &group)) {
        print_group(group, json);
        return SHELL_OK;
    }
    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc == 2)
        return print_whole(argv[1]);
    for (group = 0; group < NR_GROUPS && json; group++)
        print_group(group, json);
    if (!json)
        print_overview();
    return SHELL_OK;
}

SHELL_COMMAND_IN("system", help, "[GROUP|NAME] [-j]", "all commands, or all about one",
    "Commands are separated by \";\"; what follows a # is a comment.\n"
    "    Tab                    completes the word, or lists what it may be\n"
    "    Up, Down; Ctrl-R       earlier lines; looks for one with some text in it\n"
    "    Left, Right, Home, End move; with Ctrl by words; also Ctrl-B F A E\n"
    "    Ctrl-K, U, W           cut to the end, to the start, a word; Ctrl-Y pastes\n"
    "    Ctrl-L                 clears the screen, and asks how large it is\n"
    "    Ctrl-C                 abandons the line, or stops a command\n"
    "Long output: more help.  Again and again: watch meminfo.",
    cmd_help);
