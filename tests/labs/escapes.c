/*
 * escapes.c - what a terminal would obey, wherever a lab can leave it: in the names of
 * caches, in objects, in what is logged, in the words of every command.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

static const char evil[] = "\x1b[2J\x1b]0;x\a\b\v\x0e\x7f\x9b" "5n\xc2\x9b" "5n";

static void *in_cache(void)
{
    struct kmem_cache *cache = kmem_cache_create(evil, sizeof(evil), 0, 0, NULL);

    return cache != NULL ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;
}

static int cmd_escapes(int argc, char **argv)
{
    char *object = in_cache(), *text = kmalloc(sizeof(evil), GFP_KERNEL);

    memcpy(object, evil, sizeof(evil));
    memcpy(text, evil, sizeof(evil));
    kprintf("%s|%c|%30s|%.9s\n", text, evil[0], object, text);
    kprint_wrapped(0, "%s", text);
    pr_warn("%s %s", argv[0], text);
    pr_cont("%s", text);
    kprintf("%p %p\n", (void *)object, (void *)text);
    kfree(text + 1);
    kfree(object);
    kfree(object);
    return shell_usage("%s", object);
}

SHELL_COMMAND(escapes, "", "leave escape sequences everywhere", cmd_escapes);

/* Those that end or last, and this one. */
static bool is_left_out(const char *name)
{
    static const char *const names[] = { "exit", "reboot", "poweroff", "evil_words",
                                         "stress", "bench", "watch", "crash",
                                         "bold" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The word that runs it; with one more for those that ask, so that they do not. */
static const char *words_of(const char *name)
{
    return strcmp(name, "lesson") == 0 ? "lesson -j" : strcmp(name, "quiz") == 0 ? "quiz -j"
                                                                                  : name;
}

/* Every command, with such a word in each place. */
static int cmd_evil_words(int argc, char **argv)
{
    static const char *const forms[] = { "%s '%s'", "%s 1 '%s'", "%s -%s", "%s $%s",
                                         "%s 0x100000 64 '%s'", "%s %s=1",
                                         "%s slub_debug='%s'" };
    char line[200];

    for (const struct shell_command *command = shell_commands_begin();
         command < shell_commands_end(); command++)
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
            ksnprintf(line, sizeof(line), forms[i], words_of(command->name), evil);
            if (!is_left_out(command->name))
                shell_run(line);
        }
    shell_run(evil);
    return argc + argv[0][0] == 0;
}

SHELL_COMMAND(evil_words, "", "run every command with odd words", cmd_evil_words);

/* What a lab says itself is its own affair. */
static int cmd_bold(int argc, char **argv)
{
    kprintf("\x1b[1m%s\x1b[m\n", argc > 1 ? argv[1] : "bold");
    return 0;
}

SHELL_COMMAND(bold, "[TEXT]", "print in bold", cmd_bold);
