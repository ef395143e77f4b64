"""The stages of a run, their order, and which of them run at the same time."""
import argparse
import concurrent.futures
import os
import re
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

# These stages run one after the other, before the stories. The others need only the stage "build".
STAGES = {"format": source.form, "comments": source.script("comments"), "bounds": source.script("bounds"),
          "arrows": source.script("arrows"), "embeds": source.script("embeds"),
          "kernel": source.script("kernel_config"), "docs": source.script("docs_are_true"),
          "clients": source.script("clients"),
          "precompiled": source.script("precompiled"), "install": source.script("installs"), "unit": unit, "fuzz": fuzz}
STORIES = ("cli", "e2e", "net", "user")
ALL = ("build", *STAGES, *STORIES)


def part_of(text):
    """Returns K and N of "K/N", or nothing if there is no such part."""
    match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    number, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    return (number, parts) if 1 <= number <= parts else None


def options(argv):
    parser = argparse.ArgumentParser(prog="scripts/test",
                                     description="Sets up everything and runs the tests. You can run it again; later "
                                     "runs are faster. The last line counts cases: N passed, N failed, N skipped.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"some of: {' '.join(ALL)}")
    parser.add_argument("--long", action="store_true",
                        help="run everything: every kill, minutes of fuzzing, "
                        "and all stories as root and as an unprivileged user")
    parser.add_argument("--part", default="1/1", metavar="K/N",
                        help="run only the K-th of N parts of the stories, so that a long run can be made in N calls")
    parser.add_argument("--times", type=int, default=1, metavar="N",
                        help="run every story N times, to find stories that fail only now and then")
    parsed = parser.parse_args(argv)
    parsed.part = part_of(parsed.part)
    if not parsed.part:
        parser.error("--part needs two numbers like 1/3, of which the first is not the larger one")
    if parsed.times < 1:
        parser.error("--times needs a number of at least 1")
    for name in parsed.stages:
        if name not in ALL:
            parser.error(f"there is no stage '{name}' (hint: choose from {' '.join(ALL)})")
    parsed.stages = parsed.stages or list(ALL)
    return parsed


def attempt(tally, stage, work):
    """Runs `work`. Returns False if one of its commands failed."""
    try:
        work()
        return True
    except subprocess.CalledProcessError as error:
        tally.add(stage, "setup", "its commands succeed", FAILED, str(error))
        return False


def run_stories(tally, wanted, opts, images):
    jobs, left_out = stories.choose(wanted, os.geteuid() == 0, opts.long)
    number, parts = opts.part
    if parts > 1:
        say(f"part {number} of {parts}: {len(jobs[number - 1::parts])} of {len(jobs)} classes of stories")
        jobs = jobs[number - 1::parts]
    if attempt(tally, "images", images.result):
        stories.run_all(tally, jobs * opts.times, images.result().all, opts.long)
    return left_out


def run(opts, tally):
    """Runs the stages. Returns how many cases only a long run would have run."""
    if "build" in opts.stages and not attempt(tally, "build", lambda: (build.packages(), build.release(tally))):
        return 0
    wanted = [stage for stage in STORIES if stage in opts.stages]
    root = os.geteuid() == 0
    if "user" in wanted and not root:
        tally.add("user", "all", "stories as another user", SKIPPED, "this run has no root privileges")
    both = root and "user" in wanted
    with accounts.Accounts(both, opts.long) as prepared, concurrent.futures.ThreadPoolExecutor() as background:
        # Making images is mostly waiting for the network, so it runs at the same time as the next build.
        images = background.submit(prepared.prepare) if wanted else None
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
