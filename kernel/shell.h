/*
 * shell.h - commands, and how to add one.
 *
 *     static int cmd_hello(int argc, char **argv) { kprintf("hello\n"); return 0; }
 *     SHELL_COMMAND(hello, "[name]", "say hello", cmd_hello);
 *
 * at file scope of any file of the kernel, or of a lab, is all: the linker
 * collects the commands, help lists them.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/printk.h"

/*
 * What a command returns; exec ends with the first that is not SHELL_OK.  The shell itself
 * makes three of it: a bug was reported meanwhile; the command was ended by a fault; by
 * Ctrl-C or the watchdog.  Of several the order is FAULT, STOPPED, REPORTED, and then what
 * was returned.  SHELL_LEFT: something was left behind.
 */
enum { SHELL_OK, SHELL_FAILED, SHELL_USAGE, SHELL_UNKNOWN, SHELL_REPORTED, SHELL_FAULT,
       SHELL_STOPPED, SHELL_LEFT };

struct shell_command {
    const char *name;
    const char *usage;          /* arguments, "" for none */
    const char *help;           /* one line */
    const char *group;          /* heading in help; NULL: "labs" */
    const char *details;        /* further lines for `help NAME`, or NULL */
    int (*run)(int argc, char **argv);
    const char *(*words)(unsigned n);   /* Tab knows them as arguments; or NULL */
} __attribute__((aligned(32)));

/*
 * Not static: two commands of one name are an error of the linker.  symbol_: what stands
 * for the name where that is none of C.
 */
#define SHELL_COMMAND_NAMED(group_, symbol_, name_, usage_, help_, details_, fn_, words_) \
    extern const struct shell_command shell_command_##symbol_;                  \
    const struct shell_command shell_command_##symbol_ __attribute__((          \
        section("shell_commands"), used)) = { name_, usage_, help_, group_,     \
                                              details_, fn_, words_ }

#define SHELL_COMMAND_WORDS(group, name, usage, help, details, fn, words) \
    SHELL_COMMAND_NAMED(group, name, #name, usage, help, details, fn, words)

#define SHELL_COMMAND_IN(group, name, usage, help, details, fn) \
    SHELL_COMMAND_WORDS(group, name, usage, help, details, fn, NULL)

#define SHELL_COMMAND(name, usage, help, fn) \
    SHELL_COMMAND_IN(NULL, name, usage, help, NULL, fn)

/* Run one line, commands separated by ";".  The status of the first that failed. */
int shell_run(const char *line);

/* Run the command that these words are, or, if it is one word, that line. */
int shell_run_words(int argc, char **argv);

/*
 * The same as a trial, which may fail: none of its commands is one that failed since boot.
 * Of several statuses the gravest: FAULT, STOPPED, REPORTED, and then the first that is
 * not OK.
 */
int shell_try(int argc, char **argv);

/* Read lines at the prompt and run them, for ever. */
void shell_loop(void) __attribute__((noreturn));

/* The status of the first command since boot that failed; SHELL_OK: none did. */
int shell_status(void);

/*
 * All commands, to loop over; and the one of that name.  NULL: there is none, or there are
 * two, by SHELL_COMMAND_NAMED: then nobody knows which is meant.
 */
const struct shell_command *shell_commands_begin(void);
const struct shell_command *shell_commands_end(void);
const struct shell_command *shell_find(const char *name);

/* ---- for commands ------------------------------------------------------- */

/*
 * A number: decimal, 0x hex, with K, M or G behind it (upper or lower case), or
 * $N, the address that the shell holds under that number.  False, and one line that
 * says what is wrong and names `what`, if it is none.
 */
bool shell_number(const char *text, const char *what, uint32_t *value);

/*
 * An address: the same, or $, the last pointer handed out, or the name of a symbol; each
 * with +K or -K behind it, or as backtraces show it: kmalloc+0x12/0x40.
 */
bool shell_address(const char *text, const char *what, uint32_t *value);

/*
 * The word that the text may have been meant for, of those that words(0), words(1) ... give
 * until NULL; NULL: none is near.
 */
const char *shell_nearest(const char *text, const char *(*words)(unsigned n));

/* Remove an option such as "-j" from the arguments; was it there? */
bool shell_option(int *argc, char **argv, const char *option);

/* One line: the running command, what is wrong, its usage.  Gives SHELL_USAGE. */
int shell_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* At most `words` words, the name included?  False after a line that says so. */
bool shell_at_most(int argc, char **argv, int words);

/* All dials are again what they were when the running command began. */
void shell_put_back_dials(void);

/*
 * Forget what calls that are over have left on the stack: there a scan for leaks would find
 * old pointers, once other calls lie around them.  For who runs commands after work of his own.
 */
void shell_wipe_stack(void);

/* What was reported since the running command began was meant: its status is not REPORTED. */
void shell_meant_reports(void);

/* The command that runs now, or NULL. */
extern const struct shell_command *shell_running;

/* True once Ctrl-C was typed since the command began: long commands ask. */
bool shell_interrupted(void);

/* As if Ctrl-C had been typed, for the running command alone (q while paging). */
extern bool shell_unwanted;

/*
 * From here on what is printed comes a screen at a time, as by `more`, until shell_page_end();
 * q is as Ctrl-C.  False: not now, for nobody sits there, the terminal has told no height, or
 * it is paged already.
 */
bool shell_page_begin(void);
void shell_page_end(void);
/* Somebody has typed something: only what comes from here on must fit the screen. */
void shell_page_anew(void);

/* Print text as a JSON string, with its quotes. */
void json_string(const char *text);

#endif
