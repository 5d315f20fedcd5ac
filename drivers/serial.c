/*
 * serial.c - a 16550 (or 8250) UART at COM1.
 *
 *     CPU --- THR --> [FIFO, 16] --> shift register --> line      polled
 *     CPU <-- RBR --- [FIFO, 16] <-- shift register <-- line      by interrupt
 *
 * Sending waits for the chip, so nothing is lost and a message is out before the
 * line behind it runs: what is wanted when the kernel may die at any moment.
 * Receiving is by interrupt, so that the CPU can sleep until a key is typed.
 *
 * Rules:
 *   - a machine without the port, or one whose port goes away, never hangs the kernel;
 *   - one that is there is waited for, for a minute about: a slow reader loses nothing,
 *     and who asks serial_accepts first waits with interrupts on.
 *     After that it counts as stuck: what does not go out at once is dropped and counted,
 *     and where the line goes on it says how much is missing;
 *   - bytes that the chip has lost are counted (its overrun bit covers one or
 *     more bytes), and so are those that came in broken, which are not handed on.
 *
 * Registers: National Semiconductor PC16550D data sheet, section 8; 8.6.3 on errors.
 * No flow control, no modem lines, no second port.
 */
#include "drivers/serial.h"

#include "drivers/io.h"
#include "drivers/watchdog.h"

enum {
    COM1 = 0x3f8,
    DATA = COM1,                /* RBR when read, THR when written */
    DIVISOR_LOW = COM1,         /* while LCR_DIVISOR is set */
    DIVISOR_HIGH = COM1 + 1,
    INTERRUPT_ENABLE = COM1 + 1,
    FIFO_CONTROL = COM1 + 2,
    LINE_CONTROL = COM1 + 3,
    MODEM_CONTROL = COM1 + 4,
    LINE_STATUS = COM1 + 5,
};

enum {
    IER_RECEIVED = 0x01,
    FCR_ENABLE_AND_CLEAR = 0x07,        /* one byte received is enough to tell */
    LCR_8_BITS = 0x03,
    LCR_DIVISOR = 0x80,
    MCR_DTR_RTS = 0x03,
    MCR_OUT2 = 0x08,                    /* on a PC: the interrupt line is wired */
    MCR_LOOPBACK = 0x10,
    LSR_RECEIVED = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_DAMAGED = 0x0c,                 /* parity or framing: the byte to be read next */
    LSR_BREAK = 0x10,                   /* the line was held low: comes with a byte 0 */
    LSR_ROOM = 0x20,                    /* THR is empty */
    LSR_ALL_SENT = 0x40,                /* and so is the shift register */
    NOTHING_THERE = 0xff,               /* what a port reads as that no chip has */
};

enum { CLOCK = 115200, DIGITS = 10, BURST = 256 };

static bool usable;
/* Each takes about a microsecond.  No clock: a virtual machine that was halted meanwhile
 * has not waited. */
uint32_t serial_patience = 60 * 1000 * 1000;
static uint32_t waited;         /* looks, since it was last ready */
static bool stuck;              /* it was not ready at any of them, nor since */
static uint32_t missing;        /* dropped since then, */
static uint32_t dropped;        /*   and in all */
static uint32_t gaps;           /* how many times that was told */
static uint32_t overruns, noise;
static bool damaged, broken;    /* what waits to be read is, or behind it a break */
static int early = -1;          /* a byte that came in before serial_listen */
static void (*receive)(uint8_t byte);

/* Every look at the line status is by this: reading clears what it says of errors. */
static uint8_t line_status(void)
{
    uint8_t status = inb(LINE_STATUS);

    if (status == NOTHING_THERE) {
        usable = false;
        return 0;
    }
    overruns += (status & LSR_OVERRUN) != 0;
    if (status & LSR_BREAK)
        broken = true;                  /* as a byte it has its errors, too */
    else if (status & LSR_DAMAGED)
        damaged = true;
    return status;
}

/* The byte that waits; -1: it is noise. */
static int take_byte(void)
{
    uint8_t byte = inb(DATA);
    bool is_break = broken && byte == 0, is_noise = is_break || damaged;

    broken &= !is_break;                /* QEMU tells of it before its byte is read */
    damaged = false;
    noise += is_noise;
    return is_noise ? -1 : byte;
}

