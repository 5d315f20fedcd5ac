/*
 * fault.h - an access that faulted: was it to memory that mm had taken away?
 */
#ifndef MM_LOOK_FAULT_H
#define MM_LOOK_FAULT_H

#include "mm/mm.h"

/*
 * For whoever handles page faults.  True: the byte is heap memory that is not there
 * because a dial took it away: a free page (debug_pagealloc), or the block of a guarded
 * object, live or freed (kfence).  Then `what` tells of what is or was last there, with
 * its start and the bytes asked for, as far as that is known (serial not 0), and it is
 * counted as a report.  In any state of mm.
 */
bool mm_explain_fault(const void *addr, struct mm_what *what);

#endif
