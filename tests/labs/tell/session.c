/*
 * session.c - tell them apart: what a command does to a pool, and whether a session does
 * not do the same to all.
 *
 *     line -> do_line -> outcome         what came of it, and how many slabs it has
 *     session, on each of the six pools:
 *
 *         take        slot 0/1  slot 0/1  slot 0/1 ...
 *         give 0      given/0   given/0   given/0  ...
 *                        |         |
 *                        columns that are the same are pools that are not told apart
 *
 * A pool has nothing but its number, another one for each name; and a line does not say of
 * which pool it is.  So nothing tells them apart but what they do.
 *
 *     pool N take               gets a slot
 *     pool N give SLOT[+BYTES]  gives one back, or what is so many bytes behind its begin
 *     pool N fill SLOT          writes to all bytes of a slot that is out
 *     pool N look SLOT          are they still there?
 *     pool N reset              as if it were new
 *     tell                      what is handed in, on all pools, as new
 *     tell apart N              is pool N told apart from all others?
 *     tell lines                are all lines commands?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "tests/labs/tell/pools.h"
#include "tests/labs/tell/tell.h"

enum { FILL = 0x40, OUTCOME_SIZE = 12, WORD_SIZE = 8, LINE_SIZE = 32 };

enum result { NO_COMMAND, SLOT, NONE, GIVEN, REFUSED, FILLED, SAME, CHANGED };

struct outcome {
    enum result result;
    int slot;                   /* SLOT */
    unsigned slabs;
};

/* A pool, and what its user knows of it. */
struct user {
    struct pool pool;
    bool out[POOL_SLOTS], filled[POOL_SLOTS];
};

static struct user users[POOLS];
static bool begun;              /* they were reset once */
static struct outcome outcomes[POOLS][TELL_LINES];

/* ---- numbers ------------------------------------------------------------------------ */

static void reset(struct user *user, enum pool_flaw flaw)
{
    pool_reset(&user->pool, flaw);
    memset(user->out, 0, sizeof(user->out));
    memset(user->filled, 0, sizeof(user->filled));
}

/* As new; which flaw has which number is shuffled by the name (Fisher and Yates). */
static void reset_all(void)
{
    uint32_t draw = lesson_random_of(tell_session.name);
    enum pool_flaw flaw[POOLS] = { RIGHT };

    for (unsigned i = 0; i < POOLS; i++) {
        unsigned other = lesson_draw(&draw, 0, i);

        flaw[i] = flaw[other];
        flaw[other] = i;
    }
    for (unsigned i = 0; i < POOLS; i++)
        reset(&users[i], flaw[i]);
    begun = true;
}

/* ---- a line ------------------------------------------------------------------------- */

static enum result take(struct user *user, int *slot)
{
    *slot = pool_take(&user->pool);
    if (*slot == NO_SLOT)
        return NONE;
    user->out[*slot] = true;
    user->filled[*slot] = false;
    return SLOT;
}

static enum result give(struct user *user, int slot, unsigned offset)
{
    if (!pool_give(&user->pool, slot, offset))
        return REFUSED;
    user->out[slot] = false;
    return GIVEN;
}

static enum result fill(struct user *user, int slot)
{
    if (slot >= POOL_SLOTS || !user->out[slot])
        return REFUSED;
    memset(pool_bytes(&user->pool, slot), FILL + slot, SLOT_BYTES);
    user->filled[slot] = true;
    return FILLED;
}

static enum result look(const struct user *user, int slot)
{
    if (slot >= POOL_SLOTS || !user->out[slot] || !user->filled[slot])
        return REFUSED;

    const uint8_t *bytes = pool_bytes(&user->pool, slot);

    for (unsigned i = 0; i < SLOT_BYTES; i++)
        if (bytes[i] != FILL + slot)
            return CHANGED;
    return SAME;
}

/* The number that begins there, of two digits at most; false: there is none. */
static bool digits(const char **text, unsigned *number)
{
    const char *begin = *text;

    for (*number = 0; **text >= '0' && **text <= '9'; ++*text)
        *number = *number * 10 + (unsigned)(**text - '0');
    return *text != begin && *text - begin <= 2;
}

/* "give 3+8": the word, and two numbers.  False: it is none of these. */
static bool read_line(const char *line, char *word, unsigned *slot, unsigned *offset)
{
    size_t length = 0;

    *slot = *offset = 0;
    while (line[length] >= 'a' && line[length] <= 'z' && length < WORD_SIZE - 1)
        length++;
    strlcpy(word, line, length + 1);
    line += length;
    if (strcmp(word, "take") == 0)
        return *line == 0;
    if (*line++ != ' ' || !digits(&line, slot))
        return false;
    if (strcmp(word, "give") == 0 && *line == '+') {
        line++;
        if (!digits(&line, offset))
            return false;
    }
    return *line == 0;
}

static struct outcome do_line(struct user *user, const char *line)
{
    struct outcome done = { .result = NO_COMMAND };
    unsigned slot, offset;
    char word[WORD_SIZE];

    if (!read_line(line, word, &slot, &offset))
        return done;
    if (strcmp(word, "take") == 0)
        done.result = take(user, &done.slot);
    else if (strcmp(word, "give") == 0)
        done.result = give(user, (int)slot, offset);
    else if (strcmp(word, "fill") == 0)
        done.result = fill(user, (int)slot);
    else if (strcmp(word, "look") == 0)
        done.result = look(user, (int)slot);
    done.slabs = user->pool.slabs;
    return done;
}

