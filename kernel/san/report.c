/*
 * report.c - what all reports of this wing have in common.
 *
 *     ==================================================================
 *     BUG: KASAN: slab-out-of-bounds in fill+0x1c/0x40
 *     ...
 *     called from:
 *       0x00103a51 cmd_fill+0x31/0x70
 *     ==================================================================
 *
 * A loop makes the same mistake again and again.  So each place is told once while a
 * command runs, and the end of the command says how many more there were.
 *
 * Rules:
 *   - nothing that happens within a report is reported;
 *   - each report counts as one of mm_reports(), by which the shell knows;
 *   - it returns, and the kernel goes on.
 */
#include "kernel/san/san.h"
#include "kernel/san/san_priv.h"

#include "kernel/backtrace.h"
#include "kernel/memory/report.h"
#include "kernel/panic.h"
#include "kernel/printk.h"

enum { MAX_PLACES = 32 };

static const char rule[] =
    "==================================================================";

static uintptr_t places[MAX_PLACES];    /* told since the command began */
static unsigned place_count;
static uint32_t hidden;                 /* more of them, not told */
static bool reporting;

bool san_is_reporting(void)
{
    return reporting;
}

static bool is_new(uintptr_t place)
{
    for (unsigned i = 0; i < place_count; i++)
        if (places[i] == place)
            return false;
    if (place_count == MAX_PLACES)
        return false;
    places[place_count++] = place;
    return true;
}

void san_line(const char *text)
{
    pr_err("  %s", text);
}

bool san_begin(struct san_caller caller)
{
    if (reporting)
        return false;
    if (!is_new(caller.eip)) {
        hidden++;
        return false;
    }
    reporting = true;
    report_told();
    pr_err("%s", rule);
    return true;
}

void san_end(struct san_caller caller)
{
    pr_err("called from:");
    backtrace_log_from(caller.eip, (uintptr_t)(caller.frame + 2), caller.frame[0]);
    pr_err("%s", rule);
    reporting = false;
    panic_warned();
}

void san_begin_command(void)
{
    reporting = false;          /* a fault within one may have ended it */
    place_count = 0;
    hidden = 0;
}

void san_end_command(void)
{
    if (hidden > 0)
        pr_err("san: %u more were not told: each place is once, %d at most",
               (unsigned)hidden, MAX_PLACES);
    san_begin_command();
}
