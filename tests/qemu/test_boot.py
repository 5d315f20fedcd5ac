"""The kernel comes up on every machine, and hands out nothing that is not its own."""
import re

import pytest
from marbles import symbol

MIB = 1 << 20


@pytest.mark.parametrize("memory", ["4M", "8M", "64M", "512M", "4G"])
def test_boots_with_this_much_memory_and_stands_stress(boot, memory):
    machine = boot(memory=memory)
    before = machine.meminfo()
    assert machine.run("stress")[0].endswith("all given back, all rules hold")
    machine.is_whole()
    after = machine.meminfo()
    assert (after["total_kb"], after["free_kb"]) == (before["total_kb"],
                                                     before["free_kb"])


@pytest.mark.parametrize("arguments", [
    ["-cpu", "486"], ["-cpu", "pentium"], ["-cpu", "qemu32"], ["-cpu", "max"],
    ["-M", "isapc", "-cpu", "486"], ["-M", "q35"]], ids=" ".join)
def test_boots_on_this_machine(boot, arguments):
    machine = boot(memory="16M", arguments=arguments)
    assert machine.run("stress 3000")[0].endswith("all given back, all rules hold")
    machine.is_whole()


def test_from_entry_to_the_prompt_it_takes_less_than_a_million_instructions(boot, tmp_path):
    """QEMU counts them while it records: `info replay` tells."""
    machine = boot(stopped=True, arguments=[
        "-icount", f"shift=0,rr=record,rrfile={tmp_path}/recorded"])
    count = "python print(gdb.execute('monitor info replay', to_string=True))"
    said = machine.gdb("hbreak entry", "continue", count, "delete",
                       "hbreak readline", "continue", count, "delete")
    entry, prompt = map(int, re.findall(r"instruction count = (\d+)", said))
    assert 0 < prompt - entry < 1_000_000


def test_nothing_is_live_at_the_prompt_of_a_fresh_boot(boot):
    m = boot().meminfo()
    assert m["live_objects"] == m["live_pages"] == m["last_serial"] == m["failed"] == 0


def test_without_the_multiboot_magic_it_says_so_and_stops(elf, boot):
    machine = boot(prompt=False, stopped=True)
    machine.gdb("break *entry", "continue", "set $eax = 0x12345678", "delete")
    said = machine.wait_for("Stopped.")
    assert "Multiboot" in said and "0x12345678" in said
    # It stands still: nothing can interrupt it any more.
    assert "[IF" not in machine.gdb("info registers eflags")


def test_two_boots_typed_at_alike_answer_alike(boot):
    def session():
        machine = boot()
        lines = machine.boot_lines
        for command in ("meminfo", "kmalloc 100 20", "pages 3", "kfree $3",
                        "stress 2000 7", "leaks", "slabinfo", "buddyinfo", "whatis $5",
                        "allocinfo -a", "dump $5", "check"):
            lines = lines + machine.run(command)
        return lines
    assert session() == session()


def test_a_different_seed_makes_different_steps(machine):
    assert machine.run("stress 500 1") != machine.run("stress 500 2")


# ---- what must never be handed out ----------------------------------------------

def handed_out(machine):
    """Take every page; the ranges they lie in."""
    *runs, last = machine.run("take_all")
    ranges = [tuple(int(word, 16) for word in run.split()) for run in runs]
    pages = int(last.split()[0])
    assert sum(end - start for start, end in ranges) == pages << 12
    return ranges


def overlaps(ranges, start, end):
    return [f"0x{a:08x}..0x{b:08x}" for a, b in ranges if a < end and start < b]


LOADER_LEFT = """
set $left = (unsigned int *)$ebx
printf "info %u 68\\n", $ebx
printf "cmdline %u %u\\n", $left[4], $_strlen((char *)$left[4]) + 1
printf "mmap %u %u\\n", $left[12], $left[11]
printf "name %u %u\\n", $left[16], $_strlen((char *)$left[16]) + 1
set $module = (unsigned int *)$left[6]
printf "modules %u %u\\n", $left[6], $left[5] * 16
printf "module %u %u\\n", $module[0], $module[1] - $module[0]
printf "modulename %u %u\\n", $module[2], $_strlen((char *)$module[2]) + 1
"""


def test_nothing_that_the_loader_left_is_handed_out(lab_elf, boot, tmp_path):
    (tmp_path / "module").write_bytes(b"module to be kept" + b"\x5b" * 359983)
    machine = boot(lab_elf, memory="16M", cmdline="loglevel=6 quiet", stopped=True,
                   prompt=False,
                   arguments=["-initrd", f"{tmp_path / 'module'} of the test"])
    said = machine.gdb("break *entry", "continue",
                       *LOADER_LEFT.strip().splitlines(), "delete")
    machine.boot()
    kept = {name: (int(at), int(at) + int(size)) for name, at, size in
            re.findall(r"^(\w+) (\d+) (\d+)$", said, re.M)}
    assert len(kept) == 7, said
    kept["the first MiB"] = (0, MIB)
    kept["the image"] = (symbol(lab_elf, "image_start"), symbol(lab_elf, "image_end"))
    start, end = kept["module"]
    assert end - start == 360000

    # find: the module begins on a page of its own, and is where the loader says.
    assert machine.run('find "module to be kept"') == [f"0x{start:08x}"]
    before = {name: machine.run(f"hash {a} {b - a}") for name, (a, b) in kept.items()
              if a >= MIB and name != "the image"}
    ranges = handed_out(machine)
    for name, (a, b) in kept.items():
        assert not overlaps(ranges, a, b), f"{name}, 0x{a:08x}..0x{b:08x}, is handed out"
    for name, hashed in before.items():
        a, b = kept[name]
        assert machine.run(f"hash {a} {b - a}") == hashed, f"{name} was written to"
    assert machine.run("params")[-1] == "given: loglevel=6 quiet"


@pytest.mark.parametrize("memory", ["4M", "64M"])
def test_all_of_ram_is_handed_out_and_nothing_else(lab_elf, boot, memory):
    machine = boot(lab_elf, memory=memory)
    total = machine.meminfo()
    image_end = symbol(lab_elf, "image_end")
    ranges = handed_out(machine)
    assert not overlaps(ranges, 0, image_end)
    size = int(memory[:-1]) * MIB
    assert all(end <= size for _, end in ranges)
    m = machine.meminfo()
    assert m["free_kb"] == 0 and m["live_pages"] * 4 == total["free_kb"]
    # 256 KiB for what SeaBIOS keeps at the top and the loader behind the image.
    assert total["total_kb"] >= (size - image_end) // 1024 - 256
    machine.is_whole()
    assert machine.run("give_all") == ["0 pages left, 0 were written to"]
    machine.is_whole()
    assert machine.meminfo()["free_kb"] == total["free_kb"]


def test_every_page_handed_out_is_known_to_whatis(lab_elf, boot):
    machine = boot(lab_elf, memory="8M")
    for start, end in handed_out(machine):
        for address in (start, end - 1):
            (what,) = machine.json(f"whatis 0x{address:x} -j")
            assert what["kind"] == "used_pages", what


@pytest.mark.parametrize("name", ["kernel_main", "kmalloc_at", "shell_run",
                                  "buddy_alloc"])
def test_the_image_has_the_names_of_its_functions(machine, elf, name):
    (what,) = machine.json(f"whatis 0x{symbol(elf, name):x} -j")
    assert (what["symbol"], what["offset"]) == (name, 0)
