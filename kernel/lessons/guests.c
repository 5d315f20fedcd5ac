/*
 * guests.c - a lesson: one lost in a thousand, and how one finds it.
 *
 * A hotel keeps its guests on a list.  Each has an entry, and the entry holds a name:
 *
 *     guest_list -> | next | number | name | -> | next | number | name | -> ...
 *                                     |                           |
 *                                  "guest 500"                 "guest 499"
 *
 * So 500 guests are 1,000 allocations.  When they leave all is given back, nearly.  And when
 * there is no memory for a name something else goes wrong.
 *
 * Try it
 *     leaks mark; guests 500      they arrive
 *     leaks                       nothing is lost: all hang on the list
 *     leaks owners                names hang at one offset of what takes the entries
 *     guests leave                they leave
 *     meminfo                     1 object is live, of how many bytes?
 *     leaks since                 the line that took it
 *     leaks lost                  where it was last seen, and who freed that
 *     fail each "guests 2; guests leave"      which failing call loses what?
 *
 * Questions
 *   1. A thousand allocations, one is lost.  After how many guests would you have noticed
 *      by `meminfo` alone?  After how many would the machine?
 *   2. `leaks lost` names the line that freed the entry.  Is the mistake in that line?
 *   3. Which guest is it?  What of the code tells why, and why would a test with ten guests
 *      never have found it?
 *   4. The other mistake loses something only when memory is short.  Who ever tests that?
 *
 * Exercise: mend both, leave Marbles, build and boot again by `make run`; then
 *     leaks mark; guests 500; guests leave; leaks since
 *     fail each "guests 2; guests leave"
 * must find nothing.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { NAME_SIZE = 24, MOST_GUESTS = 100000, REGULAR = 250 };

struct guest {
    struct guest *next;
    unsigned number;
    char *name;
};

static struct guest *guest_list;

static bool arrive(unsigned number)
{
    struct guest *guest = kmalloc(sizeof(*guest), GFP_KERNEL);
    char name[NAME_SIZE];

    if (guest == NULL)
        return false;
    ksnprintf(name, sizeof(name), "guest %u", number);
    guest->name = kstrdup(name, GFP_KERNEL);
    if (guest->name == NULL)
        return false;
    guest->number = number;
    guest->next = guest_list;
    guest_list = guest;
    return true;
}

/* A regular guest pays later: his name is kept. */
static void leave(struct guest *guest)
{
    if (guest->number != REGULAR)
        kfree(guest->name);
    kfree(guest);
}

static int all_leave(void)
{
    unsigned count = 0;

    for (struct guest *guest = guest_list; guest != NULL; guest = guest_list) {
        guest_list = guest->next;
        leave(guest);
        count++;
    }
    kprintf("%u guest%s left\n", count, count == 1 ? " has" : "s have");
    return SHELL_OK;
}

static int all_arrive(unsigned count)
{
    for (unsigned number = 1; number <= count; number++)
        if (!arrive(number)) {
            kprintf("no room for guest %u\n", number);
            return SHELL_FAILED;
        }
    kprintf("%u guest%s arrived\n", count, count == 1 ? " has" : "s have");
    return SHELL_OK;
}

static int cmd_guests(int argc, char **argv)
{
    uint32_t count;

    if (argc < 2)
        return shell_usage("how many?");
    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (strcmp(argv[1], "leave") == 0)
        return all_leave();
    if (!shell_number(argv[1], "N", &count))
        return SHELL_USAGE;
    if (count == 0 || count > MOST_GUESTS)
        return shell_usage("N: %u is not from 1 to %d", (unsigned)count, MOST_GUESTS);
    return all_arrive(count);
}

SHELL_COMMAND_IN("lessons", guests, "N|leave", "a list on which one in a thousand is lost",
    "N guests arrive, and are put on a list: an entry and a name each.  leave: all of\n"
    "them leave, and all is given back, nearly.  What to try, and what to ask, is at\n"
    "the top of kernel/lessons/guests.c.\n"
    "    guests 500; leaks; guests leave; leaks lost",
    cmd_guests);
