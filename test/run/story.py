#!/usr/bin/env python3
"""Lists or runs stories in one process.

`story.py list FILE…` prints the cases as JSON, with the accounts that run them. `story.py run FILE CASE…` runs cases,
and writes one line of JSON for each to the file descriptor BANGER_STORY_RESULTS."""
import importlib.util
import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import marks  # noqa: E402


LOG_LINES = 60  # of a failed case's daemon


def load(path):
    path = pathlib.Path(path)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return flat(unittest.defaultTestLoader.loadTestsFromModule(module))


def flat(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


def name_of(case):
    return f"{type(case).__name__}.{case._testMethodName}"


def described(case):
    if not isinstance(case, unittest.TestCase):
        raise SystemExit(f"story.py: {case} could not be loaded")
    method = getattr(case, case._testMethodName)
    return {"class": type(case).__name__, "name": name_of(case), **marks.of(type(case), method)}


class Recorder(unittest.TextTestResult):
    """Prints like unittest, and keeps the outcome of each case."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.outcomes, self.started = {}, time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def note(self, test, outcome, why=""):
        name = name_of(test) if hasattr(test, "_testMethodName") else str(test)  # a failed setUpClass has no method
        if self.outcomes.get(name, {}).get("outcome") != "failed":
            self.outcomes[name] = {"name": name, "outcome": outcome, "why": why,
                                   "seconds": time.monotonic() - self.started}

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed")
        self.show_log(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed")
        self.show_log(test)

    def show_log(self, test):
        """Prints what the daemon of a failed case has done last. The case's directory is gone a moment later."""
        log = test.b.log() if hasattr(test, "b") else ""
        if log:
            self.stream.writeln("\nThe daemon's log ends so:\n" + "\n".join(log.splitlines()[-LOG_LINES:]))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "failed", subtest._subDescription())


def run(path, wanted):
    suite = unittest.TestSuite(case for case in load(path) if name_of(case) in wanted)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Recorder).run(suite)
    with open(int(os.environ["BANGER_STORY_RESULTS"]), "w") as out:
        out.writelines(json.dumps(outcome) + "\n" for outcome in result.outcomes.values())


if __name__ == "__main__":
    if sys.argv[1] == "list":
        print(json.dumps({path: [described(case) for case in load(path)] for path in sys.argv[2:]}))
    else:
        run(sys.argv[2], set(sys.argv[3:]))
