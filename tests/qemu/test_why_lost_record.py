"""make why-lost: the instruction that dropped the last pointer, found in a record."""
import re

import pytest
from marbles import SAN, line_of, make, site

pytestmark = pytest.mark.skipif(SAN, reason="it counts the kernel's own instructions")


@pytest.fixture(scope="module")
def path(elf, tmp_path_factory):
    """Of three objects the second is forgotten, and the third given back."""
    path = tmp_path_factory.mktemp("record") / "session"
    make("record", f"RECORD={path}", "MEM=8M",
         "CMDS=kmalloc 100 3; kfree $3; forget $2")
    return path


def test_the_line_that_forgets_is_named(path):
    """And who held it before."""
    said = make("why-lost", f"RECORD={path}", "SERIAL=2", "MEM=8M").stdout.splitlines()
    taken = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
    assert said[0] == f"100 bytes, serial 2, taken by {taken}"
    assert said[1].startswith("lost by ") and "(kernel/memory/" in said[1]
    assert said[-2] == "last in memory, it was held by $2"
    assert re.fullmatch(r"until \w+ \(kernel/memory/\w+\.c:\d+\)", said[-1])
    assert any("cmd_forget (kernel/memory/cmd_alloc.c:" in row for row in said[1:])


@pytest.mark.parametrize("asked, why", [
    ("SERIAL=1", "serial 1 is held by $1"),
    ("SERIAL=3", "serial 3 is given back"),
    ("SERIAL=4", "serial 4 is not taken yet: the newest is 3"),
    ("SITE=mm/slab.c:1", "of what mm/slab.c:1 has taken nothing is lost"),
    ("SERIAL=x", '"x" is neither'),
    ("SERIAL=", "SERIAL=N or SITE=file:line is missing")])
def test_what_is_not_lost_is_not_searched_for(path, asked, why):
    done = make("why-lost", f"RECORD={path}", asked, "MEM=8M", check=False)
    assert done.returncode == 2 and done.stdout == "" and why in done.stderr


def test_a_freed_owner_is_named(elf, tmp_path):
    """The hotel gives back a guest, and with it the only pointer to its name."""
    lesson = "kernel/lessons/guests.c"
    name = site(lesson, r"kstrdup\(")
    record = f"RECORD={tmp_path}/guests"
    make("record", record, "CMDS=guests 500; guests leave", "MEM=8M")
    said = make("why-lost", record, f"SITE={name}", "MEM=8M").stdout
    assert f"bytes, serial 500, taken by {name}\nlost by leave ({lesson}:" in said
    assert f"({lesson}:{line_of(lesson, r'kfree.guest.;')}), in " in said
    assert "before, it was held by offset 8 of 0x" in said
    assert f"(12 bytes, serial 499, taken by {site(lesson, 'kmalloc')}" in said
