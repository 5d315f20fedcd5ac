"""stub.py - a machine that is stopped now and then, by QEMU's own debugger.

    theirs, stub = pair()               QEMU gets -chardev socket,id=gdb,fd=... and
                                        -gdb chardev:gdb -S
    stub.watch(address)                 stop where this word is written
    stub.stop_at(address)               stop before this instruction
    stub.go()                           it runs
    stub.stopped()                      until it stops: why
    stub.read(address, size)

It is GDB's remote protocol (GDB manual, appendix E), as much of it as is needed.  A stop
changes nothing in the machine, nor does its clock go on meanwhile: breakpoints and
watchpoints are those of QEMU, not instructions written into it.  (With -icount, where time
is instructions, QEMU 7.2 moves the clock on to the next timer at a stop: there each costs
up to a tick.)

A packet is $TEXT#SUM, and is answered by + and a packet.  QEMU takes the next $ for a +
as well, so all questions of one read() are sent at once: 43,008 bytes in one way there
and back.
"""
import re
import socket
import threading

PIECE = 2048                    # bytes that QEMU gives in one packet
PACKET = re.compile(rb"\$([^#]*)#..", re.S)
SHUT_DOWN = 3                   # SIGQUIT: what QEMU calls a machine that is off
EIP = 8                         # of the registers, 4 bytes each, that GDB knows
BREAK, WATCH = 1, 2             # kinds of Z packets: by the hardware


class Gone(Exception):
    """QEMU has ended."""


def pair():
    """The socket for QEMU, and the stub at its other end."""
    ours, theirs = socket.socketpair()
    return theirs, Stub(ours)


def packet(text):
    return b"$%s#%02x" % (text, sum(text) % 256)


class Stub:
    def __init__(self, connection):
        self.connection = connection
        self.held = b""
        self.lock = threading.Lock()    # `runs`, and what is sent by it
        self.runs = self.interrupted = False

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            raise Gone from None

    def answer(self):
        """The next packet."""
        while not (found := PACKET.search(self.held)):
            try:
                data = self.connection.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                raise Gone
            self.held += data
        self.held = self.held[found.end():]
        return found[1]

    def ask(self, text):
        self.send(b"+" + packet(text))
        return self.answer()

    def order(self, text):
        said = self.ask(text)
        if said != b"OK":
            raise ValueError(f"QEMU's debugger answers {text.decode()} by {said.decode()!r}")

    def physical(self):
        """Addresses to read from are those of memory, not those that paging makes of it."""
        self.order(b"Qqemu.PhyMemMode:1")

    def watch(self, address):
        self.order(b"Z%d,%x,4" % (WATCH, address))

    def stop_at(self, address):
        self.order(b"Z%d,%x,1" % (BREAK, address))

    def pass_by(self, address):
        """No more stops there."""
        self.order(b"z%d,%x,1" % (BREAK, address))

    def instruction(self):
        """The address of the next one."""
        registers = bytes.fromhex(self.ask(b"g").decode())
        return int.from_bytes(registers[4 * EIP:4 * EIP + 4], "little")

    def read(self, address, size):
        """Of physical memory: see physical()."""
        pieces = [(at, min(PIECE, address + size - at))
                  for at in range(address, address + size, PIECE)]
        self.send(b"+" + b"".join(packet(b"m%x,%x" % piece) for piece in pieces))
        said = [self.answer() for _ in pieces]
        if any(len(one) != 2 * size for one, (_, size) in zip(said, pieces)):
            raise ValueError(f"QEMU's debugger cannot read {size} bytes at {address:#x}")
        return bytes.fromhex(b"".join(said).decode())

    def go(self):
        """False: it is to stay as it is, for somebody interrupted it."""
        with self.lock:
            if not self.interrupted:
                self.send(b"+" + packet(b"c"))
                self.runs = True
            return self.runs

    def interrupt(self):
        """It stops soon and does not go on.  For another thread."""
        with self.lock:
            self.interrupted = True
            if self.runs:
                self.send(b"\x03")

    def stopped(self):
        """Wait until it does; why: "watch", "stop", or "off" for a machine that is."""
        said = self.answer()
        with self.lock:
            self.runs = False
        if said[:1] in b"WX":
            raise Gone
        if b"watch:" in said:
            return "watch"
        return "off" if int(said[1:3], 16) == SHUT_DOWN else "stop"
