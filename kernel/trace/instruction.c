/*
 * instruction.c - what an instruction does with a pointer that is in a register.
 *
 *     89 43 08    mov %eax,8(%ebx)     stores it at ebx + 8, if eax has it
 *     ^  ^  ^                          goes through it to memory, if ebx has it
 *     |  |  disp8
 *     |  ModRM: 01 000 011             mod, register, base
 *     opcode
 *
 * No more than that is taken apart: who single-steps sees from registers and memory what
 * else was done.  What is in no table here has no operand in memory, as far as kernels are
 * written by compilers (-mgeneral-regs-only).
 *
 * SDM 2A, 2.1 (prefixes, ModRM, SIB) and appendix A (opcodes).
 */
#include "kernel/trace/instruction.h"

#include "kernel/string.h"

enum { NO_BASE = 5, SIB = 4, NO_INDEX = 4 };
enum { CALLEES = 1 << EBX | 1 << ESI | 1 << EDI };      /* who uses them saves them */

/* Registers have numbers from eax on, as pushal puts them on the stack. */
static unsigned place_of(unsigned number)
{
    return EAX - number;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 ||
           byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e;
}

/* Is there a ModRM byte behind that opcode? */
static bool has_modrm(uint8_t op)
{
    if (op < 0x40)
        return (op & 7) < 4;            /* add, or, adc, sbb, and, sub, xor, cmp */
    return (op >= 0x80 && op <= 0x8f) || op == 0x62 || op == 0x63 || op == 0x69 ||
           op == 0x6b || op == 0xc0 || op == 0xc1 || op == 0xc6 || op == 0xc7 ||
           (op >= 0xd0 && op <= 0xd3) || op == 0xf6 || op == 0xf7 || op >= 0xfe;
}

/* The same of those behind 0f: setcc, bit strings, shifts, movzx, imul, cmpxchg ... */
static bool has_modrm_0f(uint8_t op)
{
    return (op >= 0x40 && op <= 0x4f) || (op >= 0x90 && op <= 0x9f) ||
           (op >= 0xa3 && op <= 0xa5) || (op >= 0xab && op <= 0xc1);
}

/* movs, cmps, stos, lods, scas: through esi or edi. */
static bool is_string(uint8_t op)
{
    return (op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf);
}

struct operand {
    uintptr_t address;
    unsigned through;           /* registers, as a mask */
};

static void add_register(struct operand *operand, const uint32_t *registers,
                         unsigned number, unsigned scale)
{
    operand->address += registers[place_of(number)] << scale;
    operand->through |= 1u << place_of(number);
}

/* The one in memory that the ModRM byte names. */
static struct operand operand_of(const uint8_t *modrm, const uint32_t *registers)
{
    unsigned mod = *modrm >> 6, base = *modrm & 7;
    const uint8_t *at = modrm + 1;
    struct operand operand = { 0, 0 };
    uint32_t offset = 0;

    if (base == SIB) {
        if ((*at >> 3 & 7) != NO_INDEX)
            add_register(&operand, registers, *at >> 3 & 7, *at >> 6);
        base = *at++ & 7;
    }
    if (mod == 0 && base == NO_BASE)
        memcpy(&offset, at, sizeof(offset));
    else
        add_register(&operand, registers, base, 0);
    if (mod == 1)
        offset = (uint32_t)(int8_t)*at;
    else if (mod == 2)
        memcpy(&offset, at, sizeof(offset));
    operand.address += offset;
    return operand;
}

struct instruction instruction_of(const uint8_t *code, const uint32_t registers[REGISTERS],
                                  unsigned mask)
{
    struct instruction found = { .is_pop = false };
    bool is_0f;
    uint8_t op;

    while (is_prefix(*code))
        code++;
    is_0f = *code == 0x0f;
    code += is_0f;
    op = *code++;
    found.is_pop = !is_0f && ((op >= 0x58 && op <= 0x5f) || op == 0x61 || op == 0xc9 ||
                              op == 0xcf);
    found.is_return = !is_0f && (op == 0xc2 || op == 0xc3);
    found.uses = !is_0f && is_string(op) && mask & (1 << ESI | 1 << EDI);
    if (!is_0f && op == 0xa3 && mask & 1 << EAX)
        memcpy(&found.stores_at, code, sizeof(uint32_t));
    if (!(is_0f ? has_modrm_0f(op) : has_modrm(op)) || *code >> 6 == 3)
        return found;

    struct operand operand = operand_of(code, registers);

    found.uses = op != 0x8d && operand.through & mask;          /* lea only reckons */
    found.is_reload = !is_0f && op == 0x8b && operand.through & (1 << EBP | 1 << ESP);
    found.is_pop = found.is_reload && CALLEES >> place_of(*code >> 3 & 7) & 1;
    if (!is_0f && (op == 0x89 || op == 0x87) &&
        mask >> place_of(*code >> 3 & 7) & 1)
        found.stores_at = operand.address;
    return found;
}
