/*
 * cmd_lesson.c - lesson: which there are, and one of them.
 *
 *     marbles> lesson                     the list
 *     marbles> lesson bag                 one of them, which asks; or by its number
 *     marbles> lesson bag ann             with ann's numbers
 *     marbles> lesson bag ann 3 b 40      and with ann's answers
 *     marbles> lesson bag -h              its handout
 *
 * Who leaves a lesson by Ctrl-C goes on where it was when the same is asked for again:
 * the answers are kept, of each lesson the last that were, and what belongs to them is done
 * once more.  -n begins anew.
 */
#include "kernel/lessons/lesson_priv.h"

#include "kernel/shell.h"
#include "kernel/string.h"

/*
 * A place for each lesson: how far it had come when it was left.  Are there more lessons than
 * places, by labs, two share one, and the later has it.
 */
enum { PLACES = 16 };

static struct left {
    const struct lesson *lesson;        /* NULL: none was */
    char seed[LESSON_SEED_SIZE];
    char answers[LESSON_QUESTIONS][LESSON_ANSWER_SIZE];
    unsigned count;
} places[PLACES];

static struct left *place_of(const struct lesson *lesson)
{
    return &places[(size_t)(lesson - __start_lessons) % PLACES];
}

/* ---- the list -------------------------------------------------------------------- */

/* Of two with one number the one that was linked first. */
static bool is_before(const struct lesson *a, const struct lesson *b)
{
    return a->number < b->number || (a->number == b->number && a < b);
}

/* The first behind `last`, or of all; NULL: there is none. */
static const struct lesson *next_lesson(const struct lesson *last)
{
    const struct lesson *next = NULL;

    for (const struct lesson *lesson = __start_lessons; lesson < __stop_lessons; lesson++)
        if ((last == NULL || is_before(last, lesson)) &&
            (next == NULL || is_before(lesson, next)))
            next = lesson;
    return next;
}

/* For Tab, and for who mistypes one. */
static const char *nth_name(unsigned n)
{
    return n < (unsigned)(__stop_lessons - __start_lessons) ? __start_lessons[n].name : NULL;
}

static void print_lesson_json(const struct lesson *lesson)
{
    kprintf("{\"number\": %u, \"name\": \"%s\", \"title\": ", lesson->number, lesson->name);
    json_string(lesson->title);
    kprintf(", \"belief\": ");
    json_string(lesson->belief);
    kprintf(", \"then\": ");
    json_string(lesson->then);
    kprintf("}\n");
}

static int list(bool json)
{
    for (const struct lesson *lesson = next_lesson(NULL); lesson != NULL;
         lesson = next_lesson(lesson))
        if (json)
            print_lesson_json(lesson);
        else
            kprintf("%3u  %-10s %s\n", lesson->number, lesson->name, lesson->title);
    if (!json)
        kprint_wrapped(0, "lesson NAME: it asks, shows, and says why; lesson NAME YOURNAME: with "
                       "numbers of your own; lesson NAME -h: its handout");
    return SHELL_OK;
}

static bool is_called(const struct lesson *lesson, const char *name)
{
    char number[12];

    ksnprintf(number, sizeof(number), "%u", lesson->number);
    return strcmp(lesson->name, name) == 0 || strcmp(number, name) == 0;
}

/* By its name, or by the number that the list has for it: the first behind `last`, or of all. */
static const struct lesson *find(const char *name, const struct lesson *last)
{
    const struct lesson *lesson = last != NULL ? last + 1 : __start_lessons;

    while (lesson < __stop_lessons && !is_called(lesson, name))
        lesson++;
    return lesson < __stop_lessons ? lesson : NULL;
}

/* There is none of that name, or there are two. */
static int no_lesson(const char *name)
{
    const char *nearest = shell_nearest(name, nth_name);
    const struct lesson *first = find(name, NULL);

    if (first != NULL)
        return shell_usage("\"%s\" is two lessons: \"%s\", of %s, and \"%s\", of %s", name,
                           first->name, first->file, find(name, first)->name,
                           find(name, first)->file);
    if (nearest != NULL)
        return shell_usage("\"%s\" is no lesson, but \"%s\" is", name, nearest);
    return shell_usage("\"%s\" is no lesson; \"lesson\" lists them", name);
}

/* A screen at a time, where somebody sits in front of one. */
static int print_handout(const struct lesson *lesson)
{
    const char *text = lesson_handout(lesson->file);
    bool paged = shell_page_begin();

    if (text == NULL)
        kprint_wrapped(0, "lesson %s: the handout is the comment at the top of %s", lesson->name,
                       lesson->file);
    else
        kprintf("%s", text);
    if (paged)
        shell_page_end();
    return SHELL_OK;
}

