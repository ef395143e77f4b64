"""Collects the outcome of every case, and the seconds that each stage and file took."""
import collections
import contextlib
import dataclasses
import threading
import time

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclasses.dataclass
class Result:
    stage: str
    group: str  # the name of a file or an executable
    case: str
    outcome: str
    why: str = ""
    seconds: float = 0.0

    def __str__(self):
        return f"{self.stage}: {self.group}: {self.case}" + (f": {self.why}" if self.why else "")


class Tally:
    def __init__(self):
        self.results = []
        self.spent = collections.Counter()  # seconds of (stage, group)
        self.lock = threading.Lock()

    def add(self, *result, **more):
        result = Result(*result, **more)
        with self.lock:
            self.results.append(result)
            if result.outcome != PASSED:
                print(f"{result.outcome.upper()}: {result}", flush=True)

    def check(self, stage, group, case, holds, why=""):
        self.add(stage, group, case, PASSED if holds else FAILED, "" if holds else why)
        return holds

    @contextlib.contextmanager
    def timed(self, stage, group):
        started = time.monotonic()
        try:
            yield
        finally:
            with self.lock:
                self.spent[stage, group] += time.monotonic() - started

    def of(self, outcome):
        return [result for result in self.results if result.outcome == outcome]
