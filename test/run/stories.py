"""Runs stories: the Python tests of test/cli, test/e2e and test/net, with the real binary and real guests.

Each test class is one job, so that the fixtures shared by its cases are made once. Two jobs run at a time for each
processor, because about half of a story is waiting."""
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
DEADLINE, LONG_DEADLINE = 1800, 5400  # seconds for one class
FOLDERS = {"net": ["net"], "e2e": ["e2e"], "cli": ["cli"],
           "user": ["e2e", "cli"]}  # the order of the run: the longest stages first
printing = threading.Lock()

Job = collections.namedtuple("Job", "stage account file test_class cases")


def list_cases(folders):
    """Lists the cases of all files in these folders with story.py: {file: [case, …]}."""
    files = [f"{folder}/{path.name}" for folder in folders
             for path in sorted((ROOT / "test" / folder).glob("test_*.py"))]
    cases = {}
    for file in files:  # one process for each file, because the files may import each other
        done = subprocess.run([sys.executable, "-W", "ignore", ROOT / "test" / STORY, "list", ROOT / "test" / file],
                              stdout=subprocess.PIPE, check=True, text=True)
        cases[file] = next(iter(json.loads(done.stdout).values()))
    return cases


def choose(wanted, root, long):
    """Returns the jobs of these stages, and how many cases only a long run would run."""
    both = root and "user" in wanted
    stages = [stage for stage in FOLDERS if stage in wanted and (stage != "user" or both)]
    cases = list_cases(sorted({folder for stage in stages for folder in FOLDERS[stage]}))
    jobs, left_out = [], 0
    for stage in stages:
        account = "user" if stage == "user" or not root else "root"
        for file in (file for file in cases if file.split("/")[0] in FOLDERS[stage]):
            possible = [case for case in cases[file] if not both or account in case["accounts"]]
            chosen = [case for case in possible if long or in_short_run(case, account, both)]
            left_out += len(possible) - len(chosen)
            for name in dict.fromkeys(case["class"] for case in chosen):
                jobs.append(Job(stage, account, file, name, [case["name"] for case in chosen if case["class"] == name]))
    return jobs, left_out


def in_short_run(case, account, both):
    """Whether this account runs the case in a short run. If there is only one account, it runs all cases of both."""
    return account in case["short_run"] if both else bool(case["short_run"])


def run_all(tally, jobs, accounts, long):
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as threads:
        list(threads.map(lambda job: run(tally, job, accounts[job.account], long), jobs))


def run(tally, job, account, long):
    words = [*account.prefix, sys.executable, "-W", "ignore", account.tests / STORY, "run", account.tests / job.file]
    deadline = LONG_DEADLINE if long else DEADLINE
    with tempfile.TemporaryFile("w+") as results, tally.timed(job.stage, job.file):
        env = account.env | {"BANGER_STORY_RESULTS": str(results.fileno()), "BANGER_LONG": "1" if long else ""}
        try:
            done = subprocess.run([*words, *job.cases], cwd="/", env=env, pass_fds=[results.fileno()], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=deadline)
            output, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace"), f"timeout after {deadline} s"
        results.seek(0)
        outcomes = [json.loads(line) for line in results]
    with printing:
        say(f"{job.stage}: {job.file} {job.test_class}, as {job.account}")
        print(output, flush=True)
        for each in outcomes:
            tally.add(job.stage, job.file, each["name"], each["outcome"], each["why"], each["seconds"])
        if status != 0 or not outcomes:
            tally.add(job.stage, job.file, job.test_class, FAILED, f"ended with {status}")
