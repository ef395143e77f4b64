#!/usr/bin/env python3
"""Checks that every file of guest/, images/ and share/ is compiled in, and that a change to a file embeds it again.

Reads the release build, or the build directory given as an argument. Changes only the time of a file, and sets it back.
"""
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("guest", "images", "share")
INSTALLED = ROOT / "share/apparmor/banger"
NOT_EMBEDDED = [ROOT / "images/README.md", INSTALLED, *sorted((ROOT / "images/kernel").iterdir())]


def would_embed(build):
    """Whether ninja would run scripts/embed now."""
    done = subprocess.run(["ninja", "-C", build, "-n", "-v"], capture_output=True, text=True, check=True)
    return "scripts/embed" in done.stdout


def touched(build, path):
    """Whether ninja would run scripts/embed if `path` had just changed."""
    before = path.stat()
    os.utime(path, ns=(before.st_atime_ns, time.time_ns()))
    try:
        return would_embed(build)
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def embedded_folders(build):
    """Returns the folders that are embedded as a whole, including new files: the folders among the dependencies."""
    done = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True)
    paths = {pathlib.Path(line.strip()) for line in done.stdout.splitlines() if line.startswith("    ")}
    return sorted(path for path in paths if path.is_relative_to(ROOT) and path.is_dir())


def problems(build):
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            wanted = path not in NOT_EMBEDDED
            if path.is_file() and touched(build, path) != wanted:
                effect = "does not embed it again" if wanted else "runs scripts/embed, but must not"
                yield f"{path.relative_to(ROOT)}: a change to this file {effect}"
    folders = embedded_folders(build)
    if not folders:
        yield "no folder is embedded as a whole"
    for path in folders:
        if not touched(build, path):
            yield f"{path.relative_to(ROOT)}/: a new file in this folder is not embedded"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build")
    if would_embed(build):
        sys.exit(f"embeds: {build} is out of date (hint: run ninja -C {build})")
    found = list(problems(build))
    print("\n".join(found) or "embeds: no faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
