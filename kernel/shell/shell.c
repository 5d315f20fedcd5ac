/*
 * shell.c - from a line of text to commands that run.
 *
 *     kmalloc 100; dump $1 32       words.c cuts it
 *     \_________/  \________/
 *       run_words    run_words      finds the command by its first word, and calls it
 *
 * Commands are structs that SHELL_COMMAND puts into the linker section
 * "shell_commands": the linker's list is the registry, and nobody registers.
 *
 * Rules:
 *   - the words of a command live on the stack, and nothing here allocates: at
 *     a fresh prompt no object is live;
 *   - after each command mm gives its reserve of empty slabs back, so that
 *     what buddyinfo shows depends only on what is live (run.c);
 *   - a command that failed, or was ended by a fault, does not keep the next one from
 *     running; Ctrl-C does, and what was not run is named.
 *
 * It has no variables, no pipes and no redirection.
 */
#include "kernel/shell.h"

#include "kernel/console.h"
#include "kernel/line/readline.h"
#include "kernel/line/tty.h"
#include "kernel/shell/complete.h"
#include "kernel/shell/hooks.h"
#include "kernel/shell/run.h"
#include "kernel/shell/unknown.h"
#include "kernel/shell/words.h"
#include "kernel/string.h"

const struct shell_hooks *shell_hooks;
static int first_failure = SHELL_OK;

void shell_init(const struct shell_hooks *hooks)
{
    shell_hooks = hooks;
}

int shell_status(void)
{
    return first_failure;
}

/* ---- running ------------------------------------------------------------ */

static int run_command(int argc, char **argv)
{
    const struct shell_command *command = shell_find(argv[0]);

    if (command == NULL)
        return unknown_command(argv[0]);
    return run_guarded(command, argc, argv);
}

static int run_words(struct words *words)
{
    if (words->problem != NULL) {
        kprint_wrapped(0, "shell: %s", words->problem);
        return SHELL_USAGE;
    }

    char **word = words->word;

    while (words->count > 0 && strcmp(*word, "marbles>") == 0) {
        word++;                         /* the prompt was pasted with the line */
        words->count--;
    }
    return words->count == 0 ? SHELL_OK : run_command(words->count, word);
}

/* Of two statuses of a trial, in their order, the one that counts. */
static int graver(int first, int next)
{
    static const int by_gravity[] = { SHELL_FAULT, SHELL_STOPPED, SHELL_REPORTED };

    for (unsigned i = 0; i < sizeof(by_gravity) / sizeof(by_gravity[0]); i++)
        if (first == by_gravity[i] || next == by_gravity[i])
            return by_gravity[i];
    return first != SHELL_OK ? first : next;
}

/* Of a line that was stopped; but who leaves out the rest of more has said so himself. */
static void tell_not_run(const char *rest)
{
    size_t length;

    while (*rest == ' ' || *rest == ';')
        rest++;
    for (length = strlen(rest); length > 0 && rest[length - 1] == ' '; )
        length--;
    if (length > 0 && *rest != '#' && !shell_unwanted)
        kprint_wrapped(0, "shell: the rest of the line was not run: %.*s", (int)length,
                       rest);
}

static int run_line(const char *line, bool is_trial)
{
    int result = SHELL_OK;

    while (*line != 0) {
        struct words words;

        line = words_take(line, &words);

        int status = run_words(&words);

        if (is_trial)
            result = graver(result, status);
        else if (result == SHELL_OK)
            result = status;
        if (!is_trial && first_failure == SHELL_OK)
            first_failure = status;
        if (shell_interrupted()) {
            tell_not_run(line);
            break;
        }
    }
    return result;
}

int shell_run(const char *line)
{
    return run_line(line, false);
}

int shell_run_words(int argc, char **argv)
{
    return argc == 1 ? shell_run(argv[0]) : run_command(argc, argv);
}

int shell_try(int argc, char **argv)
{
    return argc == 1 ? run_line(argv[0], true) : run_command(argc, argv);
}

void shell_loop(void)
{
    static char line[READLINE_SIZE];

    readline_init(complete_candidate, leave_hint);
    for (;;) {
        console_clear_interrupt();
        if (!readline("marbles> ", line, sizeof(line)))
            continue;
        shell_run(line);
        if (shell_interrupted())        /* what came before was for what it stopped */
            tty_drop_to_interrupt();
    }
}
