/*
 * quiz_table.c - the questions of the course, by lesson, and what is right.
 *
 * A question with a function is measured: the function does what is asked about, and says which
 * of the choices came true, 0 the first.  One without is a fact, or advice, and the first of
 * its choices is right; quiz.c shows them in another order for everybody.
 *
 * What is refused in here is not told, for it would tell the answer of the next question too;
 * the line behind the explanation shows the report.
 */
#include "kernel/lessons/quiz.h"

#include "kernel/leaks/scan.h"
#include "kernel/lessons/lesson_priv.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "mm/port.h"
#include "mm/slab.h"

enum { SIZE = 100, NODES = 10 };

static uint32_t live_now(void)
{
    struct mm_stats stats;

    stats_get(&stats);
    return stats.live_objects;
}

/* ---- what becomes of an object -------------------------------------------------------- */

/* 0: what was there before is still there, and ours. */
static uint32_t krealloc_fails(void)
{
    char *p = kmalloc(SIZE, GFP_KERNEL), *more;
    uint32_t before = live_now(), answer;

    if (p == NULL)
        return LESSON_NOT_NOW;
    more = krealloc(p, KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN);
    answer = more == NULL && live_now() == before ? 0 : 1;
    kfree(more != NULL ? more : p);
    return answer;
}

/* The second allocation fails, and the function returns; what it took first is in *kept. */
static __attribute__((noinline)) int init_of_a_driver(void **kept)
{
    void *a = kmalloc(SIZE, GFP_KERNEL), *b;

    *kept = a;                          /* for who cleans up behind this question */
    if (a == NULL)
        return -1;
    b = kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN);
    if (b == NULL)
        return -1;
    kfree(b);
    kfree(a);
    return 0;
}

static uint32_t return_without_kfree(void)
{
    uint32_t before = live_now();
    void *kept;
    uint32_t answer = init_of_a_driver(&kept) != 0 && live_now() > before ? 0 : 1;

    if (kept == NULL)
        return LESSON_NOT_NOW;
    kfree(kept);
    return answer;
}

/* ---- what a scan calls lost ----------------------------------------------------------- */

struct node {
    struct node *next;
};

static struct node *first_node;         /* what hangs here is reachable */

/* False: not all were made. */
static __attribute__((noinline)) bool make_nodes(unsigned count)
{
    for (; count > 0; count--) {
        struct node *node = kmalloc(sizeof(*node), GFP_KERNEL);

        if (node == NULL)
            return false;
        node->next = first_node;
        first_node = node;
    }
    return true;
}

static __attribute__((noinline)) bool make_cycle(void)
{
    if (!make_nodes(2))
        return false;
    first_node->next->next = first_node;
    first_node = NULL;
    return true;
}

static void drop_nodes(void)
{
    while (first_node != NULL) {
        struct node *next = first_node->next;

        kfree(first_node);
        first_node = next;
    }
}

/* Of those that are younger, how many are lost; all of them are given back. */
static uint32_t count_lost(uint32_t began)
{
    struct scan_report report;
    struct mm_live live;
    uint32_t lost = 0;

    shell_wipe_stack();
    if (!scan_leaks(&report))
        return LESSON_NOT_NOW;
    for (uintptr_t from = 0; mm_scan_next(from, &live); from = live.start + 1) {
        if (live.serial <= began)
            continue;
        lost += is_lost(&live);
        kfree((void *)live.start);
    }
    first_node = NULL;
    return lost;
}

/* What make() leaves behind: how many of it are lost? */
static uint32_t lost_of(bool (*make)(void))
{
    uint32_t began = mm_last_serial();

    if (mm_records && make())
        return count_lost(began);
    drop_nodes();
    return LESSON_NOT_NOW;
}

static uint32_t lost_in_a_cycle(void)
{
    uint32_t lost = lost_of(make_cycle);

    return lost == LESSON_NOT_NOW ? lost : lost == 2 ? 0 : lost == 0 ? 1 : 2;
}

static bool make_list(void)
{
    return make_nodes(NODES);
}

