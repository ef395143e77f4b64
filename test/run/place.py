"""Directories of the repository and its builds, and a function that runs commands in them."""
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build"
CHECKED = ROOT / "build-checked"  # one build with ASan, UBSan and coverage, for unit tests and fuzzers
DATA = pathlib.Path(os.environ.get("BANGER_TEST_DATA", RELEASE / "test-data"))


def say(text):
    print(f"\n== [{time.strftime('%H:%M:%S')}] {text}", flush=True)


def sh(*args, **kwargs):
    return subprocess.run([str(arg) for arg in args], cwd=ROOT, check=True, **kwargs)
