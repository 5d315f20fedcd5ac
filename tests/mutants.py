#!/usr/bin/env python3
"""mutants.py CC SAMPLE FILE... - do the hosted tests notice when mm is wrong?

Each comparison, bit operation, negation, sum and counter update in the functions of
each FILE (of mm/) is altered once, which makes a mutant of mm.  The suites run
with it, the fastest first, until one fails: the mutant is killed.  One that comes
through survives: a test is missing, or the mutant does the same in another way.

What does not compile is no mutant, nor is what compiles to the same machine code.  A
suite that takes too long has failed.  tests/mutants.txt has those that no test can kill,
and why: they are not tried.  Survivors are printed, and then the status is 1.  SAMPLE:
try only so many mutants, chosen at random but always alike; 0 is all.
"""
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path.cwd()
BUILD = ROOT / "build/mutants"
TESTS = BUILD / "tests.o"
EXPLAINED = ROOT / "tests/mutants.txt"
MM = sorted(ROOT.glob("mm/**/*.c"))
HOSTED = sorted(path for path in ROOT.glob("tests/hosted/*.c")
                if '"kernel/' not in path.read_text())
SUITES = [path.stem for path in HOSTED if path.stem.startswith("test_")]

BINARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
          "&&": "||", "||": "&&", "&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<",
          "+": "-", "-": "+", "+=": "-=", "-=": "+=", "&=": "|=", "|=": "&="}
ANYWHERE = {"++": "--", "--": "++", "!": "", "~": ""}
TOKEN = re.compile(r"""(?P<skip>/\*.*?\*/|//[^\n]*|\#(?:\\\n|[^\n])*|\s+)
    |"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\w+|->|\+\+|--|<<=|>>=|[-+&|^<>=!*/%]=|&&|\|\|
    |<<|>>|.""", re.S | re.X)

# key: file, function, and the line with the change in it, as tests/mutants.txt has it.
Mutant = collections.namedtuple("Mutant", "file line key text")


def functions(text):
    """Name and tokens of each function body: what is in braces behind a `)`."""
    depth, head, body = 0, "", []
    for token in TOKEN.finditer(text):
        if token["skip"]:
            continue
        if depth == 0 and token[0] != "{":
            head = "" if token[0] in "};" else head + token[0] + " "
        depth += (token[0] == "{") - (token[0] == "}")
        if depth and head.endswith(") "):
            body.append(token)
        elif body:
            yield re.search(r"(\w+) (?:\) )?\(", head)[1], body
            head, body = "", []


def alterations(before, token, after):
    """What may stand for the token: a text, and how many tokens that replaces."""
    if token in ANYWHERE:
        yield ANYWHERE[token], 1
    if token in BINARY and re.search(r"[\w)\]]$", before):      # `&x` is no operation
        yield BINARY[token], 1
        if token in "+-" and after == "1":
            yield "", 2


def mutants_of(file):
    text = (ROOT / file).read_text()
    seen = collections.Counter()
    for function, body in functions(text):
        for i, token in enumerate(body[:-1]):
            for new, n in alterations(body[i - 1][0], token[0], body[i + 1][0]):
                start, end = token.start(), body[i + n - 1].end()
                left = text[text.rfind("\n", 0, start) + 1:start]
                right = re.sub(r"/\*.*", "", text[end:text.find("\n", end)])
                line = f"{left.strip()} {{{text[start:end]} -> {new}}} {right.strip()}"
                key = f"{file}: {function}: {line.strip()}"
                seen[key] += 1
                yield Mutant(file, text.count("\n", 0, start) + 1,
                             key if seen[key] == 1 else f"{key} #{seen[key]}",
                             text[:start] + new + text[end:])


# ---- building and running ------------------------------------------------------

def compile_text(cc, folder, text, to):
    """False: it does not compile.  A header in the folder goes before the real one."""
    return subprocess.run([*cc, "-I.", f"-I{ROOT}", "-xc", "-c", "-o", to, "-"],
                          input=text, text=True, cwd=folder,
                          stderr=subprocess.DEVNULL).returncode == 0


def link(cc, to, objects, *options):
    subprocess.run([*cc, "-o", to, *objects, *options], check=True)


def fails(folder, suite, seconds):
    try:
        return subprocess.run([folder / "tests", suite], timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def build_tests(cc):
    """All suites in one object: a program that runs the suite it is given."""
    lines = [f'if (!strcmp(name, "{s}")) return {s}_main();' for s in SUITES]
    driver = ("#include <string.h>\n" + "".join(f"int {s}_main(void);" for s in SUITES)
              + "int main(int n, char **names) { char *name = names[n - 1];\n"
              + "\n".join(lines) + "\nreturn 125; }\n")
    objects = [BUILD / f"{path.stem}.o" for path in HOSTED] + [BUILD / "driver.o"]
    compile_text(cc, BUILD, driver, objects[-1])
    for path, to in zip(HOSTED, objects):
        subprocess.run([*cc, "-I.", f"-Dmain={path.stem}_main", "-c", "-o", to,
                        path.relative_to(ROOT)], check=True)
    link(cc, TESTS, objects, "-r", "-nostdlib")


def build_original(cc):
    """mm as it is; each suite, which must pass, with its seconds, fastest first."""
    BUILD.mkdir(parents=True, exist_ok=True)
    build_tests(cc)
    for path in MM:
        compile_text(cc, BUILD, path.read_text(), BUILD / f"{path.stem}.o")
    link(cc, BUILD / "tests", [TESTS, *(BUILD / f"{p.stem}.o" for p in MM)], "-lcmocka")
    seconds = {}
    for suite in SUITES:
        start = time.monotonic()
        if fails(BUILD, suite, 600):
            sys.exit(f"{suite} fails without any mutant")
        seconds[suite] = time.monotonic() - start
    return sorted(seconds.items(), key=lambda item: item[1])


def fate(cc, suites, mutant, folder):
    changed = {path: path.read_text() for path in MM}
    if mutant.file.endswith(".c"):
        changed = {ROOT / mutant.file: mutant.text}
    else:
        (folder / "mm").mkdir()
        (folder / mutant.file).write_text(mutant.text)
    objects = {path: BUILD / f"{path.stem}.o" for path in MM}
    alike = True
    for path, text in changed.items():
        to = folder / f"{path.stem}.o"
        if not compile_text(cc, folder, text, to):
            return "broken"
        alike = alike and to.read_bytes() == objects[path].read_bytes()
        objects[path] = to
    if alike:
        return "same"
    link(cc, folder / "tests", [TESTS, *objects.values()], "-lcmocka")
    if any(fails(folder, suite, 3 + 3 * seconds) for suite, seconds in suites):
        return "killed"
    return "survived"


def judge(cc, suites, mutant):
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        return mutant, fate(cc, suites, mutant, pathlib.Path(folder))


def main():
    cc, sample, *files = shlex.split(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    explained = set(EXPLAINED.read_text().splitlines())
    mutants = [mutant for file in files for mutant in mutants_of(file)
               if mutant.key not in explained]
    if 0 < sample < len(mutants):
        mutants = random.Random(1).sample(mutants, sample)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    suites = build_original(cc)
    fates = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, end in pool.map(lambda m: judge(cc, suites, m), mutants):
            fates[end] += 1
            if end == "survived":
                print(mutant.key.replace(":", f":{mutant.line}:", 1), flush=True)
    killed, survived = fates["killed"], fates["survived"]
    score = 100 * killed / max(killed + survived, 1)
    print(f"{killed + survived} mutants, {killed} killed ({score:.1f} %), "
          f"{survived} survive")
    return 1 if fates["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
