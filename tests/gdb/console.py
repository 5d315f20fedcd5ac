#!/usr/bin/env python3
"""console.py DIR - the console of the kernel that `make gdb` has started.

DIR holds what session.sh made: `console`, a socket, and `log`, what the kernel has
printed so far.  Ctrl-] leaves; every other key goes to the kernel.
"""

import os
import selectors
import socket
import sys
import termios
import tty

LEAVE = b"\x1d"


def talk(guest):
    events = selectors.DefaultSelector()
    events.register(guest, selectors.EVENT_READ)
    events.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            data = os.read(key.fd, 4096)
            if not data or (key.fileobj is sys.stdin and LEAVE in data):
                return
            if key.fileobj is sys.stdin:
                guest.sendall(data)
            else:
                os.write(sys.stdout.fileno(), data)


def main():
    folder = os.path.realpath(sys.argv[1])
    guest = socket.socket(socket.AF_UNIX)
    try:
        guest.connect(os.path.join(folder, "console"))
    except OSError:
        sys.exit("no kernel to talk to: start `make gdb` in another terminal first")
    print("  Ctrl-] leaves.", flush=True)
    with open(os.path.join(folder, "log"), "rb") as log:
        sys.stdout.buffer.write(log.read())
        sys.stdout.buffer.flush()
    if not sys.stdin.isatty():
        return talk(guest)
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        talk(guest)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print()


if __name__ == "__main__":
    main()
