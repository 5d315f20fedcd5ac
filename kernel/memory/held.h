/*
 * held.h - the pointers that the shell holds: $1, $2 ...
 */
#ifndef KERNEL_MEMORY_HELD_H
#define KERNEL_MEMORY_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct held {
    uint32_t number;            /* 0: this place was never used, or is forgotten */
    void *address;
    unsigned order;             /* if is_pages */
    bool is_pages;              /* from `pages`, else from `kmalloc` */
    bool freed;                 /* or ZERO_SIZE_PTR: nothing is live there */
};

/* How many more pointers can be held. */
uint32_t held_room(void);

/* Hold one more, for which there is room; its number. */
uint32_t held_keep(void *address, bool is_pages, unsigned order);

/* $number, or NULL if there was none, or it was forgotten. */
struct held *held_find(uint32_t number);

/* The number of the last one that was held; 0: none was. */
uint32_t held_last(void);
void held_set_last(uint32_t number);

/* The highest number so far; and: all above are forgotten, and come once more. */
uint32_t held_newest(void);
void held_rewind(uint32_t newest);

/* For the shell: the address of $number (0: the last one) in *address, or false. */
bool held_address(uint32_t number, uint32_t *address);

/* What is held and not freed at this address, or NULL. */
struct held *held_at(const void *address);

/* What is held behind `previous` (NULL: first), freed or not; NULL: no more. */
struct held *held_next(struct held *previous);

/* Of the word of an entry that holds an address: its number, or that it had; 0: none. */
uint32_t held_number_of(uintptr_t word);

void held_forget(struct held *held);

#endif
