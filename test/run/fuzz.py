"""Runs each fuzz target for BANGER_FUZZ_SECONDS seconds. The default depends on whether the run is short or long."""
import base64
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import build
from place import CHECKED, ROOT, say

SHORT, LONG = 4, 120
INPUT_BYTES = 8192  # of an input that is printed; most are far shorter


def fuzz(tally, options):
    seconds = int(os.environ.get("BANGER_FUZZ_SECONDS", LONG if options.long else SHORT))
    build.checked(tally, "fuzz")
    say(f"fuzz targets, {seconds} s each")
    targets = [exe for exe in sorted((CHECKED / "test/fuzz").glob("fuzz_*")) if exe.is_file()]
    tally.check("fuzz", "build", "there are fuzz targets", targets)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(lambda exe: run(tally, exe, seconds), targets))


def told(path):
    """Describes an input that caused a fault. The run removes the file, and nobody may find the input again."""
    content = path.read_bytes()
    return f"\n{path.name}, in base64: {base64.b64encode(content[:INPUT_BYTES]).decode()}"


def run(tally, exe, seconds):
    with tempfile.TemporaryDirectory() as scratch, tally.timed("fuzz", exe.name):
        corpus = pathlib.Path(scratch) / "corpus"
        seeds = ROOT / "test/fuzz/seeds" / exe.name
        shutil.copytree(seeds, corpus) if seeds.exists() else corpus.mkdir()
        limits = [f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=3000"]
        done = subprocess.run([exe, *limits, "-print_final_stats=1", corpus], cwd=scratch, capture_output=True,
                              text=True,
                              errors="replace")
        inputs = [told(path) for path in pathlib.Path(scratch).iterdir() if path.is_file()]
    runs = re.search(r"number_of_executed_units:\s*([1-9]\d*)", done.stderr)
    tally.check("fuzz", exe.name, "no input causes a fault", done.returncode == 0 and runs,
                done.stderr[-4000:] + "".join(inputs))
    print(f"{exe.name}: {runs[1] if runs else 0} runs", flush=True)
