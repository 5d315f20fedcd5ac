/*
 * drain.c - a lesson: the driver that forgets one kfree in ten.
 *
 * A network card raises an interrupt, here at every timer tick, and the driver
 * takes the packets that wait in it.  For each it allocates a buffer, lets the
 * card write the packet there, checks it, hands it on and frees the buffer:
 *
 *     kmalloc -> the card writes -> checksum right -> deliver -> kfree
 *                                -> checksum wrong -> ...
 *
 * One packet in ten arrives damaged.  It works for as long as you care to look.
 *
 * Try it
 *     meminfo                     what there is
 *     leaks mark                  draw a line
 *     drain                       watch "free" fall, to the very end
 *     leaks since                 who has it all?  The line is named
 *     slabinfo; buddyinfo         what a buffer costs; not one page is left
 *     kmalloc 100                 everybody suffers, not only the driver
 *     drain careless              the same driver, without its check for NULL
 *
 * Questions
 *   1. "live" grows by how many objects a tick?  How many packets are damaged?
 *   2. A buffer has 1,500 bytes.  By how much does free memory fall for each one
 *      that is lost, and why not by 1,500?
 *   3. How long would a machine with 4 GiB last?  With one damaged packet in a
 *      million?  Why do such leaks live in programs for years?
 *   4. The careful driver drops packets when kmalloc returns NULL.  What does the
 *      careless one do, at which address, and what stops it there?
 *   5. kfree could be called for every buffer, with its address.  Why can nobody
 *      do it, and what is the only way to get the memory back?
 *
 * Exercise: where does the missing kfree belong?  Is there a way to write
 * receive() so that no path can forget it?  Put it in, leave Marbles, build and boot it
 * again by `make run`; then
 *     leaks mark; drain 1000 careless
 *     leaks since
 * must find nothing (Ctrl-C ends drain, and with it the rest of its line).
 *
 * The driver runs in the interrupt, and so do the counting and the rows: what is printed
 * depends on its ticks and packets alone, and is the same in every run with the same
 * memory.  The command only sleeps.
 */
#include "kernel/cpu/timer.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum {
    PACKET_BYTES = 1500,
    HEADER_BYTES = 2 * sizeof(uint32_t),
    DAMAGED_ONE_IN = 10,
    NULL_TICKS = 5,             /* in a row, then the machine is drained */
    PAGES_A_TICK = 4096,        /* counting walks the heap: so much of it a tick */
    QUIET_TICKS = 200,          /* a row at least so often */
    STEPS = 16,                 /* and when another 1/16 of memory is gone */
    STRIP_COLUMNS = 28,         /* beside each row: free memory as a strip */
    DEFAULT_PACKETS = 200, MAX_PACKETS = 2000,  /* a tick */
};

struct packet {
    uint32_t number;
    uint32_t checksum;
    uint8_t data[PACKET_BYTES - HEADER_BYTES];
};

static struct driver {
    bool careless;              /* does not ask whether kmalloc gave NULL */
    uint32_t packets_per_tick;
    uint32_t ticks, packets, delivered, dropped;
    uint32_t null_ticks;        /* in a row */
    uint32_t look_every;        /* ticks */
    uint32_t step_kb, next_kb;  /* free memory at which the next row is due */
    uint32_t strip_kb;          /* of free memory for each sign of a strip */
    uint32_t last_row;          /* its tick */
    volatile bool drained;
} driver;

/* ---- the driver --------------------------------------------------------- */

/* With all its bits turned it is no address, nor are the data: a packet points to nothing. */
static uint32_t checksum(const struct packet *packet)
{
    return ~(packet->number * 31 + packet->data[0]);
}

/* What the card does: it was given an address, and writes a packet there. */
static void card_writes(struct packet *packet, uint32_t number)
{
    packet->number = number;
    memset(packet->data, (int)(number | 0x80) & 0xff, sizeof(packet->data));
    packet->checksum = checksum(packet);
    if (number % DAMAGED_ONE_IN == 0)
        packet->checksum++;     /* a bit was flipped on the wire */
}

static void deliver(const struct packet *packet)
{
    driver.delivered += packet->number != 0;
}

/* Take one packet from the card.  noinline: a fault report shall name it. */
__attribute__((noinline)) static void receive(uint32_t number)
{
    struct packet *packet = kmalloc(sizeof(*packet), GFP_ATOMIC);

    if (packet == NULL && !driver.careless) {
        driver.dropped++;
        return;
    }
    card_writes(packet, number);
    if (packet->checksum != checksum(packet))
        return;                 /* damaged: nothing to deliver */
    deliver(packet);
    kfree(packet);
}

/* ---- counting and rows, in the interrupt as well --------------------------------- */

static bool in_background;      /* after `drain start`: no rows, until `drain stop` */

/* Time goes down the rows; what is free is the length of each. */
static void print_strip(uint32_t free_kb)
{
    for (uint32_t i = 0; i < free_kb / driver.strip_kb; i++)
        kprintf("%s#", i == 0 ? "  " : "");
    kprintf("\n");
}