static bool lose_a_list(void)
{
    if (!make_list())
        return false;
    first_node = NULL;
    return true;
}

static uint32_t lost_behind_a_head(void)
{
    return lost_of(lose_a_list);
}

static uint32_t lost_in_a_growing_list(void)
{
    uint32_t lost = lost_of(make_list);

    return lost == LESSON_NOT_NOW ? lost : lost > 0;
}

/* ---- what kfree says ------------------------------------------------------------------ */

/* 0: it is refused; 1: it is given back; 2: nothing happens. */
static uint32_t outcome_of_kfree(const void *p)
{
    void (*hook)(const struct mm_report *) = mm_report_hook;
    struct mm_stats before, after;

    stats_get(&before);
    mm_report_hook = NULL;
    kfree(p);
    mm_report_hook = hook;
    stats_get(&after);
    return after.bad_frees != before.bad_frees ? 0 : after.kfrees != before.kfrees ? 1 : 2;
}

static uint32_t kfree_null(void)
{
    return (outcome_of_kfree(NULL) + 1) % 3;    /* nothing; it is refused; given back */
}

static uint32_t kfree_twice(void)
{
    void *p = kmalloc(SIZE, GFP_KERNEL);
    void *volatile stale = p;

    kfree(p);
    return p == NULL ? LESSON_NOT_NOW : outcome_of_kfree(stale);
}

/* A stale pointer is given back, and then the rightful one.  0: the second is refused. */
static uint32_t kfree_stale(void)
{
    void *p = kmalloc(SIZE, GFP_KERNEL), *next;
    void *volatile stale = p;
    uint32_t first, second;

    kfree(p);
    next = kmalloc(SIZE, GFP_KERNEL);
    if (p == NULL || next == NULL)
        return LESSON_NOT_NOW;
    first = outcome_of_kfree(stale);
    second = outcome_of_kfree(next);
    return second == 0 ? 0 : first == 0 ? 1 : 2;
}

/* ---- the questions: those of one lesson side by side ----------------------------------- */

#define MEASURED(lesson, name, ask, choices, measure, why, then) \
    { lesson, name, ask, choices, measure, NULL, why, then }
#define FACT(lesson, name, ask, choices, why, then) \
    { lesson, name, ask, choices, NULL, NULL, why, then }
#define WORD(lesson, name, ask, words, why, then) \
    { lesson, name, ask, NULL, NULL, words, why, then }

