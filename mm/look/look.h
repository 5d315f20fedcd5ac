/*
 * look.h - for mm_init: who looks at the heart.
 */
#ifndef MM_LOOK_LOOK_H
#define MM_LOOK_LOOK_H

/* Hang mm_looker in: from now on what is refused is explained, what is broken mended. */
void look_start(void);

#endif
