#!/usr/bin/env python3
"""qemu.py - a QEMU that ends when we end, whatever ends us.

    qemu = Qemu(["qemu-system-i386", ...])      started
    for data in qemu.output(deadline): ...      what its serial line says
    qemu.ask("stop")                            its monitor (QMP)
    qemu.end()

    qemu.py QEMU AND ITS OPTIONS                as a program, at a terminal; the kernel's
                                                test exit is status 0 here

What ends us, and what then ends QEMU:

    a signal that can be caught     Signalled is raised: end()
    SIGKILL                         our end of a pipe closes, at whose other end a
                                    shell waits to kill QEMU
    make, or GDB, was killed        we are somebody else's child now: `orphaned`
    the terminal is gone            the same: of who waits there the shell alone is told,
                                    and where that is make itself, it waits for us

What the user of make wrote comes from the environment, where no shell and no make has
touched it: MARBLES_CMDLINE, kernel parameters; MARBLES_QEMUFLAGS, words with quotes
as in a shell, in which nothing else is special; MARBLES_SECONDS.

The monitor is a pair of sockets without names, so no folder is needed for them.
"""
import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import termios
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 0.5                  # seconds between two looks at who our parent is
TEST_EXIT = 65                  # the least that QEMU ends with when the kernel exits
LONGEST = 4095                  # of kernel parameters: LINE_SIZE of kernel/params.c
REFUSED, FAILED = 2, 127        # what was asked for cannot be; QEMU cannot run

parent = os.getppid()


class Signalled(BaseException):
    """One of SIGNALS came."""


class TimeOut(Exception):
    """The deadline has passed."""


class Refused(Exception):
    """One line that says why, and the status to end with."""

    def __init__(self, why, status=REFUSED):
        super().__init__(why)
        self.status = status


# ---- what the user wrote -----------------------------------------------------------

def commands():
    # $$ is how a Makefile writes $, so many will write it here: $$1 is $1.
    return os.environ.get("MARBLES_CMDS", "").replace("$$", "$")


NO_COMMANDS = 'CMDS: which commands?  CMDS="kmalloc 100; leaks"'


def parameters(*more):
    """With those that stand behind the user's own."""
    given = os.environ.get("MARBLES_CMDLINE", "")
    if given.replace('\\"', "").count('"') % 2 == 1:
        raise Refused('CMDLINE: a quote (") is not closed')
    return " ".join(filter(None, (given, *more)))


def run(line, *more):
    """Kernel parameters that have it run these lines, in which anything may stand; and
    more of them, unless the user has given the same."""
    more = [one for one in more
            if one.split("=")[0] + "=" not in os.environ.get("MARBLES_CMDLINE", "")]
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    text = parameters(*more, "quiet", f'run="{escaped}"')
    length = len(os.fsencode(text))
    if length > LONGEST:
        raise Refused(f"CMDS and CMDLINE: {length} bytes, and the kernel takes {LONGEST}")
    return text


def flags():
    try:
        return shlex.split(os.environ.get("MARBLES_QEMUFLAGS", ""))
    except ValueError as error:
        raise Refused(f"QEMUFLAGS: {str(error).lower()}") from None


def seconds():
    text = os.environ.get("MARBLES_SECONDS") or "60"
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise Refused(f'SECONDS: "{text}" is not a number of seconds above 0')


def show(data):
    """All of it, on stdout."""
    try:
        os.fstat(1)             # closed: another file may become number 1 later
        while data:
            try:
                data = data[os.write(1, data):]
            except BlockingIOError:
                select.select([], [1], [])
    except OSError as error:
        raise Refused(f"stdout: {error.strerror}", FAILED) from None


# ---- ending -------------------------------------------------------------------------

terminal = select.poll()        # that we were started at, if any: is it still there?
for descriptor in (0, 1, 2):
    if os.isatty(descriptor):
        terminal.register(descriptor, 0)
        break


