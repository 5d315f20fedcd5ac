/*
 * server.c - find it: a mail server, and what comes in.
 *
 *     interrupt -> | packet | packet | ... |     8 slots, by number
 *                      |
 *                  session -> envelope            while one is read
 *                          -> attachment          pages
 *                          -> mail -> text        then post(mail)
 *
 * At each tick of the timer twelve packets arrive.  A slot has room for one: the newer
 * takes the place of the older, which is given back.  Then the server reads what is there,
 * one after the other, with its interrupt at rest.
 *
 * Six of the lines with SLIPS() are here; in your server one of the twelve is wrong.
 */
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "tests/labs/find/find.h"

enum { SLOTS = 8, AT_A_TICK = 12, TICKS_A_DAY = 6, ATTACHMENT_ORDER = 1 };
#define HUGE_BYTES (2 * KMALLOC_MAX_SIZE)

struct packet {
    uint32_t number;
    char line[20];
};

struct envelope {
    uint32_t number, bytes;
};

static struct wire {
    struct packet *slot[SLOTS];
    uint32_t packets;
    volatile uint32_t wanted, came;     /* ticks */
} wire;

static struct session {
    struct envelope *envelope;
    struct mail *mail;
    void *attachment;
} session;

static struct kmem_cache *envelopes;

/* ---- the interrupt ------------------------------------------------------------------ */

static struct packet *in_its_place(struct packet *older, struct packet *newer)
{
    kfree(older);
    return newer;
}

static void arrives(uint32_t number)
{
    struct packet **slot = &wire.slot[number % SLOTS];
    struct packet *packet = kmalloc(sizeof(*packet), GFP_ATOMIC);

    if (packet == NULL)
        return;
    packet->number = number;
    ksnprintf(packet->line, sizeof(packet->line), "mail %u", (unsigned)number);
    *slot = SLIPS(INTERRUPT, *slot) ? packet : in_its_place(*slot, packet);
}

static void tick(void *unused)
{
    if (wire.came == wire.wanted)
        return;
    for (unsigned n = 0; n < AT_A_TICK; n++)
        arrives(++wire.packets);
    wire.came++;
}

/* Sleep until packets have come.  False: somebody has typed Ctrl-C. */
static bool packets_come(void)
{
    wire.wanted++;
    while (wire.came != wire.wanted && !shell_interrupted())
        cpu_idle();
    return wire.came == wire.wanted;
}

/* ---- a session ---------------------------------------------------------------------- */

static struct envelope *opened(struct envelope *envelope)
{
    kmem_cache_free(envelopes, envelope);
    return NULL;
}

static void *unloaded(void *attachment)
{
    free_pages((unsigned long)attachment, ATTACHMENT_ORDER);
    return NULL;
}

/* The text, with room for so many bytes; as it was, if there is no memory. */
static char *with_room(char *text, size_t bytes)
{
    char *larger = krealloc(text, bytes, GFP_KERNEL | __GFP_NOWARN);

    return larger != NULL ? larger : text;
}

/* All texts have lengths that no cache has. */
static void read_text(struct mail *mail, const struct packet *packet)
{
    size_t bytes = 40 + 32 * (packet->number % 2);

    mail->text = kmalloc(bytes, GFP_KERNEL);
    if (mail->text == NULL)
        return;
    memset(mail->text, '.', bytes);
    memcpy(mail->text, packet->line, strlen(packet->line));
    mail->text[SLIPS(OVERFLOW, mail->text) ? bytes : bytes - 1] = 0;
}

/* More is announced than there can be memory for. */
static void read_more(struct mail *mail)
{
    gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
    char *old = mail->text;

    mail->text = SLIPS(KREALLOC, old) ? krealloc(old, HUGE_BYTES, gfp)
                                      : with_room(old, HUGE_BYTES);
}

static void read_attachment(uint32_t number)
{
    session.attachment = (void *)__get_free_pages(GFP_KERNEL, ATTACHMENT_ORDER);
    if (session.attachment == NULL)
        return;
    memset(session.attachment, (int)number, PAGE_SIZE);
    session.attachment = SLIPS(PAGES, session.attachment) ? NULL
                                                          : unloaded(session.attachment);
}

/*
 * Nobody of that name is here.  Not inline: else the compiler makes one of this store and
 * that in close(), with the line of that.
 */
static __attribute__((noinline)) void refuse(void)
{
    session.mail = SLIPS(ERROR_PATH, session.mail) ? NULL : mail_free(session.mail);
}

static void close(void)
{
    struct mail *mail = session.mail;

    session.mail = NULL;
    if (mail != NULL)
        post(mail);
    session.envelope = SLIPS(CACHE, session.envelope) ? NULL : opened(session.envelope);
}

static bool open(void)
{
    session.mail = kzalloc(sizeof(*session.mail), GFP_KERNEL);
    if (session.mail == NULL)
        return false;
    session.envelope = kmem_cache_zalloc(envelopes, GFP_KERNEL);
    if (session.envelope == NULL)
        session.mail = mail_free(session.mail);
    return session.envelope != NULL;
}

static void serve(const struct packet *packet, const struct find_habits *habits)
{
    if (packet == NULL || !open())
        return;
    session.mail->number = packet->number;
    read_text(session.mail, packet);
    if (packet->number % habits->attached == 0)
        read_attachment(packet->number);
    if (packet->number % habits->huge == 0)
        read_more(session.mail);
    if (packet->number % habits->refused == 0)
        refuse();
    close();
}

/* ---- a day -------------------------------------------------------------------------- */

/* What a day has left in the middle of which there was a fault. */
static void tidy(void)
{
    if (session.mail != NULL)
        session.mail = mail_free(session.mail);
    if (session.envelope != NULL)
        session.envelope = opened(session.envelope);
    if (session.attachment != NULL)
        session.attachment = unloaded(session.attachment);
    for (unsigned at = 0; at < SLOTS; at++)
        wire.slot[at] = in_its_place(wire.slot[at], NULL);
}

void server_day(const struct find_habits *habits)
{
    tidy();
    if (envelopes == NULL)
        envelopes = KMEM_CACHE(envelope, 0);
    if (envelopes == NULL || !timer_every_tick(tick, NULL))
        return;
    for (unsigned n = 0; n < TICKS_A_DAY && packets_come(); n++)
        for (unsigned at = 0; at < SLOTS; at++) {
            struct packet *packet = wire.slot[at];

            serve(packet, habits);
            wire.slot[at] = NULL;
            kfree(packet);
        }
    timer_stop(tick, NULL);
}

void server_stop(void)
{
    tidy();
    post_stop();
    kmem_cache_destroy(envelopes);
    envelopes = NULL;
}
