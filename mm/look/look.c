/*
 * look.c - what the heart asks of this wing, hung in.
 */
#include "mm/look/look.h"

#include "mm/look/look_priv.h"

void look_start(void)
{
    static const struct looker looker = {
        .report = explain_report,
        .refused = explain_refusal,
        .slab_fault = slab_fault,
        .slab_is_fit = slab_is_fit,
        .mend = slab_mend,
        .slab_begins = former_slab_begins,
        .slab_ends = former_slab_ends,
        .guarded_ends = former_guarded_ends,
        .allocated = observe_allocated,
        .freeing = observe_freeing,
        .resized = observe_resized,
        .failed = observe_failed,
    };

    mm_looker = &looker;
    former_reset();
}
