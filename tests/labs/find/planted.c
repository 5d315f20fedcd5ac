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
 * What has happened lies in memory, and `dump` shows memory.  So each secret is mixed with a
 * number that is drawn from the name.  That is no cipher: who undoes it has learnt to read a
 * kernel, and who only looks sees nothing.
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

static const char *const files[] = { "server.c", "post.c" };

/* What is asked for, and what else is a secret. */
enum part { KIND, FILE, LINE, SERIAL, PARTS, ALL = PARTS, WHEN, SECRETS };

static const char *const parts[PARTS] = { "kind", "file", "line", "serial" };

/* Who has not found the kind is not told which it is. */
static const char hint_kind[] =
    "behind a fresh boot, `find run NAME`: was something reported?  `find stop`, `leaks all`: "
    "is something lost, or live?";
static const char hint_serial[] =
    "serial numbers count from boot; of several that are lost it is that of the definite one";
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
    uint32_t secret[SECRETS];           /* mixed() */
    uint32_t times;                     /* that the line has run, today */
    bool made;                          /* once; since then all secrets are known */
    struct find_habits habits;
} planted;

/* A secret as it is kept, of what it is; and what it is, of what is kept. */
static uint32_t mixed(enum part part, uint32_t value)
{
    return value ^ (lesson_random_of(planted.name) ^ 0x6d61696c) * (2 * part + 1);
}

static void keep(enum part part, uint32_t value)
{
    planted.secret[part] = mixed(part, value);
}

static uint32_t kept(enum part part)
{
    return mixed(part, planted.secret[part]);
}

bool find_slips(enum find_kind kind, const void *object, const char *file, uint32_t line)
{
    struct mm_what what;

    if (kind != kept(KIND) || object == NULL || ++planted.times != kept(WHEN))
        return false;
    if (!planted.made) {
        mm_what_is(object, &what);
        keep(FILE, (uintptr_t)file);
        keep(LINE, line);
        keep(SERIAL, what.serial);
        planted.made = true;
    }
    return true;
}

/* ---- a day -------------------------------------------------------------------------- */

static void plant(const char *name)
{
    uint32_t draw = lesson_random_of(name);

    strlcpy(planted.name, name, sizeof(planted.name));
    keep(KIND, lesson_draw(&draw, 0, FIND_KINDS - 1));
    keep(WHEN, lesson_draw(&draw, 2, 6));
    planted.habits = (struct find_habits){
        .refused = lesson_draw(&draw, 4, 6),
        .attached = lesson_draw(&draw, 4, 6),
        .huge = lesson_draw(&draw, 5, 7),
    };
}

/* False, and it is said: what find.c has before somebody writes to it is nobody's name. */
static bool is_somebody(const char *name)
{
    if (strcmp(name, "yourname") != 0)
        return true;
    kprintf("find: \"yourname\" is nobody: your own name makes your server\n");
    return false;
}

/*
 * Is it that name's server that runs, or can it be?  False, and it is said: it is no name,
 * or the first day's server was not the first that took memory.
 */
static bool is_planted(const char *name)
{
    struct mm_stats stats;

    if (name[0] == 0 || strlen(name) >= sizeof(planted.name)) {
        kprint_wrapped(6, "find: a name has from 1 to %u characters, and \"%s\" has %u",
                       (unsigned)sizeof(planted.name) - 1, name, (unsigned)strlen(name));
        return false;
    }
    stats_get(&stats);
    if (planted.name[0] == 0 && stats.last_serial == 0)
        plant(name);
    if (strcmp(planted.name, name) == 0)
        return true;
    kprintf("find: memory was taken before: reboot, and run this first\n");
    return false;
}

static void day(void)
{
    planted.times = 0;
    server_day(&planted.habits);
}

