/*
 * filter.c - filter expressions, as Linux's trace events have them
 * (Documentation/trace/events.rst, 5).
 *
 *     expression = term { "||" term }
 *     term       = factor { "&&" factor }
 *     factor     = "!" factor | "(" expression ")" | field operator value
 *
 *     fields that are numbers   bytes_req bytes_alloc ptr serial gfp_flags order irq
 *                               command:            == != < <= > >= &
 *     fields that are text      event task name call_site func site file:
 *                               == != ~  (~: * stands for any characters)
 *
 * `file` is also what its path ends with, `site` so with the line; func and call_site are
 * the function alone.  A value is a number, a gfp flag's name, or a text with or without
 * quotes.
 *
 * The text itself is run, for each event: there is no program to make of it, and no memory
 * to put one.  Parsing and running are one pass, so what is accepted can be run.
 */
#include "kernel/trace/filter.h"

#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/mm.h"
#include "mm/watch/inject.h"

enum { FILTER_SIZE = 128, WORD_SIZE = 64, DEEPEST = 16 };

static char filter[FILTER_SIZE];

struct run {
    const char *at;
    const struct trace_event *event;    /* NULL: it is only tried */
    const char *problem;                /* the first one; NULL: none */
    char word[WORD_SIZE];               /* the one read last */
    unsigned depth;
};

static bool fail(struct run *run, const char *problem)
{
    if (run->problem == NULL)
        run->problem = problem;
    return false;
}

/* ---- words ----------------------------------------------------------------------- */

static void skip_blanks(struct run *run)
{
    while (*run->at == ' ')
        run->at++;
}

static bool takes(struct run *run, const char *text)
{
    size_t length = strlen(text);

    skip_blanks(run);
    if (strncmp(run->at, text, length) != 0)
        return false;
    run->at += length;
    return true;
}

static bool ends_word(char c, char quote)
{
    return c == 0 || (quote ? c == quote : strchr(" ()&|!=<>~", c) != NULL);
}

static bool read_word(struct run *run)
{
    size_t n = 0;
    char quote;

    skip_blanks(run);
    quote = *run->at == '"' || *run->at == '\'' ? *run->at++ : 0;
    while (!ends_word(*run->at, quote) && n < WORD_SIZE - 1)
        run->word[n++] = *run->at++;
    run->word[n] = 0;
    if (!ends_word(*run->at, quote))
        return fail(run, "a word is too long");
    if (quote && *run->at++ != quote)
        return fail(run, "a quote is not closed");
    return n > 0 || quote || fail(run, "something is missing");
}

/* ---- fields ---------------------------------------------------------------------- */

enum field { BYTES_REQ, BYTES_ALLOC, PTR, SERIAL, GFP_FLAGS, ORDER, IRQ, COMMAND,
             EVENT, TASK, NAME, CALL_SITE, FUNC, SITE, FILE_, FIELDS, NUMBERS = EVENT };

static const char *const names[FIELDS] = {
    "bytes_req", "bytes_alloc", "ptr", "serial", "gfp_flags", "order", "irq", "command",
    "event", "task", "name", "call_site", "func", "site", "file",
};

static enum field field_of(const char *name)
{
    unsigned field = 0;

    while (field < FIELDS && strcmp(names[field], name) != 0)
        field++;
    return field;
}

static uint32_t number_of(const struct trace_event *event, enum field field)
{
    switch (field) {
    case BYTES_REQ: return (uint32_t)event->bytes_req;
    case BYTES_ALLOC: return (uint32_t)event->bytes_alloc;
    case PTR: return (uint32_t)event->ptr;
    case SERIAL: return event->serial;
    case GFP_FLAGS: return event->gfp;
    case IRQ: return event->in_interrupt;
    case COMMAND: return event->command;
    default: return trace_order(event);
    }
}

static const char *text_of(const struct trace_event *event, enum field field)
{
    struct symbol symbol;

    switch (field) {
    case EVENT: return trace_kind_name(event->kind);
    case TASK: return event->task;
    case NAME: return event->cache;
    case CALL_SITE:
        return symbol_find(event->calls[0] - 1, &symbol) ? symbol.name : "";
    default:
        return event->site != NULL && event->site->func != NULL ? event->site->func : "";
    }
}

/* ---- comparing ------------------------------------------------------------------- */

enum operator { EQUAL, UNEQUAL, AT_MOST, AT_LEAST, BELOW, ABOVE, LIKE, HAS, OPERATORS };

