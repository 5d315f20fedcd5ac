/*
 * cmd_heapmap.c - heapmap: all memory as a picture.
 *
 *     heapmap [kind|sites|age|leaks] [zoom ADDR]     a picture, and what its letters are
 *     heapmap slab ADDR|CACHE                        slots.c
 *     heapmap -j                                     blocks_json.c
 *
 *     blocks.c  -->  views.c  -->  cells.c  -->  draw.c
 *     every page     which class   which cell    which signs, and colours
 *
 * Header, map and legend are 22 rows of at most 80 columns: with the prompt, or with the
 * row of `watch`, they fit a terminal of 24.  The numbers of the legend are counted with
 * the cells, by the same walk; by kind they are meminfo's and buddyinfo's.
 */
#include "kernel/map/blocks.h"
#include "kernel/map/draw.h"
#include "kernel/map/map_priv.h"
#include "kernel/map/views.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { LEGEND_COLUMN = 40, NAME_COLUMNS = 17, TEXT_SIZE = 80 };

static struct picture picture;          /* too large for a stack */

static unsigned kilobytes(uint32_t pages)
{
    return (unsigned)pages << (PAGE_SHIFT - 10);
}

/* ---- as text --------------------------------------------------------------------- */

static void print_header(bool is_zoomed)
{
    unsigned pages = cells_pages();

    if (is_zoomed)
        kprintf("0x%08x to 0x%08x", (unsigned)picture.first << PAGE_SHIFT,
                ((unsigned)(picture.first + picture.pages) << PAGE_SHIFT) - 1);
    else
        kprintf("MemTotal: %u kB", kilobytes(picture.total_pages));
    kprintf("; a cell: %u page%s, %u kB; 0-9, X (10): a block's order\n", pages,
            plural(pages), kilobytes(pages));
}

/* What of a line of code there is room for, with its number. */
static const char *end_of(const char *name)
{
    const char *end = place_end(name);
    size_t length = strlen(end);

    return length > NAME_COLUMNS ? end + length - NAME_COLUMNS : end;
}

static void format_sum(const struct sum *sum, char *text)
{
    if (sum->by_objects)
        ksnprintf(text, TEXT_SIZE, "%-*s %8u B in %u", NAME_COLUMNS, end_of(sum->name),
                  (unsigned)sum->bytes, (unsigned)sum->count);
    else
        ksnprintf(text, TEXT_SIZE, "%-*s %8u kB in %u", NAME_COLUMNS, sum->name,
                  kilobytes(sum->pages), (unsigned)sum->count);
}

/* How many columns it takes. */
static size_t print_sum(const struct sum *sum)
{
    char text[TEXT_SIZE];

    format_sum(sum, text);
    draw_sign(sum->class, sum->class->letter);
    draw_text();
    kprintf(" %s", text);
    return 2 + strlen(text);
}

static bool is_in_legend(const struct sum *sum, bool by_objects)
{
    return sum->class != NULL && sum->by_objects == by_objects && sum->name[0] != 0;
}

/* Two side by side. */
static void print_sums(bool by_objects)
{
    size_t column = 0;

    for (unsigned class = CLASS_FREE; class < MAX_CLASSES; class++) {
        if (!is_in_legend(&picture.sums[class], by_objects))
            continue;
        if (column == 0) {
            column = print_sum(&picture.sums[class]);
            continue;
        }
        kprintf("%*s", LEGEND_COLUMN - (int)column, "");
        print_sum(&picture.sums[class]);
        kprintf("\n");
        column = 0;
    }
    if (column != 0)
        kprintf("\n");
}

static void print_orders(void)
{
    kprintf("free blocks of order 0 to 10:");
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        kprintf(" %u", (unsigned)picture.free_blocks[order]);
    kprintf("\n");
}

/* What is no object's, in a row. */
static void print_rest(void)
{
    const struct sum *sums = picture.sums;

    kprintf(". %u kB free, M %u kB books, G %u kB guarded, s %u B rest of slabs\n",
            kilobytes(sums[CLASS_FREE].pages), kilobytes(sums[CLASS_META].pages),
            kilobytes(sums[CLASS_GUARDED].pages), (unsigned)picture.slack_bytes);
}

static void print_picture(bool by_objects, bool is_zoomed)
{
    print_header(is_zoomed);
    draw_cells();
    print_sums(by_objects);
    if (by_objects)
        print_rest();
    else
        print_orders();
}

/* ---- the same for programs: the legend ------------------------------------------- */

