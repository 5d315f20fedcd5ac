/*
 * instruction.h - what an instruction does with a pointer in a register: see instruction.c.
 */
#ifndef KERNEL_TRACE_INSTRUCTION_H
#define KERNEL_TRACE_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

/* Registers, in the order of pushal upwards (struct trap_frame). */
enum { EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX, REGISTERS };

struct instruction {
    bool is_pop;                /* it puts back what a caller has: pop, popal, leave, iret; */
                                /*   or mov from its frame, as functions end */
    bool is_reload;             /* it gets a register from the stack, be it this or a local */
    bool is_return;
    bool uses;                  /* it goes through the pointer to memory */
    uintptr_t stores_at;        /* it stores the pointer in that word; 0: it does not */
};

/*
 * Of the instruction at `code`, executed with these registers, of which those in `mask`
 * (bits: 1 << EAX ...) have the pointer.
 */
struct instruction instruction_of(const uint8_t *code, const uint32_t registers[REGISTERS],
                                  unsigned mask);

#endif
