/*
 * line_of.c - lesson 9: from a number to a line.
 *
 * Each allocation since boot has a number, its serial: 1, 2, 3 ...  Marbles does
 * the same in each run, so the 57th is the same object tomorrow, at the teacher's,
 * and in a debugger.  `leaks` says which numbers are lost.  So one runs it again,
 * and looks when that one is born, and when the last pointer to it goes.
 *
 * Try it
 *     leaks mark; guests 500; guests leave; leaks     which serial is lost?
 *     trace of SERIAL                                 its life, if it was traced
 *     make gdb, then: marbles break-alloc SERIAL      stops where it is taken
 *
 * Questions
 *   1. Under Linux the addresses differ in each run.  What could one count there?
 *   2. What must a program not depend on for this to work?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/held.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "mm/slab.h"

static uint32_t serial_of(unsigned number)
{
    struct mm_what what;

    mm_what_is(held_find(number)->address, &what);
    return what.serial;
}

static bool ask_count(struct lesson_run *run)
{
    uint32_t taken = lesson_number(run, 3, 7), back = lesson_number(run, 1, taken - 1);
    unsigned first = lesson_next_pointer();
    uint32_t before = mm_last_serial();

    lesson_say("Each allocation has a serial number.  The newest so far had %u; count from "
               "there: the next one is the 1st.", (unsigned)before);
    if (!lesson_ask(run, "You take %u objects, give %u of them back, and take one more.  Which "
                    "number, counted so, has that last one?", (unsigned)taken, (unsigned)back))
        return false;
    lesson_do("kmalloc 100 %u", (unsigned)taken);
    for (uint32_t i = 0; i < back; i++)
        lesson_do("kfree $%u", first + (unsigned)i);
    lesson_do("kmalloc 100");
    lesson_is(run, serial_of(first + (unsigned)taken) - before,
              "Serials are never used again, as numbers of tickets; addresses are.");
    return true;
}

static bool ask_address(struct lesson_run *run)
{
    unsigned first = lesson_next_pointer();
    uint32_t size = lesson_number(run, 97, 128);
    void *one, *two;
    uint32_t serial_one, serial_two;

    if (!lesson_choose(run, "the address|the serial|both|neither",
                       "kmalloc(%u), kfree, kmalloc(%u): what do the two objects have in common?",
                       (unsigned)size, (unsigned)size))
        return false;
    lesson_do("kmalloc %u", (unsigned)size);
    one = held_find(first)->address;
    serial_one = serial_of(first);
    lesson_do("kfree $%u; kmalloc %u", first, (unsigned)size);
    two = held_find(first + 1)->address;
    serial_two = serial_of(first + 1);
    lesson_is(run, one == two ? (serial_one == serial_two ? 2 : 0)
                              : serial_one == serial_two ? 1 : 3,
              "So an address in a report may belong to many objects, one after the other.  "
              "`whatis` says which one lives there now, and who was there before.");
    return true;
}

static void ask_tomorrow(struct lesson_run *run)
{
    uint32_t n = lesson_number(run, 5, 40), began = mm_last_serial();
    uint32_t first, second;

    if (!lesson_choose(run, "yes|no", "The same work is done twice, from the same state on.  Is "
                       "its allocation number %u the same one in both, counted from its begin?",
                       (unsigned)n))
        return;
    lesson_do("stress 100 %u", (unsigned)n);
    first = mm_last_serial() - began;
    lesson_do("stress 100 %u", (unsigned)n);
    second = mm_last_serial() - began - first;
    kprintf("%u allocations, and %u\n", (unsigned)first, (unsigned)second);
    lesson_is(run, first != second, "What is to be found can be found again, at the same number.  "
              "Then a debugger stops there: that is not luck.");
}

static void line_of(struct lesson_run *run)
{
    if (ask_count(run) && ask_address(run))
        ask_tomorrow(run);
}

LESSON(9, line, "From a number to a line", "debugging is luck",
       "guests 500; guests leave; leaks", line_of);