/* ---- a run ----------------------------------------------------------------------- */

/* It was left before: what was answered is taken up. */
static void take_up(struct lesson_run *run)
{
    const struct left *left = place_of(run->lesson);

    if (left->lesson != run->lesson || strcmp(left->seed, run->seed) != 0 || run->given > 0)
        return;
    for (unsigned i = 0; i < left->count; i++)
        lesson_add_answer(run, left->answers[i]);
    if (!run->json && left->count > 0)
        kprint_wrapped(0, "You have answered %u question%s of it; lesson %s %s%s%s -n begins "
                       "anew.", left->count, plural(left->count), run->lesson->name,
                       lesson_quote(run->seed), run->seed, lesson_quote(run->seed));
}

/* Who leaves takes the place of whom left before; who ends needs his own no more. */
static void keep(const struct lesson_run *run)
{
    struct left *left = place_of(run->lesson);

    if (!run->left && strcmp(left->seed, run->seed) != 0)
        return;
    left->lesson = run->left ? run->lesson : NULL;
    strlcpy(left->seed, run->seed, sizeof(left->seed));
    left->count = run->asked;
    memcpy(left->answers, run->answers, sizeof(left->answers));
}

/* Line by line: what each prints is to be read. */
static void print_then(const char *then)
{
    const char *begin = "Now try: ", *end;

    for (; (end = strchr(then, '\n')) != NULL; then = end + 1) {
        kprintf("%s%.*s\n", begin, (int)(end - then), then);
        begin = "         ";
    }
    kprintf("%s%s\n", begin, then);
}

static void print_result(const struct lesson_run *run)
{
    const char *quote = lesson_quote(run->seed);

    kprintf("\n");
    if (run->left) {
        kprint_wrapped(0, "Left at question %u: lesson %s %s%s%s goes on there.", run->asked + 1,
                       run->lesson->name, quote, run->seed, quote);
        return;
    }
    kprint_wrapped(2, "%u of %u right.  What many believe, and what is not so: %s.",
                   run->right, run->shown, run->lesson->belief);
    kprint_wrapped(2, "What it took the lesson has given back, the lost as well: the kernel "
                   "keeps records of all that is out, which a program does not have.");
    print_then(run->lesson->then);
}

static void begin(const struct lesson_run *run)
{
    kprintf("Lesson %u: %s  (numbers of: %s)\n", run->lesson->number, run->lesson->title,
            run->seed);
    kprintf("Guess, then look: a number or a letter; Enter alone is \"I do not know\", and\n"
            "Ctrl-C leaves.\n\n");
}

/* With answers the status says whether they are right: so a script may collect them. */
static int run_lesson(struct lesson_run *run, bool anew)
{
    bool judged = run->given > 0;

    if (!lesson_has_records(run) || !lesson_prepare(run))
        return SHELL_FAILED;
    if (!anew)
        take_up(run);
    if (!run->json)
        begin(run);
    lesson_begin(run);
    keep(run);
    if (!run->json && !run->stopped)
        print_result(run);
    return lesson_end(run, judged);
}

static int cmd_lesson(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j"), anew = shell_option(&argc, argv, "-n");
    bool handout = shell_option(&argc, argv, "-h");
    struct lesson_run run = { .json = json };
    int status;

    if (argc == 1)
        return list(json);
    run.lesson = find(argv[1], NULL);
    if (run.lesson == NULL || find(argv[1], run.lesson) != NULL)
        return no_lesson(argv[1]);
    if (handout)
        return print_handout(run.lesson);
    status = lesson_take_words(&run, argc - 2, argv + 2);
    if (status != SHELL_OK)
        return status;
    return run_lesson(&run, anew);
}

SHELL_COMMAND_WORDS("lessons", lesson, "[NAME [SEED [ANSWER...]]] [-h] [-n] [-j]",
    "a lesson that asks, shows, and says why",
    "Without a NAME it lists them; the number is as good as the name.  First guess,\n"
    "then look: Enter alone is \"I do not know\".  SEED is your name: everybody has\n"
    "other numbers, and who runs it again with your name has yours.  ANSWERs are\n"
    "those to its questions, in a row.  Ctrl-C leaves; the same again goes on there,\n"
    "-n from the beginning.  -h: the handout.\n"
    "    lesson bag ann 3 b b",
    cmd_lesson, nth_name);
