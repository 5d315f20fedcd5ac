/*
 * model_adopt.c - a run in a heap that was used before: what is live there becomes the
 * model's.
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

static struct mm_stats opened;  /* when it was empty */

void model_open(const struct mm_range *ranges, size_t count, bool records)
{
    model.doing = "the start";
    mm_records = records;
    open_heap(ranges, count);
    mm_get_stats(&opened);
}

static bool adopt_cache(const struct mm_cache_info *info, void *arg)
{
    unsigned number = cache_of_name(info->name);

    (void)arg;
    if (number < CACHES)        /* without a constructor: nothing is sure of one */
        model.caches[number] = (struct cache){ mm_find_cache(info->name),
                                               info->object_size, 8, false };
    return true;
}

static bool adopt(const struct mm_what *what, void *arg)
{
    struct thing **next = arg;
    void *p = (void *)what->start;
    unsigned number = what->cache ? cache_of_name(what->cache) : CACHES;

    demand(*next < model.things + THINGS);
    if (what->kind == MM_USED_PAGES)
        enter((*next)++, p, what->bytes, PAGES, 0);
    else if (number < CACHES)
        enter((*next)++, p, model.caches[number].size, CACHED, number);
    else
        enter((*next)++, p, what->asked, OBJECT, 0);
    return true;
}

/* What mm counts from now on is counted from there. */
static void adopt_counters(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    model_counts.kmallocs = stats.kmallocs;
    model_counts.kfrees = stats.kfrees;
    model_counts.pages_allocated = stats.pages_allocated;
    model_counts.pages_freed = stats.pages_freed;
    model_counts.failed = stats.failed;
    model_counts.refused = stats.bad_frees;
    model.takes = stats.last_serial;
}

void model_go_on(struct model_stream *stream, const struct model_mode *mode)
{
    struct thing *next = model.things;

    begin_run(stream, mode);
    model.zones = strchr(mm_dial("slub_debug"), 'Z') != NULL;
    mm_walk_caches(adopt_cache, NULL);
    mm_walk_live(adopt, &next);
    adopt_counters();
    run_steps(&opened);
}
