/*
 * first.c - how long a function's first instruction is, if it does the same elsewhere.
 *
 *     | 66 | opcode (0f opcode) | ModRM | SIB | displacement | immediate |
 *
 * What follows the opcode is told by a table; where a compiler has no use for an opcode in
 * the kernel, and where it means this very place, the table says so.  So with sti, which
 * keeps interrupts away from the instruction behind it: in a copy that is another one.
 *
 * SDM 2A, chapter 2 (formats); 2D, appendix A (opcode maps).
 */
#include "kernel/trace/first.h"

/* What follows: nothing; a ModRM; an immediate of a byte, of the operand's size, of 4. */
enum { NO = 0, OK = 1, MODRM = 2, BYTE = 4, WORD = 8, LONG = 16, GROUP3 = 32, GROUP5 = 64 };
enum { OPERAND_16 = 0x66, TWO_BYTES = 0x0f, RET = 0xc3, FAR_GROUP = 0xff, LONGEST = 11 };

static unsigned of_arithmetic(uint8_t opcode)
{
    static const uint8_t forms[8] = { MODRM, MODRM, MODRM, MODRM, BYTE, WORD, NO, NO };

    return forms[opcode & 7];
}

static unsigned of_one_byte(uint8_t opcode)
{
    static const uint8_t from_80[16] = {
        MODRM | BYTE, MODRM | WORD, NO, MODRM | BYTE, MODRM, MODRM, MODRM, MODRM,
        MODRM, MODRM, MODRM, MODRM, NO, MODRM, NO, MODRM };

    if (opcode < 0x40)
        return of_arithmetic(opcode);
    if (opcode < 0x62)                  /* inc, dec, push, pop; all registers */
        return OK;
    if (opcode >= 0x80 && opcode <= 0x8f)
        return from_80[opcode - 0x80];
    if (opcode >= 0xb0 && opcode <= 0xbf)       /* mov */
        return opcode < 0xb8 ? BYTE : WORD;
    switch (opcode) {
    case 0x68: case 0xa9: return WORD;          /* push, test */
    case 0x6a: case 0xa8: return BYTE;
    case 0x69: case 0xc7: return MODRM | WORD;  /* imul, mov */
    case 0x6b: case 0xc0: case 0xc1: case 0xc6: return MODRM | BYTE;
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: return MODRM;           /* shifts */
    case 0xa0: case 0xa1: case 0xa2: case 0xa3: return LONG;            /* mov, absolute */
    case 0x90: case 0x98: case 0x99: case 0x9c: case 0x9d: case 0xc3:   /* nop .. ret */
    case 0xc9: case 0xf8: case 0xf9: case 0xfa: case 0xfc: case 0xfd: return OK;
    case 0xf6: return GROUP3 | MODRM | BYTE;
    case 0xf7: return GROUP3 | MODRM | WORD;
    case 0xfe: return MODRM;
    case 0xff: return GROUP5 | MODRM;
    default: return NO;
    }
}

/* movzx, movsx, setcc, imul, bit tests, bsf, bsr, xadd, cmpxchg, bswap. */
static unsigned of_two_bytes(uint8_t opcode)
{
    if ((opcode >= 0x90 && opcode <= 0x9f) || (opcode >= 0x40 && opcode <= 0x4f))
        return MODRM;
    if (opcode >= 0xc8 && opcode <= 0xcf)
        return OK;
    switch (opcode) {
    case 0xa3: case 0xab: case 0xaf: case 0xb0: case 0xb1: case 0xb3: case 0xb6: case 0xb7:
    case 0xbb: case 0xbc: case 0xbd: case 0xbe: case 0xbf: case 0xc0: case 0xc1:
        return MODRM;
    case 0xa4: case 0xac: case 0xba:
        return MODRM | BYTE;
    default:
        return NO;
    }
}

/* A ModRM, the SIB that it may have, and the displacement. */
static size_t of_modrm(const uint8_t *at)
{
    unsigned mod = at[0] >> 6, rm = at[0] & 7;
    bool has_sib = mod != 3 && rm == 4;
    bool is_absolute = mod == 0 && (rm == 5 || (has_sib && (at[1] & 7) == 5));

    return 1u + has_sib + (mod == 1 ? 1u : mod == 2 || is_absolute ? 4u : 0);
}

/* Group 3 has an immediate for test alone; group 5's calls and far jumps mean this place. */
static unsigned without_group(unsigned follows, uint8_t modrm)
{
    unsigned which = modrm >> 3 & 7;

    if (follows & GROUP3 && which > 1)
        return MODRM;
    if (follows & GROUP5 && which >= 2 && which != 4 && which != 6)
        return NO;
    return follows;
}

bool first_goes_away(const uint8_t *code)
{
    return *code == RET || (*code == FAR_GROUP && (code[1] >> 3 & 7) == 4);
}

size_t first_length(const uint8_t *code)
{
    const uint8_t *at = code;
    size_t operand = *at == OPERAND_16 ? 2 : 4;
    unsigned follows;

    at += *at == OPERAND_16;
    follows = *at == TWO_BYTES ? of_two_bytes(at[1]) : of_one_byte(*at);
    at += *at == TWO_BYTES ? 2 : 1;
    if (follows & MODRM)
        follows = without_group(follows, *at);
    if (follows == NO)
        return 0;
    if (follows & MODRM)
        at += of_modrm(at);
    at += (follows & BYTE ? 1 : 0) + (follows & WORD ? operand : 0) + (follows & LONG ? 4 : 0);
    return at - code <= LONGEST ? (size_t)(at - code) : 0;
}
