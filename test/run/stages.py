"""The stages of a run, their order, and what runs beside what."""
import argparse
import concurrent.futures
import os
import subprocess
import time

import accounts
import build
import report
import source
import stories
from fuzz import fuzz
from place import say
from tally import FAILED, SKIPPED, Tally
from unit import unit

# One after the other, and stories after them all. Only build is needed by others.
STAGES = {"format": source.form, "arrows": source.script("arrows"), "embeds": source.script("embeds"),
          "docs": source.script("docs_are_true"), "install": source.script("installs"), "unit": unit, "fuzz": fuzz}
STORIES = ("cli", "e2e", "net", "user")
ALL = ("build", *STAGES, *STORIES)


def options(argv):
    parser = argparse.ArgumentParser(prog="scripts/test",
                                     description="Sets up everything and runs the tests. Safe to run "
                                     "again, and then fast. The last line counts cases: N passed, N failed, N skipped.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"some of: {' '.join(ALL)}")
    parser.add_argument("--long", action="store_true",
                        help="also what is long by nature: every kill, minutes of fuzzing, "
                        "all stories as root and as an unprivileged user")
    parsed = parser.parse_args(argv)
    for name in parsed.stages:
        if name not in ALL:
            parser.error(f"there is no stage '{name}'; there are {' '.join(ALL)}")
    parsed.stages = parsed.stages or list(ALL)
    return parsed


def attempt(tally, stage, work):
    """False when a command that it needs failed."""
    try:
        work()
        return True
    except subprocess.CalledProcessError as error:
        tally.add(stage, "setup", "its commands succeed", FAILED, str(error))
        return False


def run_stories(tally, wanted, opts, images):
    jobs, left_out = stories.choose(wanted, os.geteuid() == 0, opts.long)
    if attempt(tally, "images", images.result):
        stories.run_all(tally, jobs, images.result().all, opts.long)
    return left_out


def run(opts, tally):
    """How many cases were left to a long run."""
    if "build" in opts.stages and not attempt(tally, "build", lambda: (build.packages(), build.release(tally))):
        return 0
    wanted = [stage for stage in STORIES if stage in opts.stages]
    root = os.geteuid() == 0
    if "user" in wanted and not root:
        tally.add("user", "all", "stories as another user", SKIPPED, "this run is unprivileged already")
    with accounts.Accounts(both=root and "user" in wanted) as people, concurrent.futures.ThreadPoolExecutor() as beside:
        # Much of it is waiting for a network, so it goes on beside the next build.
        images = beside.submit(people.prepare) if wanted else None
        for stage, work in STAGES.items():
            if stage in opts.stages:
                attempt(tally, stage, lambda: work(tally, opts))
        return run_stories(tally, wanted, opts, images) if wanted else 0


def main(argv):
    opts, tally, started = options(argv), Tally(), time.monotonic()
    left_out = run(opts, tally)
    say("result")
    report.write(tally, time.monotonic() - started, left_out)
    return 1 if tally.of(FAILED) else 0
