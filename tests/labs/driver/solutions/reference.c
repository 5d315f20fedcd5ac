/*
 * reference.c - loses: nothing.
 */
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { DATA_BYTES = 1492, DAMAGED_ONE_IN = 10, PACKETS_A_TICK = 100, MOST = 100000 };

struct packet {
    uint32_t number, checksum;
    uint8_t data[DATA_BYTES];
};

static struct driver {
    uint32_t packets, delivered, damaged, dropped;
    uint32_t wanted;
    struct packet *last;        /* that was delivered */
} driver;

static uint32_t checksum(const struct packet *packet)
{
    return ~(packet->number * 31 + packet->data[0]);
}

/* What the card does: it was given an address, and writes a packet there. */
static void card_writes(struct packet *packet, uint32_t number)
{
    packet->number = number;
    memset(packet->data, (int)(number & 0xff), sizeof(packet->data));
    packet->checksum = checksum(packet);
    if (number % DAMAGED_ONE_IN == 0)
        packet->checksum++;     /* a bit was flipped on the wire */
}

static void deliver(struct packet *packet)
{
    driver.delivered++;
    kfree(driver.last);
    driver.last = packet;
}

static void receive(uint32_t number)
{
    struct packet *packet = kmalloc(sizeof(*packet), GFP_ATOMIC);

    if (packet == NULL) {
        driver.dropped++;
        return;
    }
    card_writes(packet, number);
    if (packet->checksum != checksum(packet)) {
        driver.damaged++;
        kfree(packet);
        return;
    }
    deliver(packet);
}

/* The interrupt. */
static void tick(void *unused)
{
    for (int i = 0; i < PACKETS_A_TICK && driver.packets < driver.wanted; i++)
        receive(++driver.packets);
}

static int run(uint32_t wanted)
{
    driver = (struct driver){ .wanted = wanted, .last = driver.last };
    if (!timer_every_tick(tick, NULL)) {
        kprintf("no place left at the timer\n");
        return SHELL_FAILED;
    }
    while (*(volatile uint32_t *)&driver.packets < wanted && !shell_interrupted())
        cpu_idle();
    timer_stop(tick, NULL);
    kprintf("%u packets: %u delivered, %u damaged, %u dropped\n",
            (unsigned)driver.packets, (unsigned)driver.delivered,
            (unsigned)driver.damaged, (unsigned)driver.dropped);
    return SHELL_OK;
}

static int last(void)
{
    if (driver.last == NULL)
        return SHELL_FAILED;
    kprintf("packet %u\n", (unsigned)driver.last->number);
    return SHELL_OK;
}

static int cmd_driver(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t wanted;

    if (argc == 2 && strcmp(what, "last") == 0)
        return last();
    if (argc != 3 || strcmp(what, "run") != 0)
        return shell_usage("one of these is missing");
    if (!shell_number(argv[2], "PACKETS", &wanted))
        return SHELL_USAGE;
    if (wanted > MOST)
        return shell_usage("PACKETS: %u is above %d", (unsigned)wanted, MOST);
    return run(wanted);
}

SHELL_COMMAND(driver, "run PACKETS|last", "receive packets, in the interrupt",
              cmd_driver);
