#!/usr/bin/env python3
"""Prints every limit of banger as one table: name, value, reason.

Fails when a limit has no reason or the name of another one. Fails when a duration or a size is defined outside the
bounds.h of its folder."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONSTANT = re.compile(r"(?:inline |static )?constexpr [\w:<> ]+ (k[A-Z]\w*)\s*(?:=\s*([^;]*)|\{([^;]*)\});([^\n]*)")
LIMIT = re.compile(r"\d(?:ms|us|s|min|h)\b|\bk[KMG]iB\b|(?:milli|micro)?seconds\(|minutes\(|hours\(")
UNITS = {"kKiB", "kMiB", "kGiB"}


def comment_above(lines):
    """The comment that ends right above the last of `lines`, across the constants that share it."""
    for line in reversed(lines):
        text = line.strip()
        if text.startswith("//") and not text.startswith("// --"):
            return text.lstrip("/< ")
        if not text or text.startswith("// --"):
            return ""
    return ""


def constants(text):
    """Yields (name, value, reason) of every constant."""
    for found in CONSTANT.finditer(text):
        value = " ".join((found[2] or found[3] or "").split())
        behind = found[4].strip().lstrip("/< ")
        yield found[1], value, behind or comment_above(text[:found.start()].splitlines())


def problems(files):
    """`files`: {path: text}."""
    homes = {}
    for path, text in files.items():
        bounds = path.endswith("bounds.h")
        for name, value, reason in constants(text):
            if bounds and name not in UNITS:
                if name in homes:
                    yield f"{path}: {name} is the name of another limit in {homes[name]}"
                homes[name] = path
                if not reason:
                    yield f"{path}: {name} has no reason"
            elif not bounds and LIMIT.search(value):
                yield f"{path}: {name} = {value} belongs in the bounds.h of its folder"


def table(files):
    for path, text in sorted(files.items()):
        if path.endswith("bounds.h"):
            yield path
            yield from (f"  {name:<32} {value:<22} {reason}" for name, value, reason in constants(text))


def self_check():
    """Each fault is found, and a sound file has none."""
    sound = "inline constexpr auto kPause = 5s;  ///< a reason\n"
    above = "/// A reason.\ninline constexpr std::size_t kA = kMiB;\ninline constexpr std::size_t kB =\n    2 * kMiB;\n"
    assert not list(problems({"src/a/bounds.h": sound + above, "src/a/a.cc": "constexpr int kMagic = 7;\n"}))
    for bad in ({"src/a/bounds.h": "\ninline constexpr auto kPause = 5s;\n"},
                {"src/a/bounds.h": sound, "src/b/bounds.h": sound},
                {"src/a/a.cc": sound}, {"src/a/a.cc": "constexpr std::size_t kLine{4 * limits::kKiB};\n"}):
        assert len(list(problems(bad))) == 1, bad


def main():
    self_check()
    files = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "src").rglob("*"))
             if path.suffix in (".h", ".cc")}
    print("\n".join(table(files)))
    found = list(problems(files))
    print("\n".join(found) or "bounds: fine")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
