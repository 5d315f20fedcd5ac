/*
 * commands.c - which commands there are: the linker's list is the registry.
 */
#include "kernel/shell.h"

#include "kernel/string.h"

extern const struct shell_command __start_shell_commands[];
extern const struct shell_command __stop_shell_commands[];

const struct shell_command *shell_commands_begin(void)
{
    return __start_shell_commands;
}

const struct shell_command *shell_commands_end(void)
{
    return __stop_shell_commands;
}

const struct shell_command *shell_find(const char *name)
{
    const struct shell_command *command, *found = NULL;

    if (strcmp(name, "?") == 0)
        name = "help";
    for (command = shell_commands_begin(); command < shell_commands_end(); command++) {
        if (strcmp(command->name, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = command;
    }
    return found;
}
