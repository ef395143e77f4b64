"""Checks that need no guest: the format of sources, and the check scripts in test/."""
import re
import subprocess
import sys

from place import ROOT, say

FORMATTER = "clang-format-19"
COLUMNS = 120
FOLDERS = ("src", "test", "scripts", "clients")
TEXTS = (".cc", ".h", ".in", ".py", ".sh", ".txt", ".build")


def script(name):
    """Returns a stage that runs one script of test/."""
    def stage(tally, _):
        say(name)
        with tally.timed(name, f"{name}.py"):
            done = subprocess.run([sys.executable, ROOT / "test" / f"{name}.py"], cwd=ROOT)
        tally.check(name, f"{name}.py", "the script finds no fault", done.returncode == 0)
    return stage


def files():
    found = [ROOT / "meson.build", ROOT / "meson_options.txt",
             *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.is_file())]
    return [path for path in found if "__pycache__" not in path.parts and "seeds" not in path.parts]


def long_lines(paths):
    for path in paths:
        if path.suffix in TEXTS or not path.suffix:
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if len(line) > COLUMNS:
                    yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"


def crowded_lists(paths):
    """Yields faults of the file lists in meson.build files, which must be sorted and have one name on each line."""
    for path in paths:
        if path.name != "meson.build":
            continue
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            if len(re.findall(r"'[^']*\.cc'", line)) > 1:
                yield f"{path.relative_to(ROOT)}:{number}: more than one file"
        for names in re.findall(r"files\(([^)]*)\)", text):
            listed = re.findall(r"'([^']+)'", names)
            if listed != sorted(listed):
                yield f"{path.relative_to(ROOT)}: not sorted: {' '.join(listed)}"


def unformatted(paths):
    sources = [path for path in paths if path.suffix in (".cc", ".h")]
    done = subprocess.run([FORMATTER, "--dry-run", "--Werror", *sources], cwd=ROOT, capture_output=True, text=True)
    return [line for line in done.stderr.splitlines() if ": error: " in line] if done.returncode != 0 else []


def form(tally, _):
    say("format")
    paths = files()
    checks = {"C++ is formatted by clang-format": unformatted, f"no line has more than {COLUMNS} columns": long_lines,
              "lists in meson.build are sorted and have one name on each line": crowded_lists}
    for name, check in checks.items():
        with tally.timed("format", check.__name__):
            wrong = list(check(paths))
        tally.check("format", check.__name__, name, not wrong, "\n" + "\n".join(wrong[:50]))