static void print_sum_json(const struct sum *sum)
{
    kprintf("{\"class\": ");
    json_string(sum->name);
    kprintf(", \"letter\": \"%c\", \"objects\": %u, \"bytes\": %u}\n",
            sum->class->letter, (unsigned)sum->count, (unsigned)sum->bytes);
}

static void print_legend_json(void)
{
    for (unsigned class = CLASS_OWN; class < MAX_CLASSES; class++)
        if (is_in_legend(&picture.sums[class], true))
            print_sum_json(&picture.sums[class]);
    kprintf("{\"summary\": true, \"total_kb\": %u, \"free_kb\": %u, \"meta_kb\": %u, "
            "\"guarded_kb\": %u, \"slack_bytes\": %u}\n", kilobytes(picture.total_pages),
            kilobytes(picture.sums[CLASS_FREE].pages),
            kilobytes(picture.sums[CLASS_META].pages),
            kilobytes(picture.sums[CLASS_GUARDED].pages), (unsigned)picture.slack_bytes);
}

/* ---- the command ----------------------------------------------------------------- */

struct request {
    const struct view *view;
    uint32_t zoom;              /* a page; NO_PAGE: all */
    bool json;
};

static int tell_blocks(const struct request *request)
{
    bool is_all = request->zoom == NO_PAGE;

    return map_blocks_json(is_all ? 0 : request->zoom / CELLS * CELLS,
                           is_all ? blocks_end() : CELLS);
}

static int tell(const struct request *request)
{
    bool by_objects = view_is_by_objects(request->view);

    if (blocks_busy() || (by_objects && sites_unknown(request->json)))
        return SHELL_FAILED;
    if (request->json && !by_objects)
        return tell_blocks(request);
    if (!view_take(request->view, request->zoom, &picture))
        return SHELL_FAILED;
    if (request->json)
        print_legend_json();
    else
        print_picture(by_objects, request->zoom != NO_PAGE);
    return SHELL_OK;
}

/* Behind the command's name: [VIEW] [zoom ADDR]. */
static int read_request(int argc, char **argv, struct request *request)
{
    uint32_t address;
    int at = 1;

    if (at < argc && view_find(argv[at]) != NULL)
        request->view = view_find(argv[at++]);
    if (at == argc)
        return SHELL_OK;
    if (strcmp(argv[at], "zoom") != 0)
        return shell_usage("\"%s\" is none of these words", argv[at]);
    if (at + 1 == argc)
        return shell_usage("ADDR is missing");
    if (!shell_at_most(argc, argv, at + 2) ||
        !shell_address(argv[at + 1], "ADDR", &address))
        return SHELL_USAGE;
    request->zoom = address >> PAGE_SHIFT;
    if (request->zoom < blocks_begin() || request->zoom >= blocks_end())
        return shell_usage("ADDR: %s lies %s the heap", argv[at + 1],
                           request->zoom < blocks_begin() ? "before" : "behind");
    return SHELL_OK;
}

static int cmd_heapmap(int argc, char **argv)
{
    struct request request = { .view = view_find("kind"), .zoom = NO_PAGE };
    int status;

    request.json = shell_option(&argc, argv, "-j");
    if (argc > 1 && strcmp(argv[1], "slab") == 0) {
        if (argc == 2)
            return shell_usage("ADDR or CACHE is missing");
        if (!shell_at_most(argc, argv, 3))
            return SHELL_USAGE;
        return blocks_busy() ? SHELL_FAILED : map_slab(argv[2], request.json);
    }
    status = read_request(argc, argv, &request);
    return status == SHELL_OK ? tell(&request) : status;
}

SHELL_COMMAND_IN("look", heapmap, "[kind|sites|age|leaks] [zoom ADDR] | slab ADDR [-j]",
    "all memory as a picture",
    "Blocks are squares, or halves of one: cells are numbered in Z-order.  A cell has\n"
    "two signs: at the left the most of what is taken in it (of leaks, the gravest),\n"
    "at the right the most of all, or the order of the block that begins there.\n"
    "kind: slabs, large kmallocs, pages, mm's books, as meminfo and buddyinfo have\n"
    "them; sites: the lines that have most; age: old, middle, young, by serial\n"
    "number; leaks: what is lost and what reachable, as `leaks` says.\n"
    "Below is what the signs mean, how much, in how many blocks or objects.  - is no\n"
    "memory of mm's.\n"
    "zoom ADDR: a page a cell.  slab ADDR, slab CACHE: the slots of one slab.\n"
    "-j: a row a block, or an entry of the legend, or a slot.  watch: in place.\n"
    "    kmalloc 100 40; pages 5; heapmap; heapmap leaks\n"
    "    kmalloc 100 40; heapmap zoom $; heapmap slab $",
    cmd_heapmap);
