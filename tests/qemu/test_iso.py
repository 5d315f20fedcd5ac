"""The boot medium: the same kernel, from every firmware, as a CD and as a disk."""
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from marbles import DOWN, OUT, ROOT, make
from qmp import Monitor

if platform.machine() not in ("x86_64", "i686", "i586"):
    pytest.skip("GRUB for PCs has no packages but on PCs", allow_module_level=True)

OVMF = Path("/usr/share/OVMF")
MENU = "will be executed automatically in"


@pytest.fixture(scope="module")
def iso(elf):
    make("iso")
    return OUT / "marbles.iso"


# ---- machines -------------------------------------------------------------------

def pflash(code, variables, folder):
    """Firmware; the variables are a copy, and so those of a new machine."""
    shutil.copy(OVMF / variables, folder / "variables")
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF / code}",
            "-drive", f"if=pflash,format=raw,file={folder / 'variables'}"]


def bios(folder):
    return {"loader": [], "memory": "64M"}


def uefi64(folder):
    return {"qemu": "qemu-system-x86_64", "memory": "256M",
            "loader": ["-machine", "q35",
                       *pflash("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", folder)]}


def uefi32(folder):
    return {"memory": "256M",
            "loader": ["-machine", "q35,smm=on",
                       "-global", "driver=cfi.pflash01,property=secure,value=on",
                       *pflash("OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd",
                               folder)]}


def cd(iso):
    return ["-drive", f"file={iso},format=raw,media=cdrom,readonly=on"]


def disk(iso):
    return ["-drive", f"file={iso},format=raw,snapshot=on"]


def stick(iso):
    return ["-drive", f"file={iso},if=none,id=stick,format=raw,readonly=on",
            "-device", "qemu-xhci", "-device", "usb-storage,drive=stick"]


@pytest.fixture
def start(iso, boot, tmp_path):
    """start(firmware, medium, entry): the machine at its prompt, through the menu."""
    def run(firmware, medium, entry=0, memory=None):
        options = firmware(tmp_path)
        loader = options.pop("loader") + medium(iso)
        if memory:
            options["memory"] = memory
        machine = boot(loader=loader, prompt=False, **options,
                       arguments=Monitor.arguments(tmp_path))
        machine.wait_for(MENU)
        machine.send(DOWN * entry + "\r")
        machine.boot()
        return machine
    return run


# ---- the medium -----------------------------------------------------------------

def test_it_is_small(iso):
    assert iso.stat().st_size < 5_000_000


def test_it_has_the_very_kernel_that_was_built(iso, elf, tmp_path):
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", str(iso), "-extract",
                    "/boot/marbles.elf", str(tmp_path / "elf")],
                   check=True, capture_output=True)
    for file in (tmp_path / "elf", elf):        # all that is loaded of it
        subprocess.run(["objcopy", "-O", "binary", str(file), str(tmp_path / file.name)],
                       check=True)
    assert (tmp_path / "elf").read_bytes() == (tmp_path / elf.name).read_bytes()


def test_made_in_another_folder_it_is_the_same_to_the_byte(iso, tmp_path):
    there = tmp_path / "elsewhere"
    shutil.copytree(ROOT, there, ignore=shutil.ignore_patterns("build", ".git"))
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("MAKE")}
    subprocess.run(["sh", "-c", "umask 077; make -s iso"], cwd=there, check=True,
                   env={**environment, "TZ": "Asia/Tokyo"}, capture_output=True)
    assert (there / OUT.relative_to(ROOT) / "marbles.iso").read_bytes() == iso.read_bytes()


PACKAGES = {"grub-mkimage": "grub-common", "xorriso": "xorriso", "mformat": "mtools"}


@pytest.mark.parametrize("tool", PACKAGES)
def test_a_missing_tool_is_named_with_its_package(iso, elf, tmp_path, tool):
    for name in ["sh", *PACKAGES]:
        if name != tool:
            (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(["sh", "iso/make.sh", str(elf), str(tmp_path / "x.iso")],
                          cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True,
                          text=True)
    assert done.returncode != 0 and not (tmp_path / "x.iso").exists()
    assert done.stderr == (f"{tool} is missing: install {PACKAGES[tool]}, or run make "
                           "deps\n")


@pytest.mark.parametrize("folder, package", [
    ("i386-pc", "grub-pc-bin"), ("x86_64-efi", "grub-efi-amd64-bin"),
    ("i386-efi", "grub-efi-ia32-bin")])
def test_a_missing_platform_of_GRUB_is_named_with_its_package(elf, tmp_path, folder,
                                                              package):
    for name in {"i386-pc", "x86_64-efi", "i386-efi"} - {folder}:
        (tmp_path / name).symlink_to(f"/usr/lib/grub/{name}")
    done = subprocess.run(["sh", "iso/make.sh", str(elf), str(tmp_path / "x.iso")],
                          cwd=ROOT, env={**os.environ, "GRUB_LIB": str(tmp_path)},
                          capture_output=True, text=True)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1 and f"install {package}," in done.stderr


# ---- it boots -------------------------------------------------------------------

@pytest.mark.parametrize("firmware, medium", [
    (bios, cd), (bios, disk), (bios, stick), (uefi64, cd), (uefi64, stick),
    (uefi32, cd), (uefi32, disk)],
    ids=lambda it: it.__name__)
def test_it_boots_to_the_prompt_and_stands_stress(start, tmp_path, firmware, medium):
    machine = start(firmware, medium)
    screen = Monitor(tmp_path).screen()
    assert ("marbles>" in screen) == (firmware is bios)
    assert machine.run("params")[-1] == "given: none"
    before = machine.meminfo()
    assert before["total_kb"] > (60 if firmware is bios else 200) * 1024
    assert machine.run("stress")[0].endswith("all given back, all rules hold")
    machine.is_whole()
    assert machine.meminfo()["free_kb"] == before["free_kb"]


def test_it_boots_by_itself_when_no_key_is_pressed(iso, boot):
    machine = boot(loader=cd(iso), prompt=False)
    machine.boot()
    machine.is_whole()


def test_it_boots_in_4_mib(start):
    machine = start(bios, cd, memory="4M")
    assert machine.run("stress")[0].endswith("all given back, all rules hold")
    machine.is_whole()


@pytest.mark.parametrize("firmware", [bios, uefi64], ids=lambda it: it.__name__)
def test_an_entry_gives_4_mib_of_memory(start, firmware):
    machine = start(firmware, cd, entry=1)
    assert machine.run("params")[-1] == "given: mem=4M"
    assert 1024 < machine.meminfo()["total_kb"] < 4096
    machine.is_whole()


def test_an_entry_tests_the_kernel(start):
    machine = start(bios, cd, entry=2)
    assert "mm_check: all rules hold" in machine.boot_lines
    assert any(line.startswith("stress: ") and line.endswith("all rules hold")
               for line in machine.boot_lines)
    assert not any("unknown" in line for line in machine.run("dmesg"))
