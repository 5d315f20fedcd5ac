/*
 * lookalike.c - characters that are not ASCII, as a command line can have them.
 *
 *     kmalloc<U+00A0>100     a blank from a PDF        kmalloc 100
 *     slabinfo <U+2013>j     a dash                    slabinfo -j
 *     pro<U+FB01>le          a ligature                profile
 *     <U+20AC>               like nothing in ASCII     <U+20AC>, as text
 *
 * What only takes no room (U+200B, a soft hyphen, a byte order mark) is left out, as it
 * looks.  What looks like nothing is shown by its number: the command then says that it
 * does not know the word, and which character it was can be read.
 *
 * The Unicode Standard, General Punctuation; 0x85 to 0x97 are what Windows-1252 has for
 * them, and no terminal sends those as controls.
 */
#include "kernel/line/lookalike.h"

#include "kernel/printk.h"
#include "kernel/string.h"

struct range {
    uint16_t first, last;
    const char *text;
};

static const struct range looks[] = {
    { 0x0085, 0x0085, "..." }, { 0x0091, 0x0092, "'" }, { 0x0093, 0x0094, "\"" },
    { 0x0095, 0x0095, "*" }, { 0x0096, 0x0097, "-" },
    { 0x00a0, 0x00a0, " " }, { 0x00ab, 0x00ab, "\"" }, { 0x00ad, 0x00ad, "" },
    { 0x00b4, 0x00b4, "'" }, { 0x00b7, 0x00b7, "*" }, { 0x00bb, 0x00bb, "\"" },
    { 0x00d7, 0x00d7, "x" },
    { 0x02b9, 0x02b9, "'" }, { 0x02bb, 0x02bd, "'" }, { 0x02c6, 0x02c6, "^" },
    { 0x02d0, 0x02d0, ":" }, { 0x02dc, 0x02dc, "~" },
    { 0x034f, 0x034f, "" }, { 0x037e, 0x037e, ";" },
    { 0x1680, 0x1680, " " }, { 0x180e, 0x180e, "" },
    { 0x2000, 0x200a, " " }, { 0x200b, 0x200f, "" }, { 0x2010, 0x2015, "-" },
    { 0x2017, 0x2017, "_" }, { 0x2018, 0x201b, "'" }, { 0x201c, 0x201f, "\"" },
    { 0x2022, 0x2022, "*" }, { 0x2024, 0x2024, "." }, { 0x2025, 0x2025, ".." },
    { 0x2026, 0x2026, "..." }, { 0x2027, 0x2027, "*" }, { 0x2028, 0x2029, " " },
    { 0x202a, 0x202e, "" }, { 0x202f, 0x202f, " " }, { 0x2032, 0x2032, "'" },
    { 0x2033, 0x2033, "\"" }, { 0x2035, 0x2035, "'" }, { 0x2036, 0x2036, "\"" },
    { 0x2039, 0x2039, "<" }, { 0x203a, 0x203a, ">" }, { 0x2043, 0x2043, "-" },
    { 0x2044, 0x2044, "/" }, { 0x204e, 0x204e, "*" }, { 0x204f, 0x204f, ";" },
    { 0x2053, 0x2053, "~" }, { 0x205f, 0x205f, " " }, { 0x2060, 0x2064, "" },
    { 0x2066, 0x206f, "" },
    { 0x2212, 0x2212, "-" }, { 0x2215, 0x2215, "/" }, { 0x2216, 0x2216, "\\" },
    { 0x2217, 0x2217, "*" }, { 0x2223, 0x2223, "|" }, { 0x2236, 0x2236, ":" },
    { 0x223c, 0x223c, "~" }, { 0x22c5, 0x22c5, "*" },
    { 0x2500, 0x2501, "-" }, { 0x2502, 0x2503, "|" },
    { 0x2e3a, 0x2e3b, "-" }, { 0x3000, 0x3000, " " }, { 0x301d, 0x301f, "\"" },
    { 0xfb00, 0xfb00, "ff" }, { 0xfb01, 0xfb01, "fi" }, { 0xfb02, 0xfb02, "fl" },
    { 0xfb03, 0xfb03, "ffi" }, { 0xfb04, 0xfb04, "ffl" }, { 0xfb05, 0xfb06, "st" },
    { 0xfe00, 0xfe0f, "" }, { 0xfe31, 0xfe32, "|" }, { 0xfe58, 0xfe58, "-" },
    { 0xfe63, 0xfe63, "-" }, { 0xfeff, 0xfeff, "" },
};

enum { FULL_WIDTH = 0xff01, FULL_WIDTH_END = 0xff5e };

const char *lookalike(uint32_t code, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
        if (code >= looks[i].first && code <= looks[i].last)
            return looks[i].text;
    if (code >= FULL_WIDTH && code <= FULL_WIDTH_END)
        ksnprintf(text, size, "%c", (int)(code - FULL_WIDTH + '!'));
    else
        ksnprintf(text, size, "<U+%04X>", (unsigned)code);
    return text;
}