def orphaned():
    """Is the make that has started us gone, or the terminal?"""
    return "MAKELEVEL" in os.environ and os.getppid() != parent or \
        any(came & select.POLLHUP for _, came in terminal.poll(0))


def raise_it(number, _frame):
    raise Signalled(number)


@contextlib.contextmanager
def signals_later():
    """What comes meanwhile is raised at the end.  What is ignored stays so (nohup)."""
    came = []
    heard = [number for number in SIGNALS
             if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, lambda number, frame: came.append(number))
    yield
    for number in heard:
        signal.signal(number, raise_it)
    if came:
        raise Signalled(came[0])


def program(name, main):
    """Run main and end with its status, or of the signal that came."""
    try:
        show(b"")
        status = main()
    except Refused as refused:
        with contextlib.suppress(OSError):
            os.write(2, f"{name}: {refused}\n".encode(errors="surrogateescape"))
        status = refused.status
    except (Signalled, KeyboardInterrupt) as came:
        number = came.args[0] if came.args else signal.SIGINT
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(status)            # nothing is buffered, and nothing may fail any more


class Qemu:
    def __init__(self, command, monitor=True, **options):
        self.started = time.monotonic()
        self.monitor, theirs = socket.socketpair()
        self.lines = None
        last_word = signal.SIGKILL if monitor else signal.SIGTERM
        if monitor:
            command = command + ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}",
                                 "-mon", "chardev=qmp,mode=control"]
            options["pass_fds"] = [theirs.fileno(), *options.get("pass_fds", [])]
            options["start_new_session"] = True     # Ctrl-C is for us
        try:
            with signals_later():
                self.process = subprocess.Popen(command, **options)
                self.keeper = subprocess.Popen(
                    ["sh", "-c", f"read ended || kill -{last_word:d} $0",
                     str(self.process.pid)],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            raise Refused(f"{command[0]}: {error.strerror}", FAILED) from None
        except Signalled:
            self.end()
            raise
        theirs.close()

    def end(self):
        """Its status, once it has ended; if it has not, it is made to."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        self.keeper.communicate(b"\n")
        return status

    def output(self, deadline):
        """What it prints, piece by piece, to its end."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeOut
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        min(left, PATIENCE))
            if orphaned():
                raise Signalled(signal.SIGTERM)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else None
            if data == b"":
                return
            if data:
                yield data

    def ask(self, command, **arguments):
        """A QMP command: one JSON object each way.  ValueError: it says no."""
        if self.lines is None:
            if self.monitor.gettimeout() is None:
                self.monitor.settimeout(seconds())
            self.lines = self.monitor.makefile("rwb")
            self.lines.readline()                       # its greeting
            self.ask("qmp_capabilities")
        question = {"execute": command, "arguments": arguments}
        self.lines.write(json.dumps(question).encode() + b"\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline() or b'{"error": "it ended"}')
            if "error" in answer:
                raise ValueError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]


def attributes_of(terminal):
    with contextlib.suppress(termios.error, OSError):
        return termios.tcgetattr(terminal)
    return None


def put_right(attributes):
    """The terminal as it was: the kernel had it mark pastes, and could not say no more."""
    with contextlib.suppress(termios.error, OSError):
        if attributes:
            termios.tcsetattr(0, termios.TCSANOW, attributes)
        if os.isatty(1):
            os.write(1, b"\x1b[?2004l\x1b[m")


def main():
    """At a terminal, which is QEMU's own: it is asked to end, to leave it in order."""
    attributes = attributes_of(0)
    qemu = Qemu(sys.argv[1:] + ["-append", parameters()] + flags(), monitor=False)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = qemu.process.wait(PATIENCE)
                return 0 if status >= TEST_EXIT else abs(status)
            if orphaned():
                raise Signalled(signal.SIGTERM)
    finally:
        qemu.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            qemu.process.wait(2)
        qemu.end()
        put_right(attributes)


if __name__ == "__main__":
    program("qemu", main)