static const char *outcome_text(const struct outcome *done, char *text)
{
    static const char *const words[] = { "?", "slot", "none", "given", "refused", "filled",
                                         "same", "changed" };

    if (done->result == SLOT)
        ksnprintf(text, OUTCOME_SIZE, "slot %d/%u", done->slot, done->slabs);
    else
        ksnprintf(text, OUTCOME_SIZE, "%s/%u", words[done->result], done->slabs);
    return text;
}

/* ---- a session ---------------------------------------------------------------------- */

/* On each pool, as new.  False, and it is said: there is a line that is no command. */
static bool run_session(void)
{
    unsigned lines = tell_session.count;

    if (lines == 0 || lines > TELL_LINES) {
        kprintf("tell: from 1 to %d lines, and there are %u\n", TELL_LINES, lines);
        return false;
    }
    reset_all();
    for (unsigned line = 0; line < lines; line++)
        for (unsigned n = 0; n < POOLS; n++) {
            outcomes[n][line] = do_line(&users[n], tell_session.lines[line]);
            if (outcomes[n][line].result == NO_COMMAND) {
                kprint_wrapped(6, "tell: \"%s\" is none of take, give SLOT[+BYTES], "
                               "fill SLOT, look SLOT", tell_session.lines[line]);
                return false;
            }
        }
    return true;
}

static bool are_alike(unsigned one, unsigned other)
{
    for (unsigned line = 0; line < tell_session.count; line++) {
        const struct outcome *a = &outcomes[one][line], *b = &outcomes[other][line];

        if (a->result != b->result || a->slot != b->slot || a->slabs != b->slabs)
            return false;
    }
    return true;
}

/* Those that do all that pool n does, n among them, as numbers in a row: " 1 3 4". */
static void show_alike(unsigned n)
{
    for (unsigned other = 0; other < POOLS; other++)
        if (other == n || are_alike(n, other))
            kprintf(" %u", other + 1);
}

/* The first pool that does all that pool n does, and is not pool n; POOLS: none is. */
static unsigned first_like(unsigned n)
{
    unsigned other = 0;

    while (other < POOLS && (other == n || !are_alike(n, other)))
        other++;
    return other;
}

static int apart(unsigned n)
{
    if (first_like(n) == POOLS)
        return SHELL_OK;
    kprintf("tell: alike:");
    show_alike(n);
    kprintf("\n");
    return SHELL_FAILED;
}

static void show_heading(void)
{
    kprintf("%-10s", "");
    for (unsigned n = 0; n < POOLS; n++)
        kprintf("     pool %u", n + 1);
    kprintf("\n");
}

/* Below it its heading again: above, it may be out of sight.  Then a line for each group. */
static int show_table(void)
{
    char text[OUTCOME_SIZE];
    int status = SHELL_OK;

    show_heading();
    for (unsigned line = 0; line < tell_session.count; line++) {
        kprintf("%-10s", tell_session.lines[line]);
        for (unsigned n = 0; n < POOLS; n++)
            kprintf(" %10s", outcome_text(&outcomes[n][line], text));
        kprintf("\n");
    }
    show_heading();
    for (unsigned n = 0; n < POOLS; n++)
        if (first_like(n) != POOLS && first_like(n) > n)
            status = apart(n);
    return status;
}

/* ---- commands ----------------------------------------------------------------------- */

static bool pool_number(const char *text, uint32_t *n)
{
    if (!shell_number(text, "N", n))
        return false;
    if (*n < 1 || *n > POOLS) {
        shell_usage("N: %u is none of 1 to %d", (unsigned)*n, POOLS);
        return false;
    }
    --*n;
    return true;
}

static int cmd_tell(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool asks_lines = argc == 2 && strcmp(what, "lines") == 0;
    bool asks_apart = argc == 3 && strcmp(what, "apart") == 0;
    uint32_t n = 0;

    if (argc > 1 && !asks_lines && !asks_apart)
        return shell_usage("\"%s\" is none of these", what);
    if (asks_apart && !pool_number(argv[2], &n))
        return SHELL_USAGE;
    if (!run_session())
        return SHELL_FAILED;
    return asks_lines ? SHELL_OK : asks_apart ? apart(n) : show_table();
}

static int cmd_pool(int argc, char **argv)
{
    char line[LINE_SIZE], text[OUTCOME_SIZE];
    struct outcome done;
    uint32_t n;

    if (argc < 3 || argc > 4)
        return shell_usage("one of these is missing");
    if (!pool_number(argv[1], &n))
        return SHELL_USAGE;
    if (!begun)
        reset_all();
    if (argc == 3 && strcmp(argv[2], "reset") == 0) {
        reset(&users[n], users[n].pool.flaw);
        return SHELL_OK;
    }
    ksnprintf(line, sizeof(line), "%s%s%s", argv[2], argc == 4 ? " " : "",
              argc == 4 ? argv[3] : "");
    done = do_line(&users[n], line);
    if (done.result == NO_COMMAND)
        return shell_usage("\"%s\" is none of these", line);
    kprintf("%s\n", outcome_text(&done, text));
    return done.result == NONE || done.result == REFUSED || done.result == CHANGED
           ? SHELL_FAILED : SHELL_OK;
}

SHELL_COMMAND(pool, "N take|give SLOT[+BYTES]|fill SLOT|look SLOT|reset",
              "one of six pools; behind the / stands how many slabs it has", cmd_pool);
SHELL_COMMAND(tell, "[lines|apart N]", "what is handed in, on all six pools", cmd_tell);
