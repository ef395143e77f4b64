#!/usr/bin/env python3
"""Every file of guest/, images/ and share/ is compiled in, and the build knows: a change to one embeds it again.

Reads the release build, or the build directory that is named. Changes no file: a time is moved on, and put back."""
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("guest", "images", "share")
NOT_EMBEDDED = ROOT / "images/README.md"


def would_embed(build):
    """Whether ninja would run scripts/embed now."""
    done = subprocess.run(["ninja", "-C", build, "-n", "-v"], capture_output=True, text=True, check=True)
    return "scripts/embed" in done.stdout


def touched(build, path):
    """The same, were `path` changed just now."""
    before = path.stat()
    os.utime(path, ns=(before.st_atime_ns, time.time_ns()))
    try:
        return would_embed(build)
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def embedded_folders(build):
    """Those that are embedded whole, where a new file counts too: the folders among the build's dependencies."""
    done = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True)
    paths = {pathlib.Path(line.strip()) for line in done.stdout.splitlines() if line.startswith("    ")}
    return sorted(path for path in paths if path.is_relative_to(ROOT) and path.is_dir())


def problems(build):
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            wanted = path != NOT_EMBEDDED
            if path.is_file() and touched(build, path) != wanted:
                said = "does not embed it" if wanted else "embeds something"
                yield f"{path.relative_to(ROOT)}: a change to it {said}"
    folders = embedded_folders(build)
    if not folders:
        yield "no folder is embedded whole"
    for path in folders:
        if not touched(build, path):
            yield f"{path.relative_to(ROOT)}/: a new file in it is not embedded"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build")
    if would_embed(build):
        sys.exit(f"embeds: {build} is out of date: build it first")
    found = list(problems(build))
    print("\n".join(found) or "embeds: fine")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