const struct quiz_question quiz_questions[] = {
    FACT("bag", "bag",
         "Memory is a bag of marbles.  Somebody takes one out, now and then, and never puts "
         "it back.  What do the others see of it?",
         "fewer and fewer marbles, and at last none: everything slows and stops|"
         "nothing: each has marbles of his own|"
         "the kernel takes the oldest marbles back when few are left",
         "The bag is one for all, and nobody takes a marble from its owner, for nobody knows "
         "who still needs one.",
         "meminfo; kmalloc 1M 30; meminfo"),
    FACT("buddies", "join",
         "Two free blocks of the same order lie side by side.  Do they become one?",
         "only if they are the two halves of one block|always|only when memory is short",
         "Only such halves are buddies.  So the buddy's address is found by turning over one "
         "bit, and nothing is searched.",
         "pages 9; buddyinfo; pages free $; buddyinfo"),
    FACT("leak", "missing-kfree",
         "A driver has one kfree too few.  What follows?",
         "less memory for everybody, and crashes when it is exhausted|"
         "only the driver gets slower|"
         "nothing, if its functions return",
         "It is a memory leak: it makes the whole machine unstable, and lasts until the next "
         "boot.",
         "leaks mark; kmalloc 1500 10; forget $; leaks since"),
    FACT("leak", "match",
         "How do you keep code free of leaks?",
         "for each kmalloc one kfree, on each way out|"
         "a kfree of all pointers at the end, to be sure twice|"
         "large blocks instead of small ones",
         "Match each kmalloc with a kfree: if it returns early, too.  Who takes a marble says "
         "who puts it back.",
         "trace \"kmalloc 100; kmalloc 200; kfree $\""),
    MEASURED("leak", "unwind",
         "a = kmalloc(100); b = kmalloc(far too much); if (b == NULL) return -ENOMEM;  "
         "a and b are local.  Is that right?",
         "no: a is lost|yes: nothing was taken", return_without_kfree,
         "Error paths forget most, for they hardly ever run.  In Linux they are written as "
         "a ladder of labels, that frees in the opposite order.",
         "fail each \"kmalloc 100; pages 1\""),
    MEASURED("leak", "krealloc",
         "q = krealloc(p, more, GFP_KERNEL) gives NULL.  What is with p?",
         "as before: it is still yours, and to be freed|it was freed", krealloc_fails,
         "So p = krealloc(p, ...) forgets the only pointer when it fails: a leak in one line.",
         "kmalloc 100; whatis $"),
    MEASURED("leak", "cycle",
         "a points to b, b points to a, and nobody else knows them.  What does a scan call "
         "them?",
         "both lost|both reachable, for something points to each|one lost, one reachable",
         lost_in_a_cycle,
         "A scan starts from the variables, and follows pointers.  It never comes there; "
         "counting references, it would seem that both are in use.",
         "kmalloc 100 2; forget $; leaks all"),
    MEASURED("leak", "head",
         "Ten nodes are on a list, and its head is overwritten.  How many objects are lost?",
         NULL, lost_behind_a_head,
         "Only the first hung on a variable, the others on each other: they are lost with "
         "it.  `leaks` calls the first definite, and the others indirect.",
         "guests 3; leaks all; guests leave"),
    MEASURED("leak", "grows",
         "A list hangs on a global variable.  It grows at each request, and nothing is ever "
         "taken off.  Does a scan report it?",
         "no|yes", lost_in_a_growing_list,
         "All of it can be reached, so it is not lost.  It eats memory all the same; "
         "counting finds it, `leaks grow` or allocinfo.",
         "leaks mark; guests 20; leaks since; guests leave"),
    FACT("drained", "small",
         "Which leak stays undiscovered longest?",
         "a small one|a large one|both are found at once",
         "Before a small one is felt somebody has rebooted, and nobody looks for what is not "
         "felt.",
         "guests 1000; guests leave; leaks"),
    FACT("drained", "whose",
         "In your code, which gives all back, kmalloc(100) returns NULL.  Where do you look?",
         "who has taken all the memory|at this very line|at what kmalloc does wrong",
         "It hits whoever asks next.  Here you handle NULL; the leak is elsewhere, and "
         "`leaks` or allocinfo says where.",
         "guests 500; guests leave; allocinfo; leaks"),
    FACT("drained", "check",
         "What must be done with each pointer that kmalloc has returned?",
         "compare it with NULL before it is used|clear it|print it",
         "Any kmalloc may fail, and who uses NULL faults.  Let them fail on purpose, and see "
         "who does not look.",
         "fail 1 \"kmalloc 100\""),
    MEASURED("any", "kfree-null",
         "kfree(NULL): what happens here?",
         "nothing|it is refused, and told|something is given back", kfree_null,
         "In Linux it is the same.  So an error path may free all its pointers, if they were "
         "NULL at first.",
         "kfree 0"),
    MEASURED("any", "twice",
         "kfree(p) twice, and nobody has called kmalloc between.  What does Marbles do with "
         "the second one?",
         "it is refused, and told|it is given back once more|nothing", kfree_twice,
         "Here each pointer is proved.  Where it is not, the slot is on the free list twice, "
         "and two owners get it.",
         "kmalloc 100; kfree $; kfree $"),
    FACT("any", "safe",
         "On which pointers is kfree safe, in any kernel?",
         "what kmalloc or its kin gave and was not freed yet; and NULL|"
         "all that are not NULL|all that point into the heap",
         "On any other it corrupts memory or crashes: an address inside an object, a "
         "variable, the screen, a pointer freed before.",
         "kmalloc 100; kfree $+8; kfree 0xb8000"),
    MEASURED("innocent", "stale",
         "One kfrees a pointer that he had freed before; meanwhile it is the object of "
         "another, who then kfrees it, too.  Whose kfree is refused?",
         "the rightful owner's|the first one's|nobody's", kfree_stale,
         "When the stale one came the object was live, so it was right by all that kfree can "
         "know.  A report names who was hit: look at who freed it before.",
         "kmalloc 100; kfree $; kfree $"),
    WORD("innocent", "quarantine",
         "Which dial holds freed objects back for a while, so that a stale pointer does not hit "
         "the next owner?",
         "quarantine|quarantine=", "Only for a while: who waits longer hits all the same.",
         "params quarantine=64K; kmalloc 100; kfree $; whatis $"),
    FACT("late", "behind",
         "Now and then somebody writes a byte behind the end of an object of his.  You want to "
         "know whose object.  Which tool?",
         "red zones: slub_debug=Z|kmemleak|call stacks: slub_debug=U",
         "The byte behind the end is known, and looked at by kfree: the report says whose it "
         "was, not when it was written.",
         "params slub_debug=Z; kmalloc 100; poke $+100 0x55; kfree $"),
    FACT("late", "instruction",
         "Somebody writes behind the end of an object.  You want to see the very instruction "
         "that does it.  Which tool?",
         "a guard page behind the object: kfence.every=1|poison: slub_debug=P|"
         "check after each command",
         "The page is not there, so the write itself faults, and its line is in the report.  "
         "Each object costs two pages.",
         "params kfence.every=1; kmalloc 104; poke $+104 0x55"),
    FACT("line", "stacks",
         "`leaks` names a line in a helper that thirty functions call.  How do you learn "
         "which of them?",
         "record the calls that led there: slub_debug=U, page_owner=on|"
         "put red zones around it|count by line: allocinfo",
         "The line is the same for all thirty; with U each object has its calls, and `leaks` "
         "groups by them.",
         "params slub_debug=U; kmalloc 100; forget $; leaks"),
    WORD("hidden", "kmemleak",
         "Which part of Linux looks for objects that nothing points to?",
         "kmemleak|leaks", "Its file there is /sys/kernel/debug/kmemleak; here it is a command, "
         "and `leaks` the same by line.",
         "kmalloc 100; forget $; kmemleak"),
    WORD("hidden", "ftrace",
         "An object is freed too early, and you want to see allocations and frees in their "
         "order.  Which tracer of Linux has them?",
         "ftrace|trace|trace-cmd|trace_event", "Its events kmem:kmalloc and kmem:kfree; here "
         "`trace` shows them in the same format.",
         "trace \"kmalloc 100; kfree $; kmalloc 90\""),
    FACT("hidden", "production",
         "A server loses some kB a day, and must not become slower.  What do you leave on?",
         "counting by line, looked at now and then|a scan each second|red zones and poison",
         "Counters cost next to nothing.  Look twice, and what has grown is where you look "
         "further, on a machine of your own.",
         "guests 20; allocinfo; guests 20; allocinfo; guests leave"),
    FACT("hidden", "error-paths",
         "All tests pass.  But no allocation ever failed in them.  Which tool?",
         "fault injection: failslab=, fail each|kmemleak, once a day|red zones",
         "It lets the 1st, 2nd, 3rd ... allocation fail, and says what each failure leaks or "
         "crashes.",
         "fail each \"guests 3\"; guests leave"),
    FACT("hidden", "pool",
         "Your code takes one large block, and hands out its parts itself.  Which finds a "
         "part that was not given back?",
         "debug code of your own|kmemleak|page_owner=on",
         "To all others it is one object, and reachable.  Only you know what a part is; count what "
         "is out, and for whom.",
         "kmalloc 8000; leaks all"),
};

const unsigned quiz_count = sizeof(quiz_questions) / sizeof(quiz_questions[0]);

_Static_assert(sizeof(quiz_questions) / sizeof(quiz_questions[0]) <= LESSON_QUESTIONS,
               "a run has answers for all of them");
