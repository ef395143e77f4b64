"""Runs the unit tests: every Catch2 executable of the sanitizer build."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree

import build
from place import CHECKED, say
from tally import FAILED, PASSED, SKIPPED

DEADLINE = 600


def unit(tally, _):
    build.checked(tally, "unit")
    say("unit tests under ASan and UBSan")
    programs = [exe for exe in sorted((CHECKED / "test/unit").rglob("unit_*")) if exe.is_file()
                and os.access(exe, os.X_OK)]
    tally.check("unit", "build", "there are unit tests", programs)
    # Two at a time for each processor, because some tests wait for seconds.
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as threads:
        list(threads.map(lambda exe: run(tally, exe), programs))


def run(tally, exe):
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    with tempfile.TemporaryDirectory() as scratch, tally.timed("unit", exe.name):
        report = pathlib.Path(scratch) / "report.xml"
        try:
            done = subprocess.run([exe, "-r", "junit", "-o", report], cwd=scratch, env=env, timeout=DEADLINE,
                                  capture_output=True, text=True, errors="replace")
            status, output = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            status, output = -1, f"took longer than {DEADLINE} s"
        count(tally, exe.name, report, status, output)


def count(tally, name, report, status, output):
    try:
        entries = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        tally.add("unit", name, "the whole program", FAILED, f"ended with {status} and no report\n{output[-8000:]}")
        return
    # A test that cannot run here prints `SKIPPED: name: reason`. Catch2 lists a case once per section.
    skips = dict(re.findall(r"^\s*SKIPPED: ([^\n]*?): ([^:\n]+)$", output, re.M))
    cases = {}
    for entry in entries:
        case = cases.setdefault(entry.get("name").split("/")[0], {"seconds": 0.0, "wrong": ""})
        case["seconds"] += float(entry.get("time", 0))
        case["wrong"] += "".join(f"\n{problem.get('message')} {problem.text}" for problem in entry
                                 if problem.tag in ("failure", "error"))
    for title, case in cases.items():
        outcome = FAILED if case["wrong"] else SKIPPED if title in skips else PASSED
        tally.add("unit", name, title, outcome, case["wrong"] or skips.get(title, ""), case["seconds"])
    if status != 0 and not any(case["wrong"] for case in cases.values()):
        tally.add("unit", name, "the whole program", FAILED, f"ended with {status}\n{output[-8000:]}")
