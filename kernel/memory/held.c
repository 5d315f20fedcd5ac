/*
 * held.c - the pointers that the shell holds: $1, $2 ...
 *
 *     held:   | $1025 |  $2  |  $3  | ... | $1024 |      number N at (N - 1) % 1024
 *                freed   live   -           live
 *
 * To the allocator this table is what a variable of a program is: an object is
 * the shell's as long as its pointer is here.  A freed pointer stays, as it does
 * in C, so that a double free and a look at freed memory can be tried; its place
 * is taken again once the numbers have come round.  A forgotten one is gone, and
 * if it was not freed its object has leaked.
 *
 * H1  $N stands at (N - 1) % HELD_MAX or nowhere, so a number never comes to mean
 *     another pointer (but those of a trial are taken back: held_rewind);
 * H2  what is live is never displaced: numbers skip its place, and with HELD_MAX
 *     live ones the table is full.
 */
#include "kernel/memory/held.h"

#include "mm/port.h"
#include "mm/slab.h"

enum { HELD_MAX = 1024 };

static struct held held[HELD_MAX];
static uint32_t last_number;            /* given out */
static uint32_t last;                   /* that $ alone means */

static struct held *place_of(uint32_t number)
{
    return &held[(number - 1) % HELD_MAX];
}

static bool is_live(const struct held *entry)
{
    return entry->number != 0 && !entry->freed;
}

uint32_t held_room(void)
{
    uint32_t room = 0;

    for (uint32_t i = 0; i < HELD_MAX; i++)
        room += !is_live(&held[i]);
    return room;
}

uint32_t held_keep(void *address, bool is_pages, unsigned order)
{
    do
        last_number++;
    while (is_live(place_of(last_number)));     /* H2 */

    struct held *place = place_of(last_number);

    *place = (struct held){ .address = address, .order = order, .is_pages = is_pages,
                            .freed = ZERO_OR_NULL_PTR(address) };
    mm_barrier();               /* Ctrl-C may end us here: it is whole, or not there */
    place->number = last_number;
    last = last_number;
    return last_number;
}

struct held *held_find(uint32_t number)
{
    struct held *entry = place_of(number);

    return number != 0 && entry->number == number ? entry : NULL;
}

uint32_t held_last(void)
{
    return last;
}

void held_set_last(uint32_t number)
{
    last = number;
}

uint32_t held_newest(void)
{
    return last_number;
}

void held_rewind(uint32_t newest)
{
    for (struct held *entry = held_next(NULL); entry != NULL; entry = held_next(entry))
        if (entry->number > newest)
            held_forget(entry);
    last_number = newest;
}

bool held_address(uint32_t number, uint32_t *address)
{
    const struct held *entry = held_find(number != 0 ? number : last);

    if (entry != NULL)
        *address = (uint32_t)(uintptr_t)entry->address;
    return entry != NULL;
}

struct held *held_at(const void *address)
{
    for (uint32_t i = 0; i < HELD_MAX; i++)
        if (is_live(&held[i]) && held[i].address == address)
            return &held[i];
    return NULL;
}

struct held *held_next(struct held *previous)
{
    struct held *entry = previous == NULL ? held : previous + 1;

    for (; entry < held + HELD_MAX; entry++)
        if (entry->number != 0)
            return entry;
    return NULL;
}

uint32_t held_number_of(uintptr_t word)
{
    uintptr_t offset = word - (uintptr_t)&held[0].address;
    uint32_t place = (uint32_t)(offset / sizeof(held[0]));

    if (place >= HELD_MAX || offset % sizeof(held[0]) != 0 || place >= last_number)
        return 0;
    return last_number - (last_number - 1 - place) % HELD_MAX;
}

void held_forget(struct held *entry)
{
    *entry = (struct held){ 0 };
}
