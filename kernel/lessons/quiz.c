/*
 * quiz.c - quiz: the questions of the course, in any order.
 *
 *     marbles> quiz                       all of them
 *     marbles> quiz ann                   in ann's order, with ann's letters
 *     marbles> quiz ann b c kmemleak      and with ann's answers
 *     marbles> quiz ann -n 5 -t any       five, of those that lesson any tells
 *     marbles> quiz ann -t bag,leak       of those that one of these tells
 *
 * Lessons say how a thing works; a quiz asks what follows from it, and which tool is for which
 * situation, because who knows tools by heart often cannot choose between them (Webb and
 * Taylor, SIGCSE 2014).  Behind each answer stands why, and a line that shows it: ! at the next
 * question runs it at once.
 *
 * What can be measured is measured when it is asked, as in lessons.  What is a fact, or advice,
 * cannot be: of these quiz_table.c has the answers, and who reads it knows them.  So a quiz is
 * to learn by, and no examination.
 */
#include "kernel/lessons/quiz.h"

#include "kernel/lessons/lesson_priv.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { TEXT_SIZE = 256 };

/* What the running quiz is to ask. */
static struct {
    uint32_t most;              /* so many, */
    const char *lessons;        /*   of these, "bag,leak"; NULL: of all */
    bool wrong[LESSON_QUESTIONS];       /* of the table: it was not answered right */
} wanted;

/* ---- choices, in another order for everybody ---------------------------------------- */

static unsigned count_of(const char *choices)
{
    unsigned n = 1;

    while ((choices = strchr(choices, '|')) != NULL) {
        choices++;
        n++;
    }
    return n;
}

/* The last n of the choices come before the others. */
static void turn(const char *choices, unsigned n, char *text)
{
    const char *first = choices;

    for (unsigned skip = n > 0 ? count_of(choices) - n : 0; skip > 0; skip--)
        first = strchr(first, '|') + 1;
    strlcpy(text, first, TEXT_SIZE);
    if (first > choices)
        ksnprintf(text + strlen(text), TEXT_SIZE - strlen(text), "|%.*s",
                  (int)(first - choices) - 1, choices);
}

/* What is right, of choices turned by n. */
static void judge(struct lesson_run *run, const struct quiz_question *question, unsigned n,
                  uint32_t count)
{
    uint32_t right = question->measure != NULL ? question->measure() : 0;

    lesson_is(run, right == LESSON_NOT_NOW ? right : (right + n) % count, "%s", question->why);
}

static bool ask_choice(struct lesson_run *run, const struct quiz_question *question)
{
    unsigned count = count_of(question->choices), n = lesson_number(run, 0, count - 1);
    char text[TEXT_SIZE] = "";          /* all of it: a scan reads what lies on the stack */

    turn(question->choices, n, text);
    if (!lesson_choose(run, text, "%s", question->ask))
        return false;
    judge(run, question, n, count);
    return true;
}

/* ---- asking -------------------------------------------------------------------------- */

static bool ask_number(struct lesson_run *run, const struct quiz_question *question)
{
    if (!lesson_ask(run, "%s", question->ask))
        return false;
    judge(run, question, 0, UINT32_MAX);
    return true;
}

static bool ask_word(struct lesson_run *run, const struct quiz_question *question)
{
    if (!lesson_ask_word(run, "%s  (a word)", question->ask))
        return false;
    lesson_is_word(run, question->words, "%s", question->why);
    return true;
}

/* As it is to be answered. */
static bool ask_by_kind(struct lesson_run *run, const struct quiz_question *question)
{
    if (question->words != NULL)
        return ask_word(run, question);
    return question->choices != NULL ? ask_choice(run, question) : ask_number(run, question);
}

/* Behind the last there is no question at which ! could be typed. */
static bool ask(struct lesson_run *run, unsigned which, bool is_last)
{
    const struct quiz_question *question = &quiz_questions[which];
    unsigned right = run->right;

    run->about = question->name;
    if (!ask_by_kind(run, question))
        return false;
    run->then = question->then;
    kprint_wrapped(5, "  To try it%s: %s", is_last ? "" : " (!)", run->then);
    wanted.wrong[which] = run->right == right;
    return true;
}

/* Fisher and Yates. */
static void shuffle(struct lesson_run *run, unsigned *order, unsigned count)
{
    for (unsigned n = count; n > 1; n--) {
        unsigned other = lesson_number(run, 0, n - 1), last = order[n - 1];

        order[n - 1] = order[other];
        order[other] = last;
    }
}

/* Is it one of "bag,leak"? */
static bool is_listed(const char *lesson, const char *list)
{
    size_t length = strlen(lesson);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, lesson, length) == 0 && (at[length] == 0 || at[length] == ','))
            return true;
    }
    return false;
}

static bool is_wanted(const struct quiz_question *question)
{
    return wanted.lessons == NULL || is_listed(question->lesson, wanted.lessons);
}

static void quiz(struct lesson_run *run)
{
    unsigned order[LESSON_QUESTIONS] = { 0 }, count = 0;

    for (unsigned n = 0; n < quiz_count; n++)
        if (is_wanted(&quiz_questions[n]))
            order[count++] = n;
    shuffle(run, order, count);
    count = wanted.most < count ? wanted.most : count;
    kprint_wrapped(2, "%u question%s, in the order of: %s.  Type a letter, a number or a word; "
                   "? is \"I do not know\".  ! runs the line to try, Ctrl-C leaves.",
                   count, plural(count), run->seed);
    for (unsigned n = 0; n < count && ask(run, order[n], n + 1 == count); n++)
        continue;
}

static const struct lesson lesson_of_quiz = { .name = "quiz", .run = quiz };

