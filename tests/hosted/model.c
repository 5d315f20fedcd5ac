/*
 * model.c - the table of what is live, the reports that are expected, the steps.
 * See model.h; the operations are in the other model_*.c.
 *
 * A step draws an operation by weight, from a byte; the operation draws its
 * arguments.  Each one says what must come of it before the next begins: expect()
 * compares the reports that mm_report_hook heard.
 */
#include "tests/hosted/model_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model model;
struct model_counts model_counts;
void (*model_failed)(const char *what);
void (*model_before_step)(uint32_t step);
bool model_trace;

static struct mm_report heard;  /* the newest */
static uint32_t nheard;         /* since the last expect */

/* ---- saying what is wrong ---------------------------------------------------- */

_Noreturn void wrong(const char *format, ...)
{
    char why[200], text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    snprintf(text, sizeof(text), "operation %u (%s): %s",
             (unsigned)model_counts.steps, model.doing, why);
    if (model_failed)
        model_failed(text);
    fprintf(stderr, "%s\n", text);
    abort();
}

void trace(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("    ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* ---- reports ----------------------------------------------------------------- */

/* As port.h promises: with mm consistent; under a busy mm there is nothing to see. */
static void hear(const struct mm_report *report)
{
    const char *broken = NULL;

    heard = *report;
    nheard++;
    TRACE("report: %s, by %s, of %p", mm_bug_name(report->bug), report->call,
          report->what.addr);
    if (!model.mode->light && !(mm_state & MM_BUSY))
        broken = mm_check();
    if (broken)
        wrong("in a report (%s): %s", mm_bug_name(report->bug), broken);
}

void expect(uint32_t bugs)
{
    uint32_t n = nheard;

    nheard = 0;
    if (n == 0 && bugs == 0)
        return;
    if (n == 0)
        wrong("no report; expected were kinds 0x%x", (unsigned)bugs);
    if (n > 1 || !(bugs & BIT(heard.bug)))
        wrong("%u reports, the last \"%s\" by %s; expected were kinds 0x%x",
              (unsigned)n, mm_bug_name(heard.bug), heard.call, (unsigned)bugs);
}

void expect_damage(uint32_t reports)
{
    if (nheard != reports || (reports && (heard.bug < MM_BUG_RIGHT_REDZONE ||
                                          heard.bug > MM_BUG_PAGE_POISON)))
        wrong("%u reports, the last \"%s\"; %u overwritten zones were found",
              (unsigned)nheard, mm_bug_name(heard.bug), (unsigned)reports);
    nheard = 0;
}

const struct mm_report *last_report(void)
{
    return &heard;
}

/* ---- patterns ---------------------------------------------------------------- */

static bool all_are(const unsigned char *p, unsigned char byte, size_t n)
{
    return n == 0 || (p[0] == byte && memcmp(p, p + 1, n - 1) == 0);
}

/* Bytes of the pattern at each end. */
static size_t end_bytes(size_t size)
{
    return size < 8 ? size / 2 : 4;
}

void paint(unsigned char *p, size_t size, uint32_t key)
{
    if (!model.mode->light) {
        memset(p, (int)(key & 255), size);
        return;
    }
    memcpy(p, &key, end_bytes(size));
    memcpy(p + size - end_bytes(size), &key, end_bytes(size));
}

bool is_painted(const unsigned char *p, size_t size, size_t kept, uint32_t key)
{
    size_t end = end_bytes(size);

    if (!model.mode->light)
        return all_are(p, (unsigned char)key, kept);
    return memcmp(p, &key, kept < end ? kept : end) == 0 &&
           (kept < size || memcmp(p + size - end, &key, end) == 0);
}

bool is_zero(const unsigned char *p, size_t size)
{
    size_t end = end_bytes(size);

    if (!model.mode->light)
        return all_are(p, 0, size);
    return all_are(p, 0, end) && all_are(p + size - end, 0, end);
}

/* ---- the table --------------------------------------------------------------- */

void demand_intact(const struct thing *thing)
{
    if (thing->kind && !thing->waiting &&
        !is_painted(thing->p, thing->size, thing->size, thing->key))
        wrong("%zu bytes at %p were overwritten", thing->size, (void *)thing->p);
}

bool is_constructed(const struct thing *thing)
{
    return thing->kind == CACHED && model.caches[thing->cache].constructed;
}

size_t counted_bytes(const struct thing *thing)
{
    if (thing->kind == PAGES)
        return 0;
    if (mm_records)
        return thing->size;
    return thing->kind == CACHED ? model.caches[thing->cache].size : thing->room;
}

struct thing *thing_at(const void *addr)
{
    uintptr_t at = (uintptr_t)addr;

    for (struct thing *thing = model.things; thing < model.things + THINGS; thing++)
        if (thing->kind && at - (uintptr_t)thing->p < thing->room)
            return thing;
    return NULL;
}

static void demand_alone(const struct thing *thing)
{
    const struct thing *other = model.things;

    for (; other < model.things + THINGS; other++)
        if (other->kind && other != thing && other->p < thing->p + thing->room &&
            thing->p < other->p + other->room)
            wrong("%zu bytes at %p overlap with %zu bytes at %p", thing->room,
                  (void *)thing->p, other->room, (void *)other->p);
}

/* A red zone, and half of one more, fits beside the object in the largest slab. */
static bool zone_fits(const struct cache *cache)
{
    size_t zone = cache->align > 16 ? cache->align : 16;

    return zone * 3 / 2 + ((cache->size + cache->align - 1) & ~(cache->align - 1)) <=
           8 * PAGE_SIZE;
}

static bool has_zone(const struct thing *thing)
{
    if (!model.zones || !mm_records || thing->kind == PAGES)
        return false;
    return thing->kind == OBJECT || zone_fits(&model.caches[thing->cache]);
}

size_t usable_size(const struct thing *thing)
{
    return has_zone(thing) ? thing->size : thing->room;
}

/* Of a kmalloc: its slot without red zones, or pages of its own. */
static size_t room_of(const void *p, size_t size)
{
    struct mm_what what;

    mm_what_is(p, &what);
    return what.kind == MM_LARGE ? what.bytes : kmalloc_size_roundup(size);
}

void enter(struct thing *thing, void *p, size_t size, enum kind kind, unsigned cache)
{
    *thing = (struct thing){
        .p = p, .size = size, .kind = (uint8_t)kind, .cache = (uint8_t)cache,
        .key = ++model.takes * 2654435761u,     /* 2^32 / phi: all bytes change */
        .room = kind == PAGES ? (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)
                : kind == OBJECT ? room_of(p, size) : ksize(p) };
    if (kind == PAGES)
        model_counts.pages_allocated += (uint32_t)(thing->room >> PAGE_SHIFT);
    else
        model_counts.kmallocs++;
    model.live_bytes += counted_bytes(thing);
    demand(thing->room >= size);
    if (!model.mode->light) {
        struct mm_what what;

        mm_what_is(p, &what);
        thing->serial = what.serial;
        demand(is_given(p, thing->room));
        demand_alone(thing);
    }
    paint(p, size, thing->key);
    TRACE("%p: %zu bytes, entry %d", p, size, (int)(thing - model.things));
}

void leave(struct thing *thing)
{
    model.live_bytes -= counted_bytes(thing);
    if (thing->kind == PAGES)
        model_counts.pages_freed += (uint32_t)(thing->room >> PAGE_SHIFT);
    else
        model_counts.kfrees++;
    model.ghosts[model.nghosts++ % GHOSTS] = (struct ghost){
        thing->p, is_constructed(thing) ? 0 : thing->size, thing->kind, model.takes };
    thing->kind = NOTHING;
    thing->waiting = false;
}

/* ---- drawing ----------------------------------------------------------------- */

size_t draw_size(void)
{
    static const size_t edges[16] = {
        0, 1, 8, 4096, 8192, 8193, 10000, 20000, 32768, 65536, 1 << 20,
        KMALLOC_MAX_SIZE, KMALLOC_MAX_SIZE + 1, INT32_MAX, SIZE_MAX - 4095, SIZE_MAX,
    };
    uint32_t class = draw(), any = draw2();
    unsigned e = 3 + class % 9;

    if (class >= 240)
        return edges[any % 16];
    if (class >= 232)
        return any;
    if (class >= 216)
        return ((size_t)1 << (3 + class % 14)) - 1 + any % 3;
    return ((size_t)1 << e) + (any & ((1u << e) - 1)) - 7;
}

/* __GFP_ZERO, which costs most, less often. */
gfp_t draw_gfp(void)
{
    gfp_t gfp = draw();

    if (gfp & 0xe0)
        gfp &= ~__GFP_ZERO;
    return gfp & (__GFP_DIRECT_RECLAIM | __GFP_HIGH | __GFP_ZERO | __GFP_NOWARN |
                  __GFP_NORETRY);
}

/* ---- steps ------------------------------------------------------------------- */

/* Out of 256; those of an interrupt's handler first. */
static const struct {
    const char *name;
    void (*run)(void);
    uint16_t weight;
} operations[] = {
    { "take an object", take_object, 70 },
    { "take from a cache", take_cached, 30 },
    { "take pages", take_pages, 20 },
    { "give back", give_back_any, 56 },
    { "resize", resize, 16 },
    { "free anything", free_anything, 14 },
    { "use anything", use_anything, 4 },
    { "write where it does not matter", write_stray, 2 },
    { "look", look, 4 },
    { "create a cache", create_cache, 4 },
    { "destroy a cache", destroy_any_cache, 1 },
    { "shrink a cache", shrink_cache, 3 },
    { "use no cache", use_no_cache, 3 },
    { "take many", take_many, 8 },
    { "give back many", give_back_many, 8 },
#define IN_HANDLER 15
    { "compare all", compare_all, 1 },
    { "interrupt", interrupt, 4 },
    { "interrupt mm", interrupt_busy, 4 },
    { "interrupt a walk", interrupt_walk, 2 },
    { "interrupt a constructor", arm_constructor, 2 },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static uint8_t by_byte[256];    /* number of the operation */

static void weigh_operations(void)
{
    uint32_t byte = 0;

    for (uint8_t i = 0; i < OPERATIONS; i++)
        for (uint32_t n = 0; n < operations[i].weight; n++)
            by_byte[byte++] = i;
    demand(byte == 256);
}

static void run_operation(unsigned number)
{
    const char *before = model.doing;

    model.doing = operations[number].name;
    if (model_trace)
        printf("%u: %s\n", (unsigned)model_counts.steps, model.doing);
    operations[number].run();
    expect(0);
    if (seen_state() != model.state && !model.waiting)
        wrong("mm_state is %zx, not %zx", (size_t)mm_state, (size_t)model.state);
    model.doing = before;
}

void step_in_handler(void)
{
    run_operation(draw() % IN_HANDLER);
}

static void check(void)
{
    const char *broken = mm_check();

    if (broken)
        wrong("%s", broken);
    compare_counters();
}

static void give_all_back(const struct mm_stats *start)
{
    struct mm_stats now;

    model.doing = "the end";
    for (struct thing *thing = model.things; thing < model.things + THINGS; thing++)
        if (thing->kind)
            give_back_thing(thing);
    for (unsigned i = 0; i < CACHES; i++)
        destroy_cache(i);
    mm_set_dial("quarantine", "0");
    mm_reclaim();
    check();
    mm_get_stats(&now);
    demand(memcmp(now.free_blocks, start->free_blocks, sizeof(now.free_blocks)) == 0);
}

void run_steps(const struct mm_stats *start)
{
    const struct model_mode *mode = model.mode;

    check();
    while (!stream_is_over(model.stream) && model_counts.steps < mode->steps) {
        if (model_before_step)
            model_before_step(model_counts.steps);
        run_operation(by_byte[draw()]);
        model_counts.steps++;
        if (model_counts.steps % mode->check_every == 0)
            check();
    }
    give_all_back(start);
}

/* In the heap that is open, and empty. */
static void run(void)
{
    struct mm_stats start;

    mm_get_stats(&start);
    run_steps(&start);
}

void begin_run(struct model_stream *stream, const struct model_mode *mode)
{
    memset(&model, 0, sizeof(model));
    memset(&model_counts, 0, sizeof(model_counts));
    nheard = 0;
    model.doing = "the start";
    model.stream = stream;
    model.mode = mode;
    mm_report_hook = hear;
    weigh_operations();
    model.constructed_size = 1 + draw() * 4u;
}

void model_run_in(const struct mm_range *ranges, size_t count, bool records,
                  struct model_stream *stream, const struct model_mode *mode)
{
    begin_run(stream, mode);
    mm_records = records;
    open_heap(ranges, count);
    run();
}

void model_run(struct model_stream *stream, const struct model_mode *mode)
{
    begin_run(stream, mode);
    choose_heap();
    run();
}
