/*
 * cmd_catch.c - catch: which slot is meant, and can it be watched?
 *
 *     head, head+4, $1+8, 0x00271008     a variable of a lab, or an address
 *     12+8                               offset 8 of the allocation of serial number 12
 *
 * A decimal number is a serial number, an address is written in hex.
 */
#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/leaks/scan.h"
#include "kernel/memmap.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/trace/catch.h"
#include "mm/mm.h"

/* ---- which slot --------------------------------------------------------------------- */

static bool refuse(const char *word, const char *why)
{
    kprint_wrapped(0, "catch: %s: %s", word, why);
    return false;
}

/* It is live: where that offset is. */
static bool find_in(const struct mm_live *live, uint32_t offset, struct catch_slot *slot)
{
    slot->addr = live->start + offset;
    slot->bytes = catch_bytes_at(slot->addr);
    slot->owner = live->serial;
    slot->offset = offset;
    return offset < live->room && offset + slot->bytes <= live->room;
}

/* "12+8", or "12" */
static bool find_by_serial(const char *word, struct catch_slot *slot)
{
    char serial[CATCH_NAME_SIZE];
    struct mm_live live;
    char *plus;

    strlcpy(serial, word, sizeof(serial));
    plus = strchr(serial, '+');
    if (plus != NULL)
        *plus = 0;
    if (!shell_number(serial, "SERIAL", &slot->owner) ||
        (plus != NULL && !shell_number(plus + 1, "OFFSET", &slot->offset)))
        return false;
    if (slot->owner == 0)
        return refuse(word, "serial numbers begin with 1");
    if (sites_unknown(false))
        return false;
    if (slot->owner > mm_last_serial())
        return true;                    /* it is waited for */
    if (!scan_find_serial(slot->owner, &live))
        return refuse(word, "no object of that serial number is live any more");
    return find_in(&live, slot->offset, slot) ||
           refuse(word, "that is behind its end");
}

/* A variable is watched as far as it goes, a word of it at most. */
static bool find_variable(const char *word, struct catch_slot *slot)
{
    struct symbol symbol;

    if (address_between(slot->addr, command_stack_guard, boot_stack_top) ||
        address_between(slot->addr, report_stack_guard, report_stack_top))
        return refuse(word, "that is a stack, which is somebody else's at each call");
    if (address_between(slot->addr, read_only_start, read_only_end))
        return refuse(word, "nobody can write there, so nobody does");
    slot->bytes = catch_bytes_at(slot->addr);
    if (symbol_find(slot->addr, &symbol))
        while (slot->bytes > 1 && slot->addr + slot->bytes > symbol.start + symbol.size)
            slot->bytes /= 2;
    return true;
}

static bool is_root(uintptr_t addr)
{
    return address_between(addr, roots_data_start, roots_data_end) ||
           address_between(addr, roots_bss_start, roots_bss_end);
}

/* "head+4": several may be called so, but only one is a lab's, or a lesson's. */
static bool find_root(const char *word, uint32_t *address)
{
    struct symbol symbol = { 0 };
    char name[CATCH_NAME_SIZE];
    uint32_t offset = 0, start = 0;
    unsigned count = 0;
    char *plus;

    strlcpy(name, word, sizeof(name));
    plus = strchr(name, '+');
    if (plus != NULL)
        *plus = 0;
    while (symbol_next(name, &symbol))
        if (is_root(symbol.start)) {
            start = (uint32_t)symbol.start;
            count++;
        }
    if (count != 1 || (plus != NULL && !shell_number(plus + 1, "OFFSET", &offset)))
        return false;
    *address = start + offset;
    return true;
}

static bool find_by_address(const char *word, struct catch_slot *slot)
{
    struct mm_live live;
    uint32_t address;

    if (!find_root(word, &address) && !shell_address(word, "SLOT", &address))
        return false;
    slot->addr = address;
    if (address_between(address, data_start, bss_end))
        return find_variable(word, slot);
    if (address_between(address, image_start, image_end))
        return refuse(word, "nobody can write there, so nobody does");
    if (scan_find(address, &live))
        return find_in(&live, address - (uint32_t)live.start, slot) ||
               refuse(word, "that is behind its end");
    kprint_wrapped(0, "catch: %s: nothing is live there (%s): see whatis", word,
                   memmap_region(address));
    return false;
}

