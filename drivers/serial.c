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
 *   - a machine without the port, or with one that does not answer, costs time
 *     once, and never hangs the kernel; one that answers is waited for;
 *   - bytes that the chip has lost are counted (its overrun bit covers one or
 *     more bytes).
 *
 * Registers: National Semiconductor PC16550D data sheet, section 8.
 * No flow control, no modem lines, no second port.
 */
#include "drivers/serial.h"

#include "drivers/io.h"

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
    LSR_ROOM = 0x20,                    /* THR is empty */
    LSR_ALL_SENT = 0x40,                /* and so is the shift register */
};

/* A byte at 300 baud takes 33 ms; a look at the port about a microsecond. */
enum { CLOCK = 115200, PATIENCE = 100 * 1000 };

static bool usable;
static uint32_t overruns;
static int early = -1;          /* a byte that came in before serial_listen */
static void (*receive)(uint8_t byte);

/* Every look at the line status is by this: reading clears the overrun bit. */
static uint8_t line_status(void)
{
    uint8_t status = inb(LINE_STATUS);

    if (status & LSR_OVERRUN)
        overruns++;
    return status;
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

/* A chip that has answered gets ready in the end, however slow its reader is. */
static void wait_for(uint8_t bit)
{
    while (usable && !(line_status() & bit))
        ;
}

void serial_put(uint8_t byte)
{
    wait_for(LSR_ROOM);
    if (usable)
        outb(DATA, byte);
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

void serial_interrupt(void)
{
    while (usable && (line_status() & LSR_RECEIVED))
        receive(inb(DATA));
}

int serial_poll(void)
{
    return usable && (line_status() & LSR_RECEIVED) ? inb(DATA) : -1;
}

uint32_t serial_overruns(void)
{
    return overruns;
}
