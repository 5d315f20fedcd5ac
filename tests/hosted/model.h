/*
 * model.h - operations on mm, decided by a stream of bytes, against the simplest
 * possible model: a table of what is live.
 *
 *     bytes --> operation --> mm
 *                   |          |  its result, its reports, its counters, mm_check()
 *                   v          v
 *                 model  ==  what must have come of it
 *
 * Any bytes at all are a valid run.  They decide the heap (ranges with holes, records
 * on or off) and then the operations: every call of slab.h and gfp.h, looks at any
 * address, frees that are wrong in every way, interrupts before and in the middle of
 * calls.  What the model demands:
 *
 *     - memory that is given lies in the heap, is aligned, large enough and nobody
 *       else's, and keeps what is written to it;
 *     - a right call makes no report; a wrong one makes exactly one, of a kind that
 *       tells the truth about the address, and changes nothing;
 *     - mm's counters are the model's, and mm_check() finds no rule broken;
 *     - at the end everything goes back, and the free blocks are those of the start.
 *
 * test_model.c runs it on random bytes, tests/fuzz/ on bytes that a fuzzer finds.
 */
#ifndef TESTS_HOSTED_MODEL_H
#define TESTS_HOSTED_MODEL_H

#include "mm/mm.h"
#include "mm/watch/dials.h"

struct model_stream {
    const uint8_t *next, *end;
    /* Give more bytes; NULL: the stream ends there, and all further bytes are 0. */
    void (*more)(struct model_stream *stream);
};

struct model_mode {
    uint32_t steps;             /* at most so many operations */
    uint32_t check_every;       /* mm_check, and all counters, after so many */
    bool light;                 /* patterns of a word at each end, and no searches */
};

/* ---- memory ------------------------------------------------------------------ */

#define MODEL_PAGES 5120u       /* that a heap may have */

/* Pages `first` to `first + pages - 1` of the model's memory. */
struct mm_range model_range(uint32_t first, uint32_t pages);

/* ---- running ----------------------------------------------------------------- */

/* What came of the last run: enough to see that it tried what it should. */
struct model_counts {
    uint32_t steps;
    uint32_t kmallocs, kfrees;  /* objects, and pages */
    uint32_t pages_allocated, pages_freed;
    uint32_t failed, refused;
};

extern struct model_counts model_counts;

/* In a heap of these ranges. */
void model_run_in(const struct mm_range *ranges, size_t count, bool records,
                  struct model_stream *stream, const struct model_mode *mode);

/* In a heap that the stream decides on. */
void model_run(struct model_stream *stream, const struct model_mode *mode);

/*
 * In two halves: a heap of these ranges is opened, and whoever opened it may use it as
 * he likes; then all that is live there becomes the model's, caches by their names
 * ("model-0" to "model-7"), and the run goes on.  At the end the heap is as it was
 * opened.
 */
void model_open(const struct mm_range *ranges, size_t count, bool records);
void model_go_on(struct model_stream *stream, const struct model_mode *mode);

/*
 * Called with what is wrong; must not return.  NULL: it is printed, and the program
 * is aborted.
 */
extern void (*model_failed)(const char *what);

/* Called before each operation, with its number: to break something, in a test. */
extern void (*model_before_step)(uint32_t step);

/* Print every operation. */
extern bool model_trace;

#endif