/* ---- the command --------------------------------------------------------------------- */

/* What was answered, as words that go on from there, in the same order. */
static void print_again(const struct lesson_run *run)
{
    char line[LESSON_QUESTIONS * (LESSON_ANSWER_SIZE + 3) + 8] = "";

    for (unsigned n = 0; n < run->asked; n++) {
        const char *answer = run->answers[n], *quote = lesson_quote(answer);
        size_t used = strlen(line);

        ksnprintf(line + used, sizeof(line) - used, " %s%s%s", quote,
                  answer[0] != 0 ? answer : "?", quote);
    }
    if (wanted.most < LESSON_QUESTIONS)
        ksnprintf(line + strlen(line), sizeof(line) - strlen(line), " -n %u",
                  (unsigned)wanted.most);
    kprint_wrapped(2, "Left.  To go on:  quiz %s%s%s%s%s%s", lesson_quote(run->seed), run->seed,
                   lesson_quote(run->seed), line,
                   wanted.lessons != NULL ? " -t " : "",
                   wanted.lessons != NULL ? wanted.lessons : "");
}

/* Which lessons tell what was not known, each once. */
static void print_lessons(void)
{
    const char *last = NULL;

    for (unsigned n = 0; n < quiz_count; n++) {
        const char *lesson = quiz_questions[n].lesson;

        if (!wanted.wrong[n] || (last != NULL && strcmp(last, lesson) == 0))
            continue;
        kprintf(last == NULL ? "Look again at: lesson %s" : ", %s", lesson);
        last = lesson;
    }
    if (last != NULL)
        kprintf("\n");
}

static void print_result(const struct lesson_run *run)
{
    kprintf("\n%u of %u right.\n", run->right, run->shown);
    if (run->left)
        print_again(run);
    else
        print_lessons();
}

/* -n 5: take both words away; NULL: it is not there, and "" if nothing stands behind it. */
static const char *take_option(int *argc, char **argv, const char *option)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], option) != 0)
            continue;

        const char *value = i + 1 < *argc ? argv[i + 1] : "";
        int words = i + 1 < *argc ? 2 : 1;

        *argc -= words;
        for (int j = i; j <= *argc; j++)
            argv[j] = argv[j + words];
        return value;
    }
    return NULL;
}

/* For Tab, and for who mistypes one: the nth lesson that is asked about. */
static const char *nth_lesson(unsigned n)
{
    for (unsigned i = 0; i < quiz_count; i++)
        if ((i == 0 || strcmp(quiz_questions[i].lesson, quiz_questions[i - 1].lesson) != 0) &&
            n-- == 0)
            return quiz_questions[i].lesson;
    return NULL;
}

static int check_lesson(const char *lesson)
{
    const char *name, *nearest = shell_nearest(lesson, nth_lesson);

    for (unsigned n = 0; (name = nth_lesson(n)) != NULL; n++)
        if (strcmp(name, lesson) == 0)
            return SHELL_OK;
    if (nearest != NULL)
        return shell_usage("-t: no question is about \"%s\", but \"%s\" has some", lesson,
                           nearest);
    return shell_usage("-t: no question is about \"%s\"; \"lesson\" lists lessons", lesson);
}

/* Each of "bag,leak". */
static int set_lessons(const char *list)
{
    char lesson[LESSON_SEED_SIZE];
    const char *at = list, *end;
    int status = SHELL_OK;

    wanted.lessons = list;
    for (; at != NULL && status == SHELL_OK; at = end != NULL ? end + 1 : NULL) {
        end = strchr(at, ',');
        ksnprintf(lesson, sizeof(lesson), "%.*s",
                  (int)(end != NULL ? (size_t)(end - at) : strlen(at)), at);
        status = check_lesson(lesson);
    }
    return status;
}

static int set_most(const char *most)
{
    if (!shell_number(most, "-n", &wanted.most))
        return SHELL_USAGE;
    if (wanted.most == 0)
        return shell_usage("-n: 0 questions are none");
    return SHELL_OK;
}

static int cmd_quiz(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    const char *most = take_option(&argc, argv, "-n");
    const char *lessons = take_option(&argc, argv, "-t");
    struct lesson_run run = { .lesson = &lesson_of_quiz, .json = json };
    int status;

    memset(&wanted, 0, sizeof(wanted));
    wanted.most = LESSON_QUESTIONS;
    if (most != NULL && (status = set_most(most)) != SHELL_OK)
        return status;
    if (lessons != NULL && (status = set_lessons(lessons)) != SHELL_OK)
        return status;
    status = lesson_take_words(&run, argc - 1, argv + 1);
    if (status != SHELL_OK)
        return status;

    bool judged = run.given > 0;

    if (!lesson_prepare(&run))
        return SHELL_FAILED;
    lesson_begin(&run);
    if (!run.json && !run.stopped)
        print_result(&run);
    return lesson_end(&run, judged);
}

SHELL_COMMAND_WORDS("lessons", quiz, "[NAME [ANSWER...]] [-n COUNT] [-t LESSON,...] [-j]",
    "the questions of the course, in any order",
    "NAME is yours: everybody has another order, and who runs it again with your name\n"
    "has yours.  Enter alone, or ?, is \"I do not know\"; ! runs the line that stands\n"
    "behind the last explanation.  -n: so many.  -t: those that these lessons tell.\n"
    "Ctrl-C leaves, and says how to go on.\n"
    "What can be measured is; of facts and advice kernel/lessons/quiz_table.c has the\n"
    "answers.\n"
    "    quiz ann c c -n 2 -t bag,leak,any",
    cmd_quiz, nth_lesson);
