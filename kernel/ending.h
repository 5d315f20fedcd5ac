/*
 * ending.h - when the running command is to be ended from outside: see ending.c.
 */
#ifndef KERNEL_ENDING_H
#define KERNEL_ENDING_H

struct trap_frame;

/* An interrupt is over, which came at that frame (guard.h: judge). */
void ending_judge(const struct trap_frame *frame);

/* Before the first interrupt; name gives that of the outermost command under way. */
void ending_init(const char *(*name)(void));

#endif
