"""Things that only long stories need, and that take minutes to make: scripts/test --long makes them once, in the
directory BANGER_EXTRAS. A story whose thing is missing is skipped.

  kernel/vmlinux               the kernel `generic`, from images/kernel/build
  debian-KIND.tar              Debian with another init, see roots.py
  IMAGE.tar.zst                the bundles of debian-bookworm-dev and debian-bookworm-build
"""
import os
import pathlib
import unittest


def find(name):
    """Returns the path of a thing, or None."""
    path = pathlib.Path(os.environ.get("BANGER_EXTRAS", "/none")) / name
    return path if path.exists() else None


def need(name):
    """Returns the path of a thing. Skips the story if the thing is missing."""
    path = find(name)
    if path is None:
        raise unittest.SkipTest(f"BANGER_EXTRAS has no {name}; test/lib/extras.py says what makes it")
    return path
