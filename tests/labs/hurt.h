/*
 * hurt.h - ways in which a C program can hurt its kernel: see hurt.c.
 */
#ifndef TESTS_LABS_HURT_H
#define TESTS_LABS_HURT_H

#include <stddef.h>
#include <stdint.h>

/* A way has a function of its own, never inlined, so that a report names it. */
#define HURT(name) __attribute__((noinline)) static void name(void)
#define WAY(name) { #name, name }

struct hurt_way {
    const char *name;           /* NULL: behind the last one */
    void (*make)(void);
};

extern const struct hurt_way hurt_pointers[], hurt_stacks[], hurt_instructions[],
    hurt_loops[], hurt_handlers[], hurt_objects[], hurt_frees[], hurt_calls[],
    hurt_books[], hurt_kernel[], hurt_texts[], hurt_shell[];

/* The same address, of which the compiler knows nothing: it would see the mistake. */
static inline void *hidden(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (void *)address;
}

static inline volatile unsigned *word(uintptr_t address) { return hidden(address); }
static inline volatile uint8_t *byte(uintptr_t address) { return hidden(address); }

/* Whatever was read goes here. */
extern volatile unsigned hurt_sink;

/* kmalloc(n), which says its address. */
char *hurt_object(size_t n);

/* Write the n bytes there, wherever that is: all the same, or at random. */
void hurt_fill(const volatile void *at, size_t n, int value);
void hurt_noise(const volatile void *at, size_t n);

/* Have the next tick of the timer call fn in its handler, and wait some ticks. */
void hurt_in_handler(void (*fn)(void));

/* Ways that others need as well. */
void hurt_recursion(void);

#endif
