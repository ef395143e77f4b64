"""Stories: the Python tests of test/cli, test/e2e and test/net, with the real binary and real guests.

A class of a file is one job, for what its cases share is made once. Jobs run beside each other, two for each processor:
about half of a story is waiting."""
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading

from place import ROOT, say
from tally import FAILED

STORY = "run/story.py"
DEADLINE = 1800  # seconds for one class
FOLDERS = {"net": ["net"], "e2e": ["e2e"], "cli": ["cli"],
           "user": ["e2e", "cli"]}  # in this order: what takes longest first
printing = threading.Lock()

Job = collections.namedtuple("Job", "stage account file kind cases")


def known(folders):
    """What the files in these folders tell of their cases: {file: [case, …]}."""
    files = [f"{folder}/{path.name}" for folder in folders
             for path in sorted((ROOT / "test" / folder).glob("test_*.py"))]
    told = {}
    for file in files:  # each by itself: they may import each other
        done = subprocess.run([sys.executable, "-W", "ignore", ROOT / "test" / STORY, "list", ROOT / "test" / file],
                              stdout=subprocess.PIPE, check=True, text=True)
        told[file] = next(iter(json.loads(done.stdout).values()))
    return told


def choose(wanted, root, long):
    """The jobs of these stages, and how many cases are left to a long run."""
    both = root and "user" in wanted
    stages = [stage for stage in FOLDERS if stage in wanted and (stage != "user" or both)]
    told = known(sorted({folder for stage in stages for folder in FOLDERS[stage]}))
    jobs, left_out = [], 0
    for stage in stages:
        account = "user" if stage == "user" or not root else "root"
        for file in (file for file in told if file.split("/")[0] in FOLDERS[stage]):
            able = [case for case in told[file] if not both or account in case["accounts"]]
            chosen = [case for case in able if long or taken(case, account, both)]
            left_out += len(able) - len(chosen)
            for kind in dict.fromkeys(case["class"] for case in chosen):
                jobs.append(Job(stage, account, file, kind, [case["name"] for case in chosen if case["class"] == kind]))
    return jobs, left_out


def taken(case, account, both):
    """In a short run. Alone, an account runs what the other would."""
    return account in case["short_run"] if both else bool(case["short_run"])


def run_all(tally, jobs, accounts, long):
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as threads:
        list(threads.map(lambda job: run(tally, job, accounts[job.account], long), jobs))


def run(tally, job, account, long):
    words = [*account.prefix, sys.executable, "-W", "ignore", account.tests / STORY, "run", account.tests / job.file]
    with tempfile.TemporaryFile("w+") as results, tally.timed(job.stage, job.file):
        env = account.env | {"BANGER_STORY_RESULTS": str(results.fileno()), "BANGER_LONG": "1" if long else ""}
        try:
            done = subprocess.run([*words, *job.cases], cwd="/", env=env, pass_fds=[results.fileno()], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=DEADLINE)
            output, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace"), f"no end within {DEADLINE} s"
        results.seek(0)
        told = [json.loads(line) for line in results]
    with printing:
        say(f"{job.stage}: {job.file} {job.kind}, as {job.account}")
        print(output, flush=True)
        for each in told:
            tally.add(job.stage, job.file, each["name"], each["outcome"], each["why"], each["seconds"])
        if status != 0 or not told:
            tally.add(job.stage, job.file, job.kind, FAILED, f"ended with {status}")