static int run(const char *name)
{
    if (!is_somebody(name) || !is_planted(name))
        return SHELL_FAILED;
    day();
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

static bool is_right(const struct find_answer *said, enum part part)
{
    if (part == KIND)
        return strcmp(said->kind, kinds[kept(KIND)]) == 0;
    if (part == FILE)
        return is_file(said->file, (const char *)(uintptr_t)kept(FILE));
    if (part == LINE)
        return said->line == kept(LINE) && is_right(said, FILE);
    if (part == SERIAL)
        return said->serial == kept(SERIAL);
    return is_right(said, KIND) && is_right(said, LINE) && is_right(said, SERIAL);
}

static const char *nth_kind(unsigned n)
{
    return n < FIND_KINDS ? kinds[n] : NULL;
}

static const char *nth_file(unsigned n)
{
    return n < sizeof(files) / sizeof(files[0]) ? files[n] : NULL;
}

/* Is it one of these words?  False, and it is said. */
static bool is_one(const char *text, const char *what, const char *(*words)(unsigned n))
{
    const char *nearest = shell_nearest(text, words);

    if (nearest != NULL && strcmp(nearest, text) == 0)
        return true;
    if (nearest != NULL)
        kprint_wrapped(6, "find: \"%s\" is no %s, but \"%s\" is", text, what, nearest);
    else
        kprint_wrapped(6, "find: \"%s\" is no %s; `help find` lists them", text, what);
    return false;
}

/* Of what is asked for, is there a word that cannot be right?  It is said which. */
static bool is_known(const struct find_answer *said, enum part part)
{
    const char *slash = strrchr(said->file, '/');

    return ((part != KIND && part != ALL) || is_one(said->kind, "kind", nth_kind)) &&
           (part == KIND || part == SERIAL ||
            is_one(slash != NULL ? slash + 1 : said->file, "file", nth_file));
}

/* Where to look, by what is found already. */
static const char *hint(const struct find_answer *said)
{
    if (!is_right(said, KIND))
        return hint_kind;
    return is_right(said, LINE) ? hint_serial : hints[kept(KIND)];
}

/* "right so far: kind, file; ", or "". */
static const char *right_so_far(const struct find_answer *said, char *text, size_t size)
{
    text[0] = 0;
    for (enum part part = KIND; part < PARTS; part++)
        if (is_right(said, part)) {
            strlcat(text, text[0] == 0 ? "right so far: " : ", ", size);
            strlcat(text, parts[part], size);
        }
    if (text[0] != 0)
        strlcat(text, "; ", size);
    return text;
}

static int tell(const struct find_answer *said, enum part part)
{
    char text[48];

    if (is_right(said, part)) {
        kprintf("find: right\n");
        return SHELL_OK;
    }
    if (is_known(said, part))
        kprint_wrapped(6, "find: not yet; %s%s", right_so_far(said, text, sizeof(text)),
                       hint(said));
    return SHELL_FAILED;
}

static int answer(char **words)
{
    struct find_answer said = { .kind = words[0], .file = words[1] };

    if (!shell_number(words[2], "LINE", &said.line) ||
        !shell_number(words[3], "SERIAL", &said.serial))
        return SHELL_USAGE;
    if (!planted.made) {
        kprintf("find: run your server first: find run NAME\n");
        return SHELL_FAILED;
    }
    return tell(&said, ALL);
}

static void drop(const char *text, size_t length)
{
    (void)text, (void)length;
}

/*
 * What its mistake reports is meant; and for the rest there is `find run`.  That a server
 * runs is all that can be said of nobody's.
 */
static int judge(const char *name, const char *word)
{
    void (*filter)(const char *, size_t) = kprintf_filter;
    enum part part = KIND;

    while (word != NULL && part < PARTS && strcmp(parts[part], word) != 0)
        part++;
    if (part == PARTS)
        return shell_usage("\"%s\" is no PART", word);
    kprintf("find: the answer of %s\n", name);
    if ((word != NULL && !is_somebody(name)) || !is_planted(name))
        return SHELL_FAILED;
    kprintf_filter = drop;
    day();
    kprintf_filter = filter;
    shell_meant_reports();
    if (!planted.made)
        return SHELL_FAILED;
    return word == NULL ? SHELL_OK : tell(&find_answer, part);
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
    if ((argc == 2 || argc == 3) && strcmp(what, "judge") == 0)
        return judge(find_answer.name, argv[2]);
    return shell_usage("one of these is missing");
}

SHELL_COMMAND_IN(NULL, find, "run NAME|stop|answer KIND FILE LINE SERIAL|judge [PART]",
                 "a mail server with a mistake, by name",
                 "Kinds: error-path list-head owner-first krealloc interrupt double-free\n"
                 "interior use-after-free overflow pages cache count.\n"
                 "Files: server.c post.c.\n"
                 "PART is kind, file, line or serial: of what is handed in.", cmd_find);
