/*
 * inject_value.c - what a value of failslab or fail_page_alloc says, and whom it means.
 *
 *     1,10,0,-1,site=list.c:12,cache=kmalloc-*
 *     \_______/ \____________/ \_____________/
 *      four numbers, or none    names: those of Linux's files in debugfs, and seed, site,
 *                               cache
 *
 * A site is meant by its file, "list.c" or "lessons/list.c" or the whole path, by file and
 * line, "list.c:12", or by its function.  A * in it stands for any characters.  Calls of
 * the functions themselves, (kmalloc)(n, f), have a return address alone: only * means them.
 */
#include "mm/watch/inject_priv.h"
#include "mm/watch/settings_priv.h"

_Static_assert((int)MM_FAULT_TEXT == (int)SPEC_SIZE, "a value is as long as any dial's");

enum { NUMBERS = 4 };           /* that may stand without a name: the first settings */

static const struct setting {
    const char *name;
    size_t field;
    uint32_t least, most;
    const char *expected;
} numbers[] = {
    { "interval", offsetof(struct mm_fault_attr, interval), 0, INT32_MAX,
      "interval is a number: of so many calls one fails" },
    { "probability", offsetof(struct mm_fault_attr, probability), 0, 100,
      "probability is a number from 0 to 100" },
    { "space", offsetof(struct mm_fault_attr, space), 0, INT32_MAX,
      "space is a number: so much is had before the first failure" },
    { "times", offsetof(struct mm_fault_attr, times), 0, INT32_MAX,
      "times is a number of failures, or -1 for no limit" },
    { "seed", offsetof(struct mm_fault_attr, seed), 1, UINT32_MAX,
      "seed is a number from 1 on" },
    { "min-order", offsetof(struct mm_fault_attr, min_order), 0, MAX_PAGE_ORDER,
      "min-order is an order from 0 to 10" },
    { "ignore-gfp-wait", offsetof(struct mm_fault_attr, ignore_gfp_wait), 0, 1,
      "ignore-gfp-wait is 0 or 1" },
};

enum { NR_NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static const char usage[] =
    "it is INTERVAL,PROBABILITY,SPACE,TIMES, such as 1,10,0,-1, or NAME=NUMBER,... of "
    "interval, probability, space, times, seed, min-order, ignore-gfp-wait, or "
    "site=PATTERN, cache=PATTERN; 0 is off";

/* ---- reading ----------------------------------------------------------------------- */

static const char *end_of(const char *at)
{
    while (*at && *at != ',')
        at++;
    return at;
}

/* Behind "name=" at `at`; NULL: something else is there. */
static const char *behind_name(const char *at, const char *name)
{
    while (*name && *at == *name) {
        at++;
        name++;
    }
    return *name == '\0' && *at == '=' ? at + 1 : NULL;
}

static const char *read_number(struct mm_fault_attr *attr, const struct setting *setting,
                               const char *at)
{
    uint32_t *field = (uint32_t *)(void *)((char *)attr + setting->field);
    bool no_limit = field == &attr->times && at[0] == '-' && at[1] == '1';
    size_t number = 0;
    const char *end = no_limit ? at + 2 : settings_digits(at, &number);

    if (!end || end == at || end != end_of(at))
        return setting->expected;
    if (!no_limit && (number < setting->least || number > setting->most))
        return setting->expected;
    *field = no_limit ? MM_NO_LIMIT : (uint32_t)number;
    return NULL;
}

/* NAME=...: NULL, or what is wrong with it. */
static const char *read_named(struct mm_fault_attr *attr, const char *at)
{
    const char *value;

    for (unsigned i = 0; i < NR_NUMBERS; i++)
        if ((value = behind_name(at, numbers[i].name)))
            return read_number(attr, &numbers[i], value);
    if ((value = behind_name(at, "site")))
        attr->site = (uint32_t)(value - attr->text);
    else if ((value = behind_name(at, "cache")))
        attr->cache = (uint32_t)(value - attr->text);
    return value && value < end_of(value) ? NULL : usage;
}

const char *fault_attr_read(struct mm_fault_attr *attr, const char *value)
{
    unsigned unnamed = 0;       /* numbers that were read, or all of them: no more come */
    const char *problem = NULL;

    if (strlen(value) >= sizeof(attr->text))
        return "it is longer than 127 characters";
    *attr = (struct mm_fault_attr){ .interval = 1, .probability = 100,
                                    .times = MM_NO_LIMIT, .seed = 1 };
    memcpy(attr->text, value, strlen(value) + 1);

    for (const char *at = attr->text; *at && !problem; ) {
        const char *end = end_of(at), *number = at + (*at == '-');
        bool is_named = *number < '0' || *number > '9';

        if (is_named && (unnamed == 0 || unnamed == NUMBERS)) {
            problem = read_named(attr, at);
            unnamed = NUMBERS;
        } else if (!is_named && unnamed < NUMBERS) {
            problem = read_number(attr, &numbers[unnamed++], at);
        } else {
            problem = usage;
        }
        at = end + (*end == ',');
    }
    return problem || unnamed == NUMBERS ? problem : usage;
}

/* ---- who is meant ------------------------------------------------------------------ */

/* The file, or what of its path is behind a "/". */
static bool is_file(const char *pattern, const char *end, const char *file)
{
    bool found = settings_match(pattern, end, file);

    for (; *file && !found; file++)
        found = *file == '/' && settings_match(pattern, end, file + 1);
    return found;
}

static bool is_line(const char *digits, const char *end, uint16_t line)
{
    size_t number;

    if (digits + 1 == end && *digits == '*')
        return true;
    return settings_digits(digits, &number) == end && number == line;
}

static bool is_site(const char *pattern, const char *end, const struct alloc_site *site)
{
    const char *colon = pattern;

    if (!site->file)
        return pattern + 1 == end && *pattern == '*';
    while (colon < end && *colon != ':')
        colon++;
    if (colon < end)
        return is_file(pattern, colon, site->file) && is_line(colon + 1, end, site->line);
    return is_file(pattern, end, site->file) || settings_match(pattern, end, site->func);
}

bool mm_site_matches(const struct alloc_site *site, const char *pattern)
{
    return is_site(pattern, pattern + strlen(pattern), site);
}

bool mm_name_matches(const char *pattern, const char *name)
{
    return settings_match(pattern, pattern + strlen(pattern), name);
}

bool fault_attr_means(const struct mm_fault_attr *attr, const struct alloc_site *site,
                      const char *cache)
{
    const char *pattern = attr->text + attr->site;

    if (attr->site && !is_site(pattern, end_of(pattern), site))
        return false;
    pattern = attr->text + attr->cache;
    return !attr->cache || (cache && settings_match(pattern, end_of(pattern), cache));
}
