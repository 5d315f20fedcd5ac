"""places.py - addresses as functions and lines, what was inlined too, labs as well.

    places = Places(elf, "addr2line", run)      the run has been looked through once
    places.frames(event.stack)      from the innermost function outwards

Names come from the debug information of the ELF by binutils' addr2line, for all addresses
at once.  The innermost line is that of the call site itself, as all listings of Marbles
have it.
"""
import re
import subprocess
from typing import NamedTuple


class NoPlaces(Exception):
    """addr2line cannot say."""


class Frame(NamedTuple):
    function: str
    file: str                   # "": not known
    line: int
    address: int                # of the call, in it

    def place(self):
        return f"{self.file}:{self.line}" if self.file else "in marbles.elf"

    def text(self):
        """As Valgrind's tools write it."""
        return f"0x{self.address:X}: {self.function} ({self.place()})"


class Places:
    def __init__(self, elf, addr2line, run):
        self.elf, self.addr2line, self.run = elf, addr2line, run
        self.known, self.stacks = {}, {}
        self.look_up({at - 1 for calls, _ in run.stacks.values() for at in calls})

    def look_up(self, asked):
        try:
            done = subprocess.run([self.addr2line, "-a", "-i", "-f", "-e", self.elf],
                                  input="".join(f"{at:#x}\n" for at in asked), text=True,
                                  capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoPlaces(f"{self.addr2line}: {error}") from None
        for part in re.split(r"^(?=0x[0-9a-f]+$)", done.stdout, flags=re.M)[1:]:
            first, *lines = part.splitlines()
            address = int(first, 16)
            self.known[address] = [self.frame(address, *pair)
                                   for pair in zip(lines[::2], lines[1::2])]

    @staticmethod
    def frame(address, function, place):
        file, _, line = re.sub(r" \(discriminator \d+\)$", "", place).rpartition(":")
        file = "" if file == "??" else file.removeprefix("./")
        function = f"0x{address:x}" if function == "??" else function
        return Frame(function, file, int(line) if line.isdigit() else 0, address)

    def frames(self, stack):
        if stack not in self.stacks:
            calls, site = stack
            frames = [frame for at in calls for frame in self.known[at - 1]]
            self.stacks[stack] = self.with_site(frames, site) or [Frame("?", "", 0, 0)]
        return self.stacks[stack]

    def with_site(self, frames, address):
        """A call at the end of a function leaves no return address in it."""
        site = self.run.site(address)
        if site is None:
            return frames
        same = bool(frames) and frames[0].function == site.func
        at = frames[0].address if frames else address
        return [Frame(site.func, site.file, site.line, at), *frames[same:]]
