/*
 * dials.c - the parameters of mm: kmemleak=, and its debugging dials, which can be
 * set at the prompt as well.
 *
 *     make run CMDLINE="slub_debug=ZP,kmalloc-64"
 *     marbles> params slub_debug=FZPU
 *
 * What each does is told in mm/watch/dials.h.  For the calls that led to mm (dial U)
 * it walks up the chain of frame pointers.
 */
#include "kernel/backtrace.h"
#include "kernel/cpu/paging.h"
#include "kernel/memory/report.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"
#include "mm/watch/stack.h"

enum { VALUE_SIZE = 128 };      /* of slub_debug */

void dials_init(void)
{
    mm_map_hook = paging_set_present;
    mm_stack_hook = backtrace_to_mm;
}

static bool set_dial(const char *name, const char *value)
{
    const char *problem = mm_set_dial(name, value);

    if (problem != NULL)
        pr_err("%s=%s: %s", name, value, problem);
    return problem == NULL;
}

/* Without records some dials cannot be what they were set to before: that is said. */
static void set_again(const char *name, const char *off)
{
    char value[VALUE_SIZE];

    strlcpy(value, mm_dial(name), sizeof(value));
    if (value[0] != 0 && !set_dial(name, value))
        mm_set_dial(name, off);
}

static bool set_kmemleak(const char *value)
{
    bool on = strcmp(value, "on") == 0;

    if (!on && strcmp(value, "off") != 0)
        return false;
    mm_records = on;
    set_again("slub_debug", "-");
    set_again("page_owner", "off");
    set_again("quarantine", "0");
    set_again("kfence.every", "0");
    return true;
}

KERNEL_PARAM(kmemleak, "on|off", "record who allocates and frees (on)", set_kmemleak);

/* Those that can be set at the prompt as well. */
#define DIAL(name, value_name, off, help)                                       \
    DIAL_CALLED(name, #name, value_name, off, help)
#define DIAL_CALLED(name, text, value_name, off, help)                          \
    static bool set_##name(const char *value) { return set_dial(text, value); } \
    static const char *get_##name(void) { return mm_dial(text); }               \
    KERNEL_DIAL_CALLED(name, text, value_name, off, help, set_##name, get_##name)

DIAL(slub_debug, "FZPU[,CACHE...][;...]", "-",
     "check slabs, red zones, poison, who");
DIAL(slab_debug, "FZPU[,CACHE...][;...]", "-", "the same, by its newer name");
DIAL(init_on_alloc, "0|1", "0", "clear all memory that is handed out");
DIAL(init_on_free, "0|1", "0", "clear all memory that is freed");
DIAL(debug_pagealloc, "on|off", "off", "take free pages away: who touches one faults");
DIAL(page_owner, "on|off", "off", "record the calls that took pages");
DIAL(quarantine, "BYTES", "0", "hold so many bytes of freed objects back");
DIAL_CALLED(kfence_every, "kfence.every", "N", "0",
            "guard each object (1), or one of N refills");
DIAL(failslab, "N,%,SPACE,TIMES", "0", "fail each Nth call for an object");
DIAL(fail_page_alloc, "N,%,SPACE,TIMES", "0", "fail each Nth call for pages");
DIAL_CALLED(fail_nth, "fail-nth", "N", "0", "fail the Nth allocation from now on");

/* One of those above; slab_debug is slub_debug once more. */
static bool is_on(const struct kernel_param *param)
{
    return param->get != NULL && strcmp(param->file, __FILE__) == 0 &&
           strcmp(param->name, "slab_debug") != 0 && param->get()[0] != 0 &&
           strcmp(param->get(), param->off) != 0;
}

bool dials_rest(char *text, size_t size)
{
    bool done = true;

    text[0] = 0;
    for (const struct kernel_param *dial = params_begin(); dial < params_end(); dial++) {
        size_t used = strlen(text);

        if (!is_on(dial))
            continue;
        ksnprintf(text + used, size - used, "%s%s=%s", used > 0 ? ", " : "", dial->name,
                  dial->get());
        done &= dial->set(dial->off);
    }
    return done;
}