/* ---- the command -------------------------------------------------------------------- */

static int catch_slot(const char *word)
{
    bool is_number = word[0] >= '0' && word[0] <= '9' && strncmp(word, "0x", 2) != 0;
    struct catch_slot wanted = { .addr = 0 };
    const struct catch_slot *slot;
    const char *why;

    if (strlcpy(wanted.name, word, sizeof(wanted.name)) >= sizeof(wanted.name))
        return shell_usage("SLOT: \"%s\" is too long", word);
    if (!(is_number ? find_by_serial(word, &wanted) : find_by_address(word, &wanted)))
        return SHELL_FAILED;
    slot = catch_begin(&wanted, &why);
    if (slot == NULL) {
        refuse(word, why);
        return SHELL_FAILED;
    }
    if (slot->addr == 0)
        kprint_wrapped(0, "catch %u: %s: watched as soon as serial %u is taken",
                       catch_number(slot), slot->name, (unsigned)slot->owner);
    else
        kprint_wrapped(0, "catch %u: %s: watched, %u byte%s at 0x%08x",
                       catch_number(slot), slot->name, slot->bytes, plural(slot->bytes),
                       (unsigned)slot->addr);
    return SHELL_OK;
}

static void print_slot(const struct catch_slot *slot, bool json)
{
    char value[16] = "";

    if (slot->addr != 0)
        catch_value(slot, catch_read(slot), value, sizeof(value));
    if (json) {
        kprintf("{\"catch\": %u, \"slot\": ", catch_number(slot));
        json_string(slot->name);
        kprintf(slot->addr != 0 ? ", \"address\": \"0x%08x\"" : ", \"address\": null",
                (unsigned)slot->addr);
        kprintf(", \"bytes\": %u, \"owner\": %u, \"value\": \"%s\", \"stores\": %u}\n",
                slot->bytes, (unsigned)slot->owner, value, (unsigned)slot->stores);
    } else if (slot->addr == 0) {
        kprint_wrapped(0, "catch %u: %s: waits for serial %u", catch_number(slot), slot->name,
                       (unsigned)slot->owner);
    } else {
        kprint_wrapped(0, "catch %u: %s at 0x%08x: %s, stored %u time%s", catch_number(slot),
                       slot->name, (unsigned)slot->addr, value, (unsigned)slot->stores,
                       plural(slot->stores));
    }
}

static int list(bool json)
{
    if (!json && catch_next(NULL) == NULL)
        kprintf("nothing is watched: catch SLOT\n");
    for (const struct catch_slot *slot = NULL; (slot = catch_next(slot)) != NULL; )
        print_slot(slot, json);
    return SHELL_OK;
}

static int off(uint32_t number)
{
    return catch_end(number) ? SHELL_OK
               : shell_usage("nothing is watched as number %u", (unsigned)number);
}

static int cmd_catch(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    uint32_t number = 0;

    if (argc == 1)
        return list(json);
    if (strcmp(argv[1], "off") != 0)
        return shell_at_most(argc, argv, 2) ? catch_slot(argv[1]) : SHELL_USAGE;
    if (!shell_at_most(argc, argv, 3) ||
        (argc == 3 && !shell_number(argv[2], "N", &number)))
        return SHELL_USAGE;
    if (argc == 3 && number == 0)
        return shell_usage("they are numbered from 1");
    return off(number);
}

SHELL_COMMAND_IN("find leaks", catch, "[-j] | SLOT | off [N]",
    "who writes there: each store, with its line",
    "SLOT is a variable, an address ($1+8), or SERIAL+OFFSET: a decimal number is\n"
    "that of an allocation, and it need not be there yet.  It is watched over all\n"
    "that is typed until `catch off`, or until the kfree of what it lies in, which\n"
    "is told as well.  Up to four: the CPU has four registers for it, so nothing\n"
    "runs slower meanwhile.\n"
    "    catch 1+8; kmalloc 100; poke $+8 0x41; kfree $",
    cmd_catch);
