#!/usr/bin/env python3
"""debian.py RELEASE FOLDER [MIRROR] - both commands of README.md on a bare Debian.

FOLDER/RELEASE.tar is the smallest Debian there is (minbase), with git and make: made
once, by debootstrap.  Each run unpacks it anew, clones what is committed here into
it, and types

    make deps run       until there is a prompt; then "exit"
    make deps test

as root in a chroot.  Packages are kept beside it for the next run.  What is mounted is
so in a mount namespace of our own (unshare), which ends with us, whatever ends us.

Without MIRROR packages come from where this machine's own come from, if it is a
Debian, else from Debian's default.  The last line is "N passed, N failed".
"""
import os
import pathlib
import shutil
import subprocess
import sys

import pexpect

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_MIRROR = "http://deb.debian.org/debian"
NEEDED = {"debootstrap": "debootstrap", "unshare": "util-linux", "mount": "mount",
          "chroot": "coreutils", "tar": "tar", "git": "git"}
HOUSE = "/root/marbles"
KEPT = ("http_proxy", "https_proxy", "no_proxy")
ENVIRONMENT = {"HOME": "/root", "TERM": "xterm", "LANG": "C.UTF-8",
               "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               **{name: os.environ[name] for name in KEPT if name in os.environ}}


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def own_mirror():
    """The first of apt's that is Debian's."""
    if shutil.which("apt-get"):
        said = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
             "Origin: Debian", "Label: Debian"], capture_output=True, text=True)
        for line in said.stdout.split():
            return line
    return DEFAULT_MIRROR


def bare(release, folder, mirror):
    """A root with nothing more than anybody's."""
    root, tar = folder / release, folder / f"{release}.tar"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    if not tar.exists():
        run("debootstrap", "--variant=minbase", "--include=git,make", release, root,
            mirror)
        run("tar", "-C", root, "-cf", f"{tar}.new", ".")
        os.rename(f"{tar}.new", tar)
    else:
        run("tar", "-C", root, "-xf", tar)
    return root


def furnish(root, packages):
    run("git", "clone", "-q", "--no-hardlinks", CHECKOUT, f"{root}{HOUSE}")
    packages.mkdir(exist_ok=True)
    run("mount", "--bind", packages, root / "var/cache/apt/archives")
    run("mount", "-t", "proc", "proc", root / "proc")
    run("mount", "--rbind", "/dev", root / "dev")
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc")


def typed(root, command):
    """As words for exec."""
    return ["chroot", str(root), "/bin/sh", "-c", f"cd {HOUSE} && exec {command}"]


def reaches_the_prompt(root):
    words = typed(root, "make deps run")
    child = pexpect.spawn(words[0], words[1:], env=ENVIRONMENT, timeout=1800,
                          encoding="utf-8", codec_errors="replace")
    child.logfile_read = sys.stdout
    try:
        child.expect(r"\nmarbles> ")
        child.send("exit\r")
        child.expect(pexpect.EOF, timeout=60)
    except pexpect.ExceptionPexpect as why:
        print(f"\n{type(why).__name__}: no prompt, or no end of it")
    child.close(force=True)
    return child.exitstatus == 0


def passes_its_tests(root):
    return subprocess.run(typed(root, "make deps test"), env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL).returncode == 0


def refuse():
    if os.geteuid() != 0:
        return "only root can make a Debian in a folder: run it as root"
    for tool, package in NEEDED.items():
        if not shutil.which(tool):
            return f"{tool} is missing: install {package}"
    return None


def main():
    if len(sys.argv) == 3:
        sys.argv.append(own_mirror())
    release, folder, mirror = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    root = bare(release, folder, mirror)
    furnish(root, folder / f"{release}.packages")
    results = []
    for name, tried in (("run", reaches_the_prompt), ("test", passes_its_tests)):
        results.append(tried(root))
        print(f"{release}: make deps {name}: {'ok' if results[-1] else 'FAILED'}",
              flush=True)
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    why = refuse()
    if why:
        sys.exit(f"{why}\n0 passed, 1 failed")
    if "MARBLES_UNSHARED" not in os.environ:
        os.environ["MARBLES_UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, OSError) as error:
        print(error, "0 passed, 1 failed", sep="\n")
        sys.exit(1)
