"""A second way into the machine, beside its serial line: QEMU's monitor, by QMP.

    machine = boot(arguments=Monitor.arguments(tmp_path))
    monitor = Monitor(tmp_path)
    monitor.screen()                the text on the VGA screen, as lines
"""
import json
import socket
import time
import zlib

from marbles import SHORT, TIMEOUT, MarblesError

VGA_TEXT, COLUMNS, ROWS = 0xb8000, 80, 25


def socket_of(folder):
    """One for each folder, whose own path may be too long for it."""
    return f"{SHORT}/marbles-{zlib.crc32(str(folder).encode()):08x}.qmp"


class Monitor:
    def __init__(self, folder):
        self.folder = folder
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.until(self.connected, "QEMU's monitor")
        self.stream = self.socket.makefile("rw")
        self.stream.readline()                          # its greeting
        self.execute("qmp_capabilities")

    def connected(self):
        try:
            self.socket.connect(socket_of(self.folder))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    @staticmethod
    def arguments(folder):
        return ["-qmp", f"unix:{socket_of(folder)},server=on,wait=off"]

    def execute(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}))
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise MarblesError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def memory(self, address, size):
        path = self.folder / "memory"
        self.execute("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()

    def until(self, truth, what):
        """Ask again and again: there is no event to wait for."""
        end = time.monotonic() + TIMEOUT
        while not truth():
            if time.monotonic() > end:
                raise MarblesError(f"{TIMEOUT} s, and not: {what}")

    def until_idle(self):
        """Until the CPU sleeps: the kernel has done all it had to do."""
        self.until(lambda: "HLT=1" in self.execute(
            "human-monitor-command", **{"command-line": "info registers"}), "idle")

    def screen(self):
        """The text on the screen, once the kernel waits for a key."""
        self.until_idle()
        return self.screen_now()

    def screen_now(self):
        text = self.memory(VGA_TEXT, COLUMNS * ROWS * 2)[::2].decode("cp437")
        return [text[at:at + COLUMNS].rstrip()
                for at in range(0, len(text), COLUMNS)]

    def screendump(self, path):
        self.execute("screendump", filename=str(path), format="png")
