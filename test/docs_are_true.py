#!/usr/bin/env python3
"""Checks that the documents are true: that paths, commands and flags exist, that generated pages are current, and that
the table of folders matches test/arrows.py. Also checks that documents are easy to read (test/lib/prose.py)."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test" / "lib")]
import arrows  # noqa: E402
import prose  # noqa: E402

BANGER = ROOT / "build" / "src" / "banger"
DOCS = [ROOT / "README.md", ROOT / "images/README.md", ROOT / "clients/python/README.md",
        *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = {
    ROOT / "docs/rpc.md": ["rpc", "--markdown"],
    ROOT / "docs/privileges.md": ["system", "operations", "--markdown"],
}
OVERVIEW, OVERVIEW_LINES = ROOT / "docs/architecture.md", 120


def help_of(words, cache={}):  # noqa: B006 (the mutable default is the cache)
    key = tuple(words)
    if key not in cache:
        done = subprocess.run([BANGER, *words, "--help"], capture_output=True, text=True, timeout=30)
        cache[key] = done.stdout if done.returncode == 0 else None
    return cache[key]


def wrong_paths(text):
    for path in re.findall(r"`((?:src|docs|test|scripts|images|guest|share|subprojects|clients)/[\w./*-]*)`", text):
        if "clipboard" in path or list(ROOT.glob(path.rstrip("/"))):  # the made-up capability of docs/hacking.md
            continue
        yield f"no such path: {path}"


def wrong_includes(text):
    for path in re.findall(r"`(\.?[\w-]+\.(?:txt|md))`", text):
        if not list(ROOT.glob(path)) and not list((ROOT / "docs").glob(path)):
            yield f"no such file: {path}"


def command_lines(text):
    """Yields every `banger …` line in code, without its comment."""
    for line in re.findall(r"^    (banger [^\n#]*)", text, re.M) + re.findall(r"`(banger [^`\n]*)`", text):
        yield line.split("#")[0].strip()


def wrong_commands(text):
    for line in command_lines(text):
        words = line.split(" -- ")[0].split()[1:]
        path = []
        for word in words:
            if path and "\nCommands:\n" not in help_of(path):
                break  # the words after a command are its arguments
            if not re.fullmatch(r"[a-z][a-z-]*", word) or help_of(path + [word]) is None:
                break
            path.append(word)
        if words and words[0].islower() and words[0].isalpha() and not path:
            yield f"no such command: {line}"
            continue
        known = help_of(path) or ""
        for flag in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", line.split(" -- ")[0]):
            if flag not in known:
                yield f"no flag {flag}: {line}"


def readme_commands_exist():
    """Yields commands that the --help of a group lists, but that have no help themselves."""
    for group in (["vm"], ["vm", "snapshot"], ["template"], ["image"], ["kernel"], ["daemon"], ["system"]):
        text = help_of(group) or ""
        for name in re.findall(r"^  ([a-z]+)(?:, \w+)*  ", text, re.M):
            if help_of(group + [name]) is None:
                yield f"banger {' '.join(group)} lists the command {name}, which has no help"


def generated_pages():
    """Yields generated pages that differ from the program's present output."""
    for page, words in GENERATED.items():
        output = subprocess.run([BANGER, *words], capture_output=True, text=True, timeout=30).stdout
        if output != page.read_text():
            yield f"{page.relative_to(ROOT)} is not the output of build/src/banger {' '.join(words)}"


def overview_is_short():
    lines = len(OVERVIEW.read_text().splitlines())
    if lines > OVERVIEW_LINES:
        yield (f"docs/architecture.md has {lines} lines, more than {OVERVIEW_LINES} "
               "(hint: move details to docs/design)")


def folders_of(cell, above):
    """Parses a cell of the table: `nothing`, `a, b`, `all above` or `all above except a, b`."""
    if cell.startswith("all above"):
        return above - set(re.findall(r"\w+", cell.removeprefix("all above").removeprefix(" except")))
    return set() if cell == "nothing" else set(re.findall(r"\w+", cell))


def folder_table():
    """Yields differences between the table of folders in the overview and the includes that test/arrows.py allows."""
    rows = re.findall(r"^\| `src/(\w+)` \|.*\| ([^|]*) \|$", OVERVIEW.read_text(), re.M)
    enforced = {folder: targets for folder, targets in arrows.ALLOWED.items() if "/" not in folder}
    above = set()
    for folder, cell in rows:
        listed, true = folders_of(cell, above), {target.split("/")[0] for target in enforced.get(folder, [])} - {folder}
        if listed != true:
            yield (f"docs/architecture.md: {folder} may include {sorted(listed)}, "
                   f"but test/arrows.py allows {sorted(true)}")
        above.add(folder)
    for folder in sorted(enforced.keys() ^ above):
        yield f"docs/architecture.md: {folder} is in only one of the table of folders and test/arrows.py"


def main():
    prose.self_check()
    found = [*readme_commands_exist(), *generated_pages(), *overview_is_short(), *folder_table()]
    checked = 0
    for doc in DOCS:
        text = doc.read_text()
        checked += sum(1 for _ in command_lines(text))
        for check in (wrong_paths, wrong_includes, wrong_commands):
            found += [f"{doc.relative_to(ROOT)}: {problem}" for problem in check(text)]
        found += [f"{doc.relative_to(ROOT)}: {problem}" for problem in prose.problems(text)]
    for line in found:
        print(line)
    print(f"{len(DOCS)} documents, {checked} command lines, {len(found)} faults")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
