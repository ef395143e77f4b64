#!/usr/bin/env python3
"""Checks the clients in other languages: their generated files are current, and their tests without guests pass."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = ROOT / "clients" / "python"
BANGER = ROOT / "build" / "src" / "banger"
MYPY = (1, 7)  # the first version that knows the types of keyword arguments


def has_mypy():
    done = subprocess.run(["mypy", "--version"], capture_output=True, text=True)
    version = re.search(r"(\d+)\.(\d+)", done.stdout)
    return bool(version) and (int(version[1]), int(version[2])) >= MYPY


def checks():
    """Yields the name and the command of each check."""
    yield "generated files are current", [PYTHON / "generate", "--check"]
    yield "tests", [sys.executable, "-m", "unittest", "discover", "-s", "tests"]
    try:
        known = has_mypy()
    except OSError:
        known = False
    if known:
        yield "types", ["mypy", "--strict", "-p", "banger"]
    else:
        print(f"clients/python: types are not checked: there is no mypy {MYPY[0]}.{MYPY[1]} or later")


def version_in(path, pattern):
    found = re.search(pattern, path.read_text(), re.M)
    return found and found[1]


def same_version():
    return version_in(ROOT / "meson.build", r"^  version: '([^']+)'") == \
        version_in(PYTHON / "pyproject.toml", r'^version = "([^"]+)"')


def main():
    failed = 0 if same_version() else 1
    if failed:
        print("clients/python/pyproject.toml has another version than meson.build")
    for name, command in checks():
        done = subprocess.run(command, cwd=PYTHON, env=os.environ | {"BANGER": str(BANGER)}, stdin=subprocess.DEVNULL)
        print(f"clients/python: {name}: {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
        failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
