/*
 * model_priv.h - what the files of the model share.
 */
#ifndef TESTS_HOSTED_MODEL_PRIV_H
#define TESTS_HOSTED_MODEL_PRIV_H

#include "tests/hosted/model.h"

/* ---- the table --------------------------------------------------------------- */

enum kind { NOTHING, OBJECT, CACHED, PAGES };

struct thing {
    unsigned char *p;
    size_t size;                /* as asked for, and filled with a pattern */
    size_t room;                /* what may be used: its slot, or its pages */
    uint32_t key;               /* of its pattern */
    uint32_t serial;            /* not in light mode */
    uint8_t kind;
    uint8_t cache;              /* CACHED: whose */
    bool waiting;               /* freed, but put off (mm/enter.c) */
};

enum { THINGS = 256, CACHES = 8, GHOSTS = 8, RING = 64 /* frees that may wait */ };

struct cache {
    struct kmem_cache *cache;   /* NULL: none */
    size_t size, align;
    bool constructed;
};

/* Something that was freed: for frees that come too late. */
struct ghost {
    unsigned char *p;
    size_t size;                /* bytes that nobody cares about any more */
    enum kind kind;
    uint32_t takes;             /* model.takes at that time */
};

extern struct model {
    struct model_stream *stream;
    const struct model_mode *mode;
    struct thing things[THINGS];
    struct cache caches[CACHES];
    struct kmem_cache *dead;    /* destroyed, and its entry not used again */
    struct ghost ghosts[GHOSTS];
    uint32_t nghosts;           /* ever */
    uintptr_t state;            /* what mm_state should be: MM_IRQ, MM_BUSY */
    uint32_t waiting;           /* things that wait */
    uint32_t armed;             /* operations in the next constructor's interrupt */
    uint32_t takes;             /* allocations */
    bool zones;                 /* dial Z is on: what is asked for may be used */
    size_t live_bytes;
    size_t constructed_size;    /* of the objects of all caches with a constructor */
    const char *doing;
} model;

/* mm_state, but for whom mm is busy, with what, and for the dials. */
static inline uintptr_t seen_state(void)
{
    uintptr_t state = mm_state & ~MM_LONG_WAY;

    if (state & MM_BUSY)
        state = (state | MM_BUSY) & ~(MM_READING | MM_CALLED_OUT);
    return state;
}

/*
 * Just freed, with nothing taken since: nobody else has that memory.  But a busy mm may
 * be making a new slab of it.
 */
static inline bool is_fresh(const struct ghost *ghost)
{
    return ghost->kind && ghost->takes == model.takes && !(model.state & MM_BUSY);
}

/* ---- bytes ------------------------------------------------------------------- */

static inline bool stream_is_over(const struct model_stream *stream)
{
    return stream->next == stream->end && !stream->more;
}

static inline uint8_t draw(void)
{
    struct model_stream *stream = model.stream;

    if (stream->next == stream->end) {
        if (!stream->more)
            return 0;
        stream->more(stream);
    }
    return *stream->next++;
}

static inline uint32_t draw2(void)
{
    uint32_t low = draw();

    return low | (uint32_t)draw() << 8;
}

/* Is it time for what costs as much as a thousand calls?  In light mode, seldom. */
static inline bool may_cost(void)
{
    return !model.mode->light || draw2() < 1024;
}

static inline struct thing *draw_thing(void) { return &model.things[draw()]; }

/* Sizes of all classes, edges, and sizes that no memory has. */
size_t draw_size(void);
/* Every flag but __GFP_NOFAIL. */
gfp_t draw_gfp(void);

/* ---- saying what is wrong ---------------------------------------------------- */

_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define demand(truth) ((truth) ? (void)0 : wrong("not true: %s", #truth))

void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define TRACE(...) (model_trace ? trace(__VA_ARGS__) : (void)0)

/* ---- reports ----------------------------------------------------------------- */

#define BIT(bug) (1u << (bug))

/* Since the last expect: no report (0), or exactly one, of one of these kinds. */
void expect(uint32_t bugs);
/* The same number of reports of overwritten bytes, and no other. */
void expect_damage(uint32_t reports);
/* The report that the last expect found. */
const struct mm_report *last_report(void);

/* ---- the table's work: model.c ----------------------------------------------- */

/* Its pattern, in all its bytes or (light mode) in a word at each end. */
void paint(unsigned char *p, size_t size, uint32_t key);
/* Are the first `kept` bytes of what was painted so still that? */
bool is_painted(const unsigned char *p, size_t size, size_t kept, uint32_t key);
bool is_zero(const unsigned char *p, size_t size);
void demand_intact(const struct thing *thing);

/* The key of constructed objects. */
#define CONSTRUCTED 0x6B6B6B6Bu
bool is_constructed(const struct thing *thing);

/* What ksize must say of it. */
size_t usable_size(const struct thing *thing);

/* It is live now, of that size.  The table's entry was empty. */
void enter(struct thing *thing, void *p, size_t size, enum kind kind, unsigned cache);
/* It is not live any more. */
void leave(struct thing *thing);

/* The live thing around this address, or NULL. */
struct thing *thing_at(const void *addr);

/* Bytes that mm counts for it: as asked for, or as taken if nothing is recorded. */
size_t counted_bytes(const struct thing *thing);

/* ---- memory: model_heap.c ---------------------------------------------------- */

/* mm_init, in dirty memory; what is in no range cannot be touched. */
void open_heap(const struct mm_range *ranges, size_t count);
void choose_heap(void);
bool is_given(const void *p, size_t bytes);
unsigned char *ground(void);

/* ---- operations -------------------------------------------------------------- */

/* model_take.c */
void take_thing(struct thing *thing);
void take_object(void);
void take_cached(void);
void take_pages(void);
void take_many(void);
/*
 * An allocation returned p: was that right?  too_large: it asked for what no heap
 * has.  order: a free block of that order would have been enough.
 */
void judge_take(const void *p, gfp_t gfp, bool too_large, unsigned order);
/* The order of block from which `bytes` can surely be had. */
unsigned block_order(size_t bytes);

/* model_free.c */
void give_back_thing(struct thing *thing);
void give_back_any(void);
void give_back_many(void);
void free_anything(void);
/* Any address: of what is live, in, before and behind it, of what was, wild ones. */
void *draw_address(void);
/* What may be reported of kfree(addr); thing: what is live there, or NULL. */
uint32_t judge_kfree(void *addr, const struct thing *thing);

/* model_use.c */
void use_anything(void);
void resize(void);

/* model_stray.c */
void write_stray(void);

/* model_look.c */
void look(void);
void compare_counters(void);
void compare_all(void);

/* model_cache.c */
void create_cache(void);
void destroy_cache(unsigned number);
void destroy_any_cache(void);
void shrink_cache(void);
void use_no_cache(void);
/* The number of the cache of that name; CACHES: it is none of the model's. */
unsigned cache_of_name(const char *name);

/* model_irq.c */
void interrupt(void);
void interrupt_busy(void);
void interrupt_walk(void);
void arm_constructor(void);
/* In a constructor: the interrupt that was ordered, if any. */
void interrupt_here(void);
/* Frees that wait are done now: mm is entered in one of many ways. */
void settle(void);

/* model.c: one operation of those that a handler may do. */
void step_in_handler(void);

/* ---- a run: model.c ------------------------------------------------------------ */

/* Nothing is live; the stream's first byte is drawn. */
void begin_run(struct model_stream *stream, const struct model_mode *mode);
/* Do the operations, and give all back: then the free blocks are those of the start. */
void run_steps(const struct mm_stats *start);

#endif
