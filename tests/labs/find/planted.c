/*
 * planted.c - find it: which of twelve mistakes is in your server, and were you right?
 *
 *     name -> numbers -> kind, when          at the when-th time that its line runs
 *                     -> habits              how often other things happen
 *     SLIPS(), then   -> made                file, line and serial number, as it happens
 *
 * What is right is not written down anywhere.  It is what has happened when the server ran;
 * and who judges has it run again.  Serial numbers count from boot: so a server is the
 * first that takes memory, and of several days the first one counts.
 *
 *     find run NAME                       a day of NAME's server
 *     find stop                           it gives back all that it has
 *     find answer KIND FILE LINE SERIAL   right or not
 *     find judge [kind|file|line|serial]  the same of what is handed in; no word: it runs
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "tests/labs/find/find.h"

static const char *const kinds[FIND_KINDS] = {
    "error-path", "list-head", "owner-first", "krealloc", "interrupt", "double-free",
    "interior", "use-after-free", "overflow", "pages", "cache", "count",
};

static const char hint_lost[] =
    "find stop, and then: what does `leaks` say, and `why-lost SERIAL \"find run NAME\"`?";
static const char hint_refused[] = "read the report: whose line is it, and what is there?";
static const char hint_hurt[] =
    "nobody sees a wrong write: boot with CMDLINE=kfence.every=1, and run it again";
static const char hint_kept[] =
    "nothing is lost: what does `leaks list` have behind find stop?  `catch SERIAL+0`, and "
    "run it again behind a reboot: who counts?";

static const char *const hints[FIND_KINDS] = {
    hint_lost, hint_lost, hint_lost, hint_lost, hint_lost, hint_refused, hint_refused,
    hint_hurt, hint_hurt, hint_lost, hint_lost, hint_kept,
};

static struct {
    char name[LESSON_SEED_SIZE];        /* "": no server has run */
    enum find_kind kind;
    uint32_t when, times;       /* that the line has run, today */
    struct find_habits habits;
} planted;

static struct {
    const char *file;           /* NULL: it was not made yet */
    uint32_t line, serial;
} made;

bool find_slips(enum find_kind kind, const void *object, const char *file, uint32_t line)
{
    struct mm_what what;

    if (kind != planted.kind || object == NULL || ++planted.times != planted.when)
        return false;
    if (made.file == NULL) {
        mm_what_is(object, &what);
        made = (typeof(made)){ file, line, what.serial };
    }
    return true;
}

/* ---- a day -------------------------------------------------------------------------- */

static void plant(const char *name)
{
    struct lesson_run draw = { .random = lesson_random_of(name) };

    strlcpy(planted.name, name, sizeof(planted.name));
    planted.kind = lesson_number(&draw, 0, FIND_KINDS - 1);
    planted.when = lesson_number(&draw, 2, 6);
    planted.habits = (struct find_habits){
        .refused = lesson_number(&draw, 4, 6),
        .attached = lesson_number(&draw, 4, 6),
        .huge = lesson_number(&draw, 5, 7),
    };
}

/* The first day's server must be the first that takes memory. */
static int run(const char *name)
{
    struct mm_stats stats;

    if (name[0] == 0 || strlen(name) >= sizeof(planted.name))
        return shell_usage("NAME: \"%s\" is too long, or none", name);
    stats_get(&stats);
    if (planted.name[0] == 0 && stats.last_serial == 0)
        plant(name);
    if (strcmp(planted.name, name) != 0) {
        kprintf("find: memory was taken before: reboot, and run this first\n");
        return SHELL_FAILED;
    }
    planted.times = 0;
    server_day(&planted.habits);
    return SHELL_OK;
}

/* ---- answers ------------------------------------------------------------------------ */

/* "post.c" is /home/ann/post.c as well. */
static bool is_file(const char *said, const char *file)
{
    size_t length = strlen(said), all = strlen(file);

    return length > 0 && length <= all && strcmp(file + all - length, said) == 0 &&
           (length == all || file[all - length - 1] == '/');
}

/* Is that part of it right, or, if it has no name, all? */
static bool is_right(const struct find_answer *said, const char *part)
{
    bool all = part == NULL;

    return (!(all || strcmp(part, "kind") == 0) ||
            strcmp(said->kind, kinds[planted.kind]) == 0) &&
           (!(all || strcmp(part, "file") == 0) || is_file(said->file, made.file)) &&
           (!(all || strcmp(part, "line") == 0) ||
            (said->line == made.line && is_file(said->file, made.file))) &&
           (!(all || strcmp(part, "serial") == 0) || said->serial == made.serial);
}

static int tell(const struct find_answer *said, const char *part)
{
    bool right = is_right(said, part);

    if (right)
        kprintf("find: right\n");
    else
        kprint_wrapped(6, "find: not yet; %s", hints[planted.kind]);
    return right ? SHELL_OK : SHELL_FAILED;
}

static int answer(char **words)
{
    struct find_answer said = { .kind = words[0], .file = words[1] };

    if (!shell_number(words[2], "LINE", &said.line) ||
        !shell_number(words[3], "SERIAL", &said.serial))
        return SHELL_USAGE;
    if (made.file == NULL) {
        kprintf("find: run your server first: find run NAME\n");
        return SHELL_FAILED;
    }
    return tell(&said, NULL);
}

static void drop(const char *text, size_t length)
{
    (void)text, (void)length;
}

/* What its mistake reports is meant; and for the rest there is `find run`. */
static int judge(const char *part)
{
    void (*filter)(const char *, size_t) = kprintf_filter;
    int status;

    kprintf_filter = drop;
    status = run(find_answer.name);
    kprintf_filter = filter;
    shell_meant_reports();
    if (status != SHELL_OK || made.file == NULL)
        return SHELL_FAILED;
    return part == NULL ? SHELL_OK : tell(&find_answer, part);
}

static bool is_part(const char *word)
{
    return strcmp(word, "kind") == 0 || strcmp(word, "file") == 0 ||
           strcmp(word, "line") == 0 || strcmp(word, "serial") == 0;
}

static int cmd_find(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 2 && strcmp(what, "stop") == 0) {
        server_stop();
        return SHELL_OK;
    }
    if (argc == 3 && strcmp(what, "run") == 0)
        return run(argv[2]);
    if (argc == 6 && strcmp(what, "answer") == 0)
        return answer(argv + 2);
    if (argc == 2 && strcmp(what, "judge") == 0)
        return judge(NULL);
    if (argc == 3 && strcmp(what, "judge") == 0 && is_part(argv[2]))
        return judge(argv[2]);
    return shell_usage("one of these is missing");
}

SHELL_COMMAND_IN(NULL, find, "run NAME|stop|answer KIND FILE LINE SERIAL|judge [PART]",
                 "a mail server with a mistake, by name",
                 "Kinds: error-path list-head owner-first krealloc interrupt double-free\n"
                 "interior use-after-free overflow pages cache count.\n"
                 "PART is kind, file, line or serial: of what is handed in.", cmd_find);
