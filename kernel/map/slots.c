/*
 * slots.c - heapmap slab: the slots of one slab, one by one, and whose each is.
 *
 *     slab at 0x001ea000 of kmalloc-128: 1 page, 28 slots of 128 bytes, 2 live
 *        0   a>a . . . . . . . . . .            a letter a line of code that has some,
 *      ...                                      > the slot that was asked for
 *     a 2 by cmd_kmalloc (kernel/memory/cmd_alloc.c:77)
 *
 * All slots are looked at with interrupts off, then told: they are of one moment.
 *
 * Cost: that of a `whatis` for each slot.
 */
#include "kernel/map/map_priv.h"

#include "kernel/cpu/cpu.h"
#include "kernel/map/blocks.h"
#include "kernel/map/draw.h"
#include "kernel/map/views.h"
#include "kernel/memory/sites.h"
#include "kernel/memory/whatis.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { MAX_SLOTS = 512, SLOTS_A_ROW = 32, PLACE_SIZE = 96, NAME_SIZE = 64 };

static struct slot {
    uintptr_t start;
    uint32_t serial, asked;     /* of a free one: of what was there last; or 0 */
    const struct alloc_site *site;
    enum { SLOT_FREE, SLOT_LIVE, SLOT_WAITS } state;
    unsigned letter;            /* live: place of its site in `owners` */
} slots[MAX_SLOTS];

static struct slab {
    struct block block;
    uint32_t slot_size, live, waiting;
    uintptr_t asked;            /* the address that was asked for; 0: a cache was */
} slab;

static struct owner {
    const struct alloc_site *site;
    unsigned slots;
} owners[SITE_LETTERS];         /* those with most slots, most first */

static const struct class letters[SITE_LETTERS + 1] = {
    { 'a', 1, 0, "" }, { 'b', 2, 0, "" }, { 'c', 3, 0, "" }, { 'd', 4, 0, "" },
    { 'e', 5, 0, "" }, { 'f', 6, 0, "" }, { 'g', 1, 0, "" }, { '+', 7, 0, "" },
};

/* ---- which slab ------------------------------------------------------------------ */

struct wanted {
    const char *cache;          /* NULL: the one around page `pfn` */
    uint32_t pfn;
};

static bool is_wanted(const struct block *block, void *arg)
{
    const struct wanted *wanted = arg;

    if (block->kind != BLOCK_SLAB ||
        (wanted->cache != NULL ? strcmp(block->cache, wanted->cache) != 0
                               : wanted->pfn - block->pfn >= block->pages))
        return true;
    slab.block = *block;
    return false;
}

static bool note_size(const struct mm_cache_info *info, void *arg)
{
    (void)arg;
    if (info->name == slab.block.cache)
        slab.slot_size = info->slot_size;
    return info->name != slab.block.cache;
}

/* ---- its slots ------------------------------------------------------------------- */

/* In the middle of the room of slot i is its object, or the red zone beside it. */
static void look_at_slot(unsigned i)
{
    uintptr_t base = (uintptr_t)slab.block.pfn << PAGE_SHIFT;
    struct slot *slot = &slots[i];
    struct mm_what what;

    mm_what_is((const void *)(base + i * slab.slot_size + slab.slot_size / 2), &what);
    slot->start = what.start;
    mm_what_is((const void *)what.start, &what);
    slot->state = what.kind == MM_SLAB_LIVE ? SLOT_LIVE
                  : what.quarantined ? SLOT_WAITS : SLOT_FREE;
    slot->serial = what.serial;
    slot->asked = what.serial != 0 || slot->state == SLOT_LIVE ? (uint32_t)what.asked : 0;
    slot->site = what.taken_by;
    slab.live += slot->state == SLOT_LIVE;
    slab.waiting += slot->state == SLOT_WAITS;
}

/* False: there is none such. */
static bool take_slab(struct wanted *wanted)
{
    const struct block_visitor visitor = { is_wanted, NULL, wanted };
    uint32_t flags = irq_save();

    slab = (struct slab){ .asked = slab.asked };
    blocks_walk(0, &visitor);
    mm_walk_caches(note_size, NULL);
    for (unsigned i = 0; i < slab.block.slots; i++)
        look_at_slot(i);
    irq_restore(flags);
    return slab.block.pages != 0;
}

static unsigned count_of(const struct alloc_site *site)
{
    unsigned n = 0;

    for (unsigned i = 0; i < slab.block.slots; i++)
        n += slots[i].state == SLOT_LIVE && slots[i].site == site &&
             slots[i].letter == SITE_LETTERS;
    return n;
}