/* Print where the driver stands, if a row is due or `always`. */
static void print_row(bool always)
{
    struct mm_stats stats;

    stats_get(&stats);

    uint32_t free_kb = stats.free_pages * (uint32_t)(PAGE_SIZE >> 10);
    bool due = free_kb < driver.next_kb ||
               driver.ticks - driver.last_row >= QUIET_TICKS;

    if (!due && !always)
        return;
    kprintf("%8u %9u %10u %8u %9u", (unsigned)driver.ticks, (unsigned)driver.packets,
            (unsigned)free_kb, (unsigned)stats.live_objects, (unsigned)driver.dropped);
    print_strip(free_kb);
    driver.last_row = driver.ticks;
    driver.next_kb = free_kb > driver.step_kb ? free_kb - driver.step_kb : 0;
}

/* The interrupt. */
static void tick(void *unused)
{
    uint32_t dropped_before = driver.dropped;

    (void)unused;
    if (driver.drained || mm_state & MM_BUSY)
        return;                 /* a command is inside mm: its packets wait */
    driver.ticks++;
    for (uint32_t i = 0; i < driver.packets_per_tick; i++)
        receive(++driver.packets);

    if (driver.dropped == dropped_before)
        driver.null_ticks = 0;
    else
        driver.null_ticks++;
    if (driver.null_ticks == NULL_TICKS) {
        driver.drained = true;
        if (!in_background)
            print_row(true);
    } else if (!in_background && driver.ticks % driver.look_every == 0) {
        print_row(false);
    }
}

/* ---- the command -------------------------------------------------------- */

static void print_head(void)
{
    kprintf("    tick   packets    free kB     live   dropped  free\n");
    print_row(true);
}

static bool start(bool careless, uint32_t packets_per_tick)
{
    struct mm_stats stats;
    uint32_t total_kb;

    stats_get(&stats);
    total_kb = stats.total_pages * (uint32_t)(PAGE_SIZE >> 10);
    driver = (struct driver){ .careless = careless,
        .packets_per_tick = packets_per_tick, .next_kb = UINT32_MAX,
        .look_every = 1 + stats.total_pages / PAGES_A_TICK,
        .step_kb = total_kb / STEPS, .strip_kb = total_kb / STRIP_COLUMNS + 1 };
    if (!in_background)
        print_head();
    return timer_every_tick(tick, NULL);
}

/* Until memory is drained or Ctrl-C. */
static void watch(void)
{
    while (!driver.drained && !shell_interrupted())
        cpu_idle();
    timer_stop(tick, NULL);
    if (!driver.drained)
        print_row(true);
}

static int tell_end(void)
{
    if (driver.drained)
        kprintf("drained: kmalloc gave NULL in %u ticks in a row.  Look: leaks since; "
                "meminfo\nThen: drain careless.  Only reboot brings the memory back.\n",
                NULL_TICKS);
    else
        kprintf("stopped; what has leaked stays: \"leaks since\"\n");
    return driver.drained || in_background ? SHELL_OK : SHELL_FAILED;
}

static int stop_background(void)
{
    if (!in_background) {
        kprintf("drain: it does not run; \"drain start\" lets it\n");
        return SHELL_FAILED;
    }
    timer_stop(tick, NULL);
    print_head();

    int status = tell_end();

    in_background = false;
    return status;
}

static int cmd_drain(int argc, char **argv)
{
    uint32_t packets = DEFAULT_PACKETS;
    bool careless = shell_option(&argc, argv, "careless");
    bool starts = shell_option(&argc, argv, "start");

    if (argc == 2 && strcmp(argv[1], "stop") == 0)
        return stop_background();

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc > 1 && !shell_number(argv[1], "packets a tick", &packets))
        return SHELL_USAGE;
    if (packets == 0 || packets > MAX_PACKETS)
        return shell_usage("%u is not from 1 to %u packets a tick",
                           (unsigned)packets, MAX_PACKETS);
    if (in_background) {
        kprintf("drain: it runs already; \"drain stop\" ends it\n");
        return SHELL_FAILED;
    }
    in_background = starts;
    if (!start(careless, packets)) {
        in_background = false;
        kprintf("drain: no place left at the timer\n");
        return SHELL_FAILED;
    }
    if (starts) {
        kprintf("it runs until \"drain stop\"; look on: watch meminfo\n");
        return SHELL_OK;
    }
    watch();
    return tell_end();
}

SHELL_COMMAND_IN("lessons", drain, "[start] [PACKETS] [careless] | stop",
    "a driver that forgets one kfree in ten",
    "PACKETS arrive at each timer tick, 200 unless told otherwise; each gets a\n"
    "buffer, and one in ten never gives it back.  Ctrl-C stops it.  `careless` is\n"
    "the driver that does not check for NULL.  The handout is the head comment of\n"
    "kernel/lessons/drain.c.\n"
    "    leaks mark; drain 1000; leaks since\n"
    "With `start` it runs while you look on, until `drain stop`:\n"
    "    drain start 20; watch \"meminfo; buddyinfo\"; drain stop",
    cmd_drain);
