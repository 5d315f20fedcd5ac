/*
 * probe_set.c - the functions that are noticed, and the int3s that stand in them meanwhile.
 *
 *     slab_refill:  | int3 | rest of the first instruction | ...
 *                                                          ^
 *     copy:         | first instruction, whole | jmp ------+
 *
 * The code is written by set_byte() alone, and cannot be written before or behind it.
 */
#include "kernel/trace/probe_set.h"

#include "kernel/cpu/cpu.h"
#include "kernel/string.h"
#include "kernel/trace/first.h"
#include "kernel/trace/probe.h"

enum { INT3 = 0xcc, JUMP = 0xe9 };

static struct probe probes[PROBE_ROOM];         /* by address */
static unsigned count;

/* ---- which ----------------------------------------------------------------------- */

static struct probe *find(uint32_t at)
{
    unsigned low = 0, high = count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (probes[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && probes[low].at == at ? &probes[low] : NULL;
}

void probe_clear(void)
{
    count = 0;
}

bool probe_can(uintptr_t function, size_t bytes)
{
    size_t length = first_length((const uint8_t *)function);

    return length > 0 && length <= bytes;
}

bool probe_add(uintptr_t function, bool is_root)
{
    const uint8_t *code = (const uint8_t *)function;
    struct probe new = { .at = (uint32_t)function, .byte = *code,
                         .length = (uint8_t)first_length(code), .is_root = is_root,
                         .goes_away = first_goes_away(code) };
    struct probe *known = find(new.at);
    unsigned n = count;

    if (known != NULL) {
        known->is_root |= is_root;
        return true;
    }
    if (count == PROBE_ROOM)
        return false;
    for (; n > 0 && probes[n - 1].at > new.at; n--)
        probes[n] = probes[n - 1];
    probes[n] = new;
    count++;
    return true;
}

/* ---- the code -------------------------------------------------------------------- */

const struct probe *probe_at(uint32_t at)
{
    return find(at);
}

static void set_byte(uint32_t at, uint8_t byte)
{
    uint32_t flags = irq_save(), cr0 = cpu_cr0();

    cpu_set_cr0(cr0 & ~CR0_WP);
    *(volatile uint8_t *)(uintptr_t)at = byte;
    cpu_set_cr0(cr0);
    irq_restore(flags);
}

/* The copy lies where it is when it is run: a jump counts from its end. */
static void make_copy(struct probe *probe)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)probe->at;
    uint8_t *jump = probe->copy + probe->length;
    uint32_t distance = probe->at + probe->length - ((uint32_t)(uintptr_t)jump + 5);

    memcpy(probe->copy, code, probe->length);
    *jump = JUMP;
    memcpy(jump + 1, &distance, sizeof(distance));
}

void probe_plant(void)
{
    for (unsigned i = 0; i < count; i++)
        make_copy(&probes[i]);
    for (unsigned i = 0; i < count; i++)
        set_byte(probes[i].at, INT3);
}

void probe_take_out(void)
{
    for (unsigned i = 0; i < count; i++)
        set_byte(probes[i].at, probes[i].byte);
}

uint32_t probe_behind_copy(uint32_t eip)
{
    uint32_t offset = eip - (uint32_t)(uintptr_t)probes;
    const struct probe *probe = &probes[offset / sizeof(*probe)];

    if (offset >= sizeof(probes))
        return eip;
    return eip == (uint32_t)(uintptr_t)probe->copy ? probe->at : probe->at + probe->length;
}