static enum operator read_operator(struct run *run)
{
    static const char *const texts[OPERATORS] = { "==", "!=", "<=", ">=", "<", ">", "~",
                                                  "&" };
    unsigned op = 0;

    while (op < OPERATORS && !takes(run, texts[op]))
        op++;
    return op;
}

static bool compare_numbers(enum operator op, uint32_t a, uint32_t b)
{
    switch (op) {
    case EQUAL: return a == b;
    case UNEQUAL: return a != b;
    case AT_MOST: return a <= b;
    case AT_LEAST: return a >= b;
    case BELOW: return a < b;
    case ABOVE: return a > b;
    default: return (a & b) != 0;
    }
}

static bool read_value(struct run *run, uint32_t *value)
{
    uint64_t number;

    if (mm_gfp_of(run->word, value))
        return true;
    if (!parse_size(run->word, &number) || number > UINT32_MAX)
        return fail(run, "the value is not a number");
    *value = (uint32_t)number;
    return true;
}

static bool compare_number(struct run *run, enum field field, enum operator op)
{
    uint32_t value;

    if (op == LIKE)
        return fail(run, "~ is for fields that are text");
    return read_value(run, &value) && run->event != NULL &&
           compare_numbers(op, number_of(run->event, field), value);
}

static bool compare_text(struct run *run, enum field field, enum operator op)
{
    bool is_same;

    if (op != EQUAL && op != UNEQUAL && op != LIKE)
        return fail(run, "a field that is text takes ==, != or ~");
    if (run->event == NULL)
        return false;
    if (field == SITE || field == FILE_)
        is_same = run->event->site != NULL && mm_site_matches(run->event->site, run->word);
    else if (op == LIKE)
        is_same = mm_name_matches(run->word, text_of(run->event, field));
    else
        is_same = strcmp(run->word, text_of(run->event, field)) == 0;
    return is_same != (op == UNEQUAL);
}

/* ---- the grammar ----------------------------------------------------------------- */

static bool run_expression(struct run *run);

static bool run_comparison(struct run *run)
{
    enum operator op;
    enum field field;

    if (!read_word(run))
        return false;
    field = field_of(run->word);
    if (field == FIELDS)
        return fail(run, "there is no such field");
    op = read_operator(run);
    if (op == OPERATORS)
        return fail(run, "an operator is missing");
    if (!read_word(run))
        return false;
    return field < NUMBERS ? compare_number(run, field, op) : compare_text(run, field, op);
}

static bool run_factor(struct run *run)
{
    bool is_so;

    if (takes(run, "!"))
        return run->depth++ < DEEPEST ? !run_factor(run) : fail(run, "it is nested too deep");
    if (!takes(run, "("))
        return run_comparison(run);
    if (run->depth++ >= DEEPEST)
        return fail(run, "it is nested too deep");
    is_so = run_expression(run);
    if (run->problem == NULL && !takes(run, ")"))
        fail(run, "a ) is missing");
    return is_so;
}

static bool run_term(struct run *run)
{
    bool is_so = run_factor(run);

    while (run->problem == NULL && takes(run, "&&"))
        is_so = run_factor(run) && is_so;
    return is_so;
}

static bool run_expression(struct run *run)
{
    bool is_so = run_term(run);

    while (run->problem == NULL && takes(run, "||"))
        is_so = run_term(run) || is_so;
    return is_so;
}

static bool is_meant(const struct trace_event *event)
{
    struct run run = { .at = filter, .event = event };

    return run_expression(&run);
}

bool trace_filter_set(const char *text)
{
    struct run run = { .at = text };

    if (strcmp(text, "0") == 0) {
        trace_ring_filter = NULL;
        filter[0] = 0;
        return true;
    }
    run_expression(&run);
    skip_blanks(&run);
    if (run.problem == NULL && *run.at != 0)
        fail(&run, "it does not end there");
    if (run.problem == NULL && strlen(text) >= FILTER_SIZE)
        fail(&run, "it is too long");
    if (run.problem != NULL) {
        shell_usage("filter \"%s\": %s, before \"%s\"; fields: bytes_req bytes_alloc ptr "
                    "serial gfp_flags order irq command event task name call_site func site "
                    "file", text, run.problem, run.at);
        return false;
    }
    trace_ring_filter = NULL;
    strlcpy(filter, text, sizeof(filter));
    trace_ring_filter = is_meant;
    return true;
}

const char *trace_filter_text(void)
{
    return filter;
}
