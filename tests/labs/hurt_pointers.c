/*
 * hurt_pointers.c - reads, writes and calls through pointers that are none.
 */
#include "kernel/image.h"
#include "kernel/printk.h"
#include "mm/slab.h"
#include "tests/labs/hurt.h"

/* ---- near to NULL --------------------------------------------------------------- */

HURT(null_read) { hurt_sink = *word(0); }
HURT(null_write) { *word(0) = 1; }
HURT(null_member) { *word(0x24) = 1; }
HURT(null_index) { word(0)[5000] = 1; }
HURT(null_call) { ((void (*)(void))hidden(0))(); }
HURT(zero_size_read) { hurt_sink = *byte((uintptr_t)kmalloc(0, GFP_KERNEL)); }
HURT(zero_size_write) { *byte((uintptr_t)kmalloc(0, GFP_KERNEL)) = 1; }
HURT(too_large_unchecked) { *byte((uintptr_t)kmalloc(5 << 20, GFP_KERNEL)) = 1; }
HURT(too_large_index) { byte((uintptr_t)kmalloc(5 << 20, GFP_KERNEL))[70000] = 1; }

/* ---- nowhere -------------------------------------------------------------------- */

HURT(wild_read) { hurt_sink = *word(0xdeadbeef); }
HURT(wild_write) { *word(0xdeadbeef) = 1; }
HURT(wild_high) { *word(0xf0000000) = 1; }
HURT(wild_last) { hurt_sink = *word(0xfffffffd); }
HURT(wild_poison) { hurt_sink = *word(0x6b6b6b6b); }
HURT(wild_ascii) { hurt_sink = *word(0x64636261); }
HURT(apic_read) { hurt_sink = *word(0xfee00000); }

/* ---- the first MiB -------------------------------------------------------------- */

HURT(low_read) { hurt_sink = *word(0x500); }
HURT(low_write) { hurt_fill(hidden(0x1000), 0x8f000, 0xff); }
HURT(ebda_write) { hurt_fill(hidden(0x9fc00), 0x400, 0); }
HURT(screen_write) { hurt_fill(hidden(0xa0000), 0x20000, 'A'); }
HURT(rom_write) { hurt_fill(hidden(0xc0000), 0x40000, 0); }
HURT(loader_write) { hurt_fill(hidden(0x9000), 0x2000, 0xff); }

/* ---- what may only be read ------------------------------------------------------ */

static const int table[4] = { 1, 2, 3, 4 };

HURT(text_write) { *word((uintptr_t)text_start) = 0; }
HURT(text_write_self) { *word((uintptr_t)text_write_self) = 0xcccccccc; }
HURT(rodata_write) { *byte((uintptr_t)"a literal") = 'X'; }
HURT(const_write) { *word((uintptr_t)table) = 9; }
HURT(symbols_write) { hurt_fill(symbols_start, 4096, 0); }

/* ---- calls ---------------------------------------------------------------------- */

static void call(const void *code) { ((void (*)(void))hidden((uintptr_t)code))(); }

/* A lone ret: pages of data may be executed, and this comes back. */
HURT(jump_heap)
{
    char *code = kmalloc(64, GFP_KERNEL);

    code[0] = (char)0xc3;
    call(code);
}

HURT(jump_data)
{
    static unsigned char code[] = { 0x0f, 0x0b };       /* ud2 */

    call(code);
}

HURT(jump_zeros)
{
    static unsigned char code[4096];

    call(code);
}

HURT(jump_garbage)
{
    uint32_t *code = kmalloc(4096, GFP_KERNEL);

    for (uint32_t i = 0; i < 1024; i++)
        code[i] = i * 2654435761u;
    call(code);
}

HURT(jump_ascii) { call(hidden(0x41414141)); }
HURT(jump_into_function) { call((const char *)(uintptr_t)kprintf + 3); }
HURT(jump_rodata) { call("hello world, this is text"); }

const struct hurt_way hurt_pointers[] = {
    WAY(null_read), WAY(null_write), WAY(null_member), WAY(null_index), WAY(null_call),
    WAY(zero_size_read), WAY(zero_size_write), WAY(too_large_unchecked),
    WAY(too_large_index), WAY(wild_read), WAY(wild_write), WAY(wild_high),
    WAY(wild_last), WAY(wild_poison), WAY(wild_ascii), WAY(apic_read), WAY(low_read),
    WAY(low_write), WAY(ebda_write), WAY(screen_write), WAY(rom_write),
    WAY(loader_write), WAY(text_write), WAY(text_write_self), WAY(rodata_write),
    WAY(const_write), WAY(symbols_write), WAY(jump_heap), WAY(jump_data),
    WAY(jump_zeros), WAY(jump_garbage), WAY(jump_ascii), WAY(jump_into_function),
    WAY(jump_rodata), { NULL, NULL },
};
