/*
 * params.h - kernel parameters from the Multiboot command line, as in Linux.
 *
 *     static bool set_mem(const char *value) { ... return ok; }
 *     KERNEL_PARAM(mem, "SIZE", "use no memory above SIZE", set_mem);
 *
 * NAME=VALUE or NAME; a value may stand in double quotes, where \" and \\ are
 * the characters themselves.  What is unknown or malformed is named in the log
 * and never stops the boot.
 */
#ifndef KERNEL_PARAMS_H
#define KERNEL_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_param {
    const char *name;
    const char *value_name;     /* "" for a flag without value */
    const char *help;
    bool (*set)(const char *value);     /* value "" if none; false: malformed */
    const char *(*get)(void);   /* NULL: cannot be changed at run time */
    const char *off;            /* the value that switches it off, if it can be changed */
    const char *assigned;       /* NAME= if it can be set at the prompt, else NAME */
    const char *file;           /* where it is declared: the order of a listing */
    unsigned line;
} __attribute__((aligned(32)));

#define KERNEL_PARAM(name_, value_, help_, fn_)                                \
    static const struct kernel_param kernel_param_##name_ __attribute__((      \
        section("kernel_params"), used)) = { #name_, value_, help_, fn_, NULL, NULL, \
                                             #name_, __FILE__, __LINE__ }

/* One that may be set again at the prompt; get_ gives its value now, "" is off_. */
#define KERNEL_DIAL(name_, value_, off_, help_, fn_, get_)                     \
    KERNEL_DIAL_CALLED(name_, #name_, value_, off_, help_, fn_, get_)

/* The same, called by a text that is no name in C, such as "kfence.every". */
#define KERNEL_DIAL_CALLED(name_, text_, value_, off_, help_, fn_, get_)       \
    static const struct kernel_param kernel_param_##name_ __attribute__((      \
        section("kernel_params"), used)) = { text_, value_, help_, fn_, get_, off_, \
                                             text_ "=", __FILE__, __LINE__ }

/* Parse the line (copied, not kept) and set each parameter found in it. */
void params_parse(const char *line);

/* The command line as the loader gave it, without the kernel's path. */
const char *params_line(void);

/* The command of run="...", or "". */
const char *params_run(void);

/* A decimal or 0x number with an optional K, M or G; the whole text must be it. */
bool parse_size(const char *text, uint64_t *value);

/* All parameters, to loop over; `params` shows them. */
const struct kernel_param *params_begin(void);
const struct kernel_param *params_end(void);

/* The one of that name, or NULL. */
const struct kernel_param *params_find(const char *name);

#endif
