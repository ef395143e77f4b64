#!/usr/bin/env python3
"""Checks that a precompiled header is made again when a header changes, even to a file with an older time."""
import os
import pathlib
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "scripts"
LONG_AGO = 1_000_000_000


class Place:
    """A build directory with one precompiled header, made from one header."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.header, self.pch, self.stamp = (self.folder / name for name in ("own.h", "list.pch", "list.stamp"))
        (self.folder / "list.txt").write_text('#include "own.h"\n')
        self.header.write_text("inline int one() { return 1; }\n")

    def run(self, script, *words):
        subprocess.run([SCRIPTS / script, *words], cwd=self.folder, check=True)

    def precompile(self):
        self.run("precompile", "list.txt", self.pch, os.environ.get("CXX", "clang++-19"), "-O0")

    def is_stale(self):
        """Whether the build would make the precompiled header again."""
        self.run("check-precompiled", self.stamp, self.pch)
        before = self.stamp.stat().st_size
        self.stamp.write_text("")
        return before > 0

    def compiles(self):
        return subprocess.run([os.environ.get("CXX", "clang++-19"), "-O0", "-fsyntax-only", "-x", "c++", "-include-pch",
                               self.pch, os.devnull], cwd=self.folder, capture_output=True).returncode == 0


def problems(place):
    if place.is_stale():
        yield "what was never made is stale"
    place.precompile()
    if place.is_stale():
        yield "a new precompiled header is stale"
    if "own.h" not in place.pch.with_suffix(".pch.headers").read_text():
        yield "the list of headers is not complete"
    place.header.write_text("inline int two() { return 2; }\n")
    os.utime(place.header, (LONG_AGO, LONG_AGO))
    if place.compiles():
        yield "the compiler accepts a header that has changed, so this test proves nothing"
    if not place.is_stale():
        yield "a header that has changed to an older file is not noticed"
    place.precompile()
    if place.is_stale() or not place.compiles():
        yield "a precompiled header that was made again does not work"
    place.header.unlink()
    if not place.is_stale():
        yield "a header that is gone is not noticed"


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = list(problems(Place(folder)))
    print("\n".join(found) or "precompiled: no faults")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