/* The site of most live slots that have no letter yet gets the next one. */
static void give_letter(unsigned letter)
{
    struct owner *owner = &owners[letter];

    *owner = (struct owner){ .slots = 0 };
    for (unsigned i = 0; i < slab.block.slots; i++) {
        unsigned n = count_of(slots[i].site);

        if (n > owner->slots)
            *owner = (struct owner){ slots[i].site, n };
    }
    for (unsigned i = 0; i < slab.block.slots && owner->slots > 0; i++)
        if (slots[i].site == owner->site && slots[i].letter == SITE_LETTERS)
            slots[i].letter = letter;
}

static void give_letters(void)
{
    for (unsigned i = 0; i < slab.block.slots; i++)
        slots[i].letter = SITE_LETTERS;
    for (unsigned letter = 0; letter < SITE_LETTERS; letter++)
        give_letter(letter);
}

/* ---- told ------------------------------------------------------------------------ */

static bool is_asked(const struct slot *slot)
{
    return slab.asked - slot->start < slab.slot_size;
}

static void draw_slots(void)
{
    for (unsigned i = 0; i < slab.block.slots; i++) {
        const struct slot *slot = &slots[i];

        if (i % SLOTS_A_ROW == 0)
            kprintf("%s%5u  ", i == 0 ? "" : "\n", i);
        kprintf("%c", is_asked(slot) ? '>' : ' ');
        if (slot->state == SLOT_LIVE)
            draw_sign(&letters[slot->letter], letters[slot->letter].letter);
        else
            draw_sign(NULL, slot->state == SLOT_WAITS ? 'q' : '.');
        draw_text();
    }
    kprintf("\n");
}

static void print_owners(void)
{
    char place[PLACE_SIZE];
    unsigned others = slab.live;

    for (unsigned i = 0; i < SITE_LETTERS && owners[i].slots > 0; i++) {
        draw_sign(&letters[i], letters[i].letter);
        draw_text();
        kprint_wrapped(0, " %u by %s (%s)", owners[i].slots,
                       site_function(owners[i].site),
                       site_place(owners[i].site, place, sizeof(place)));
        others -= owners[i].slots;
    }
    if (others > 0)
        kprintf("+ %u by other lines\n", others);
}

static void print_slab(void)
{
    char name[NAME_SIZE];

    strlcpy(name, slab.block.cache, sizeof(name));
    kprint_wrapped(0, "slab at 0x%08x of %s: %u page%s, %u slot%s of %u bytes, %u live",
                   (unsigned)slab.block.pfn << PAGE_SHIFT, printable(name),
                   (unsigned)slab.block.pages, plural(slab.block.pages),
                   (unsigned)slab.block.slots, plural(slab.block.slots),
                   (unsigned)slab.slot_size, (unsigned)slab.live);
    draw_slots();
    print_owners();
    kprintf(". %u free", (unsigned)(slab.block.slots - slab.live - slab.waiting));
    if (slab.waiting > 0)
        kprintf(", q %u freed, in quarantine", (unsigned)slab.waiting);
    kprintf("\n");
}

static void print_slot_json(unsigned i)
{
    static const char *const states[] = { "free", "live", "quarantined" };
    char place[PLACE_SIZE];

    kprintf("{\"slot\": %u, \"start\": \"0x%08x\", \"state\": \"%s\", \"cache\": ", i,
            (unsigned)slots[i].start, states[slots[i].state]);
    json_string(slab.block.cache);
    kprintf(", \"serial\": %u, \"asked\": %u, \"site\": ", (unsigned)slots[i].serial,
            (unsigned)slots[i].asked);
    if (slots[i].site != NULL)
        json_string(site_place(slots[i].site, place, sizeof(place)));
    else
        kprintf("null");
    kprintf("}\n");
}

static int tell_slab(bool json)
{
    if (!json) {
        give_letters();
        print_slab();
    }
    for (unsigned i = 0; json && i < slab.block.slots && !shell_interrupted(); i++)
        print_slot_json(i);
    return SHELL_OK;
}

static int say_none(const char *problem, const char *word, bool json)
{
    char text[PLACE_SIZE];

    ksnprintf(text, sizeof(text), problem, word);
    if (json) {
        kprintf("{\"error\": ");
        json_string(text);
        kprintf("}\n");
    } else {
        kprint_wrapped(0, "heapmap slab: %s", text);
    }
    return SHELL_FAILED;
}

int map_slab(const char *word, bool json)
{
    struct wanted wanted = { .cache = NULL };
    uint32_t address = 0;

    if (mm_find_cache(word) != NULL)
        wanted.cache = word;
    else if (!shell_address(word, "ADDR", &address))
        return SHELL_USAGE;
    wanted.pfn = address >> PAGE_SHIFT;
    slab.asked = address;
    if (take_slab(&wanted))
        return tell_slab(json);
    return say_none(wanted.cache != NULL ? "the cache %s has no slab"
                                         : "%s is in no slab: whatis tells what it is",
                    word, json);
}
