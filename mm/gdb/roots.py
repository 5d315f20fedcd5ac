"""roots.py - which words are roots, and how they are called.

In the kernel those of kernel/leaks/scan.c:

    variables of labs and lessons, and those marked SCANNED     linker.ld
    $1, $2 ... that are not freed                               kernel/memory/held.c
    the stack of commands and the registers, while one runs     kernel/shell/run.c

At the prompt there is no such stack.  A command that looks for leaks itself is none,
either: as the kernel does, only those that have called it are looked at.

In a program with mm in it: its variables, but for those of mm, and its stack.
"""
from . import target
from .live import words
from .sites import Symbols

VARIABLES, HELD, STACK, REGISTER = range(4)
SCANNERS = ("leaks", "refs")


class Root:
    def __init__(self, kind, start, numbers):
        self.kind, self.start, self.words = kind, start, numbers


class Roots:
    def __init__(self):
        self.word = target.word_size()
        self.symbols = Symbols()
        self.all, self.held = [], None
        if target.address_of_label("roots_data_start") is not None:
            self._of_kernel()
        else:
            self._of_program()
        self.ends = {root.start: root for root in self.all}

    @property
    def bytes(self):
        return sum(len(root.words) for root in self.all) * self.word

    def _add(self, kind, start, end):
        """The whole words of a range."""
        start = -(-start // self.word) * self.word
        end = max(start, end // self.word * self.word)
        raw = target.read(start, end - start, "roots")
        self.all.append(Root(kind, start, words(raw, self.word)))

    # ---- the kernel's -------------------------------------------------------------

    def _of_kernel(self):
        for part in ("data", "bss"):
            self._add(VARIABLES, target.address_of_label(f"roots_{part}_start"),
                      target.address_of_label(f"roots_{part}_end"))
        self._observers()
        self._of_shell()
        self._of_commands()

    def _observers(self):
        """Each scan copies the newest observer into a root of its own."""
        place = target.static_place("kernel/leaks/scan.c", "observer")
        newest = target.value("mm_observers")
        for root in self.all:
            at = (place[0] - root.start) // self.word if place else -1
            if 0 <= at < len(root.words):
                root.words[at] = newest

    def _of_shell(self):
        file = "kernel/memory/held.c"
        place = target.static_place(file, "held")
        if not place:
            return
        layout, (start, size) = target.Layout("held", file), place
        raw = target.read(start, size, "what the shell holds")
        offset = layout.fields["address"][0] // 8
        last = target.static(file, "last_number")
        self.held = (start + offset, layout.size, size // layout.size, last)
        for base in range(0, size, layout.size):
            if layout.get(raw, "number", base) and not layout.get(raw, "freed", base):
                at = base + offset
                self.all.append(Root(HELD, start + at,
                                     words(raw[at:at + self.word], self.word)))

    def _of_commands(self):
        file = "kernel/shell/run.c"
        level = target.static(file, "level") or 0
        low = target.address_of_label("command_stack")
        high = target.address_of_label("boot_stack_guard")
        if not level or low is None or high is None:
            return
        runs = target.static_place(file, "runs")
        layout = target.Layout("run", file)
        raw = target.read(runs[0] + (level - 1) * layout.size, layout.size, "a command")
        if self._name_of(layout.get(raw, "command")) in SCANNERS:
            start = layout.get(raw, "frame") - 3 * self.word
            if level > 1 and low <= start < high:
                self._add(STACK, start, high)
            return
        stack = target.register("sp")
        self._add(STACK, stack if stack and low <= stack < high else low, high)
        self._of_registers()

    def _name_of(self, command):
        layout = target.Layout("shell_command", "kernel/shell/run.c")
        raw = target.read(command, layout.size, "a command")
        return target.read_string(layout.get(raw, "name"))

    def _of_registers(self):
        """At addresses that nothing else has."""
        mask = (1 << 8 * self.word) - 1
        numbers = [n & mask for n in target.registers()]
        self.all.append(Root(REGISTER, -self.word * len(numbers), numbers))

    # ---- a program's --------------------------------------------------------------

    def _of_program(self):
        start = target.address_of_label("__data_start")
        end = target.address_of_label("_end")
        if start is None or end is None:
            return
        for place, size in sorted(target.variables_below("mm")):
            if start <= place < end:
                self._add(VARIABLES, start, place)
                start = place + size
        self._add(VARIABLES, start, end)
        stack, end = target.register("sp"), target.outermost_stack_pointer()
        if stack and end and 0 < end - stack < 1 << 26:
            self._add(STACK, stack, end)
        self._of_registers()

    # ---- names --------------------------------------------------------------------

    def each(self):
        """(address of a word, its value) of each."""
        for root in self.all:
            for k, value in enumerate(root.words):
                yield root.start + k * self.word, value

    def around(self, word):
        """The root in which a word lies, or None."""
        root = self.ends.get(word)
        if root is not None:
            return root
        for root in self.all:
            if 0 <= word - root.start < len(root.words) * self.word:
                return root
        return None

    def name(self, word):
        """As holder.c of the kernel has it; None: it is in no root."""
        root = self.around(word)
        if root is None:
            return None
        if root.kind == HELD:
            return f"${self._number(word)}"
        if root.kind == STACK:
            return "the stack"
        return "a register" if root.kind == REGISTER else self._variable(word)

    def _number(self, word):
        """held_number_of() of kernel/memory/held.c."""
        first, size, count, last = self.held
        return last - (last - 1 - (word - first) // size) % count

    def _variable(self, word):
        found = self.symbols.find_variable(word)
        if found is None:
            return f"{word:#010x}"
        name, start, _ = found
        return name if word == start else f"{name}+{word - start:#x}"

    def extent(self, word):
        """Start and bytes of the variable it lies in; of other roots, of the word."""
        root = self.around(word)
        found = self.symbols.find_variable(word) if root.kind == VARIABLES else None
        return found[1:] if found else (word, self.word)

    def text(self, word):
        name, root = self.name(word), self.around(word)
        return f"the variable {name}" if root and root.kind == VARIABLES else name