void serial_set_baud(uint32_t baud)
{
    uint32_t divisor = CLOCK / baud;

    outb(LINE_CONTROL, LCR_DIVISOR);
    outb(DIVISOR_LOW, (uint8_t)divisor);
    outb(DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    outb(LINE_CONTROL, LCR_8_BITS);
}

/*
 * Turn the FIFOs on, which empties them.  Looped back the chip is cut off from the
 * line meanwhile, so that what was typed before is not lost: one byte may wait
 * here, more behind the line.  QEMU sends those on when the byte has been read,
 * even if there was none.
 */
static void start_fifos(void)
{
    outb(MODEM_CONTROL, MCR_LOOPBACK | MCR_DTR_RTS);
    if (inb(LINE_STATUS) & LSR_RECEIVED)
        early = inb(DATA);
    outb(FIFO_CONTROL, FCR_ENABLE_AND_CLEAR);
    outb(MODEM_CONTROL, MCR_DTR_RTS | MCR_OUT2);
    if (!(inb(LINE_STATUS) & LSR_RECEIVED))
        inb(DATA);
}

bool serial_init(uint32_t baud)
{
    outb(INTERRUPT_ENABLE, 0);
    serial_set_baud(baud);
    usable = inb(LINE_CONTROL) == LCR_8_BITS;   /* where nothing is: 0xff */
    if (usable)
        start_fifos();
    return usable;
}

/* One look: is the chip ready? */
static bool is_ready(uint8_t bit)
{
    bool ready = usable && line_status() & bit;

    waited = ready ? 0 : waited + 1;
    stuck |= waited >= serial_patience;
    return ready;
}

/* False: it is not ready, and will not be. */
static bool wait_for(uint8_t bit)
{
    while (!is_ready(bit)) {
        if (!usable || stuck)
            return false;
        watchdog_feed();                /* interrupts may be off, but this ends */
    }
    return true;
}

bool serial_accepts(void)
{
    return is_ready(LSR_ROOM) || stuck || !usable;
}

static void send(const char *text)
{
    for (; *text != 0 && wait_for(LSR_ROOM); text++)
        outb(DATA, (uint8_t)*text);
}

/* It goes on: what is missing here?  If it gets stuck meanwhile, that is told later. */
static void tell_missing(void)
{
    char digits[DIGITS + 1] = "";
    char *at = &digits[DIGITS];

    for (uint32_t rest = missing; rest > 0; rest /= 10)
        *--at = (char)('0' + rest % 10);
    stuck = false;
    send("\r\n[");
    send(at);
    send(" bytes lost here: the serial line was not ready]\r\n");
    if (!stuck) {
        missing = 0;
        gaps++;
    }
}

uint32_t serial_gaps(void)
{
    if (missing > 0 && is_ready(LSR_ROOM))
        tell_missing();
    return gaps;
}

void serial_put(uint8_t byte)
{
    bool ready = wait_for(LSR_ROOM);

    if (ready && missing > 0) {
        tell_missing();
        ready = wait_for(LSR_ROOM);
    }
    if (ready) {
        stuck = false;
        outb(DATA, byte);
    } else if (usable) {
        missing++;
        dropped++;
    }
}

void serial_drain(void)
{
    wait_for(LSR_ALL_SENT);
}

void serial_listen(void (*fn)(uint8_t byte))
{
    receive = fn;
    if (early >= 0)
        receive((uint8_t)early);
    early = -1;
    if (usable)
        outb(INTERRUPT_ENABLE, IER_RECEIVED);
}

void serial_put_back(void)
{
    if (!usable)
        return;
    outb(LINE_CONTROL, LCR_8_BITS);     /* first: it says what the next port is */
    outb(MODEM_CONTROL, MCR_DTR_RTS | MCR_OUT2);
    if (receive != NULL)
        outb(INTERRUPT_ENABLE, IER_RECEIVED);
}

/* At most BURST bytes: a chip that always says there is one does not hang the kernel. */
void serial_interrupt(void)
{
    for (unsigned n = 0; n < BURST && usable && line_status() & LSR_RECEIVED; n++) {
        if (inb(LINE_CONTROL) & LCR_DIVISOR)
            outb(LINE_CONTROL, LCR_8_BITS);     /* else it gives the divisor */

        int byte = take_byte();

        if (byte >= 0)
            receive((uint8_t)byte);
    }
}

int serial_poll(void)
{
    return usable && (line_status() & LSR_RECEIVED) ? take_byte() : -1;
}

uint32_t serial_dropped(void)
{
    return dropped;
}

uint32_t serial_noise(void)
{
    return noise;
}

uint32_t serial_overruns(void)
{
    return overruns;
}
