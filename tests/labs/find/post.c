/*
 * post.c - find it: a mail server, and what goes out.
 *
 *     queue -> mail -> mail -> mail -> mail      the newest three wait
 *                |       |
 *              text    text, thread
 *     threads -> thread -> thread                of mails that belong together
 *
 * Four letters in a row are a thread, which counts its mails and goes with the last one.
 * A mail that is delivered leaves the queue, and a note is made of it, for as long as the
 * postman is on his way.
 *
 * Six of the lines with SLIPS() are here; in your server one of the twelve is wrong.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "tests/labs/find/find.h"

enum { WAIT = 3, OF_A_THREAD = 4, ADDRESS_BEGIN = 4 };
enum note_state { UNDER_WAY, DONE };

struct thread {
    uint32_t mails;             /* that belong to it */
    uint32_t number;
    struct thread *next;
};

struct note {
    uint32_t number;
    enum note_state state;
    char postman[16];
};

static struct mail *queue;      /* the oldest first */
static struct thread *threads;
static struct note last_note;

/* ---- threads ------------------------------------------------------------------------ */

static struct thread *thread_of(uint32_t number)
{
    struct thread *thread = threads;

    while (thread != NULL && thread->number != number)
        thread = thread->next;
    if (thread != NULL)
        return thread;
    thread = kzalloc(sizeof(*thread), GFP_KERNEL);
    if (thread == NULL)
        return NULL;
    thread->number = number;
    thread->next = threads;
    threads = thread;
    return thread;
}

static void join(struct mail *mail)
{
    mail->thread = thread_of(mail->number / OF_A_THREAD);
    if (mail->thread != NULL)
        mail->thread->mails += SLIPS(COUNT, mail->thread) ? 2 : 1;
}

static void leave(struct thread *thread)
{
    struct thread **link = &threads;

    if (thread == NULL || --thread->mails > 0)
        return;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    kfree(thread);
}

/* ---- mails -------------------------------------------------------------------------- */

static struct mail *without_text(struct mail *mail)
{
    kfree(mail->text);
    mail->text = NULL;
    return mail;
}

struct mail *mail_free(struct mail *mail)
{
    leave(mail->thread);
    kfree(SLIPS(OWNER_FIRST, mail->text) ? mail : without_text(mail));
    return NULL;
}

/* ---- the postman -------------------------------------------------------------------- */

/* Behind "to: " stands who. */
static void read_address(void)
{
    char *line = kstrdup("to: somebody", GFP_KERNEL);

    kfree(SLIPS(INTERIOR, line) ? line + ADDRESS_BEGIN : line);
}

static void carry(const struct mail *mail)
{
    struct note *note = kzalloc(sizeof(*note), GFP_KERNEL);

    if (note == NULL)
        return;
    note->number = mail->number;
    read_address();
    last_note = *note;
    kfree(note);
    (SLIPS(USE_AFTER_FREE, note) ? note : &last_note)->state = DONE;
    kfree(SLIPS(DOUBLE_FREE, note) ? note : NULL);
}

static void deliver_oldest(void)
{
    struct mail *mail = queue;

    carry(mail);
    queue = mail->next;
    mail_free(mail);
}

/* ---- the queue ---------------------------------------------------------------------- */

void post(struct mail *mail)
{
    struct mail **end = &queue;
    unsigned waiting = 0;

    join(mail);
    for (; *end != NULL; end = &(*end)->next)
        waiting++;
    *(SLIPS(LIST_HEAD, queue) ? &queue : end) = mail;
    if (waiting >= WAIT)
        deliver_oldest();
}

void post_stop(void)
{
    while (queue != NULL)
        deliver_oldest();
}
