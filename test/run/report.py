"""The end of a run: seconds and cases per stage and file, the slowest stories, and what failed or was skipped."""
from tally import FAILED, PASSED, SKIPPED

SLOWEST = 5


def table(tally):
    groups = {(result.stage, result.group): [] for result in tally.results} | {key: [] for key in tally.spent}
    for result in tally.results:
        groups[result.stage, result.group].append(result)
    stages = list(dict.fromkeys(stage for stage, _ in groups))
    yield f"{'seconds':>9} {'cases':>6}  stage"
    for stage in stages:
        inside = [key for key in groups if key[0] == stage]
        seconds, cases = sum(tally.spent[key] for key in inside), sum(len(groups[key]) for key in inside)
        yield f"{seconds:9.1f} {cases:6}  {stage}"
        for key in sorted(inside, key=lambda key: -tally.spent[key]):
            yield f"{tally.spent[key]:9.1f} {len(groups[key]):6}      {key[1]}"


def slowest(tally):
    ranked = sorted(tally.results, key=lambda result: -result.seconds)[:SLOWEST]
    return [f"{result.seconds:9.1f}  {result.stage}: {result.group}: {result.case}" for result in ranked
            if result.seconds]


def write(tally, seconds, left_out):
    """Prints the whole report. The last line is the result."""
    print("\n".join(table(tally)))
    print("Stages may run at the same time, so their seconds can add up to more than the run took.")
    print("\nslowest:", *slowest(tally), sep="\n")
    print(f"\nThe run took {seconds:.0f} s.")
    if left_out:
        print(f"{left_out} cases did not run; scripts/test --long runs all.")
    for outcome in (SKIPPED, FAILED):
        for result in tally.of(outcome):
            print(f"{outcome}: {result}")
    counts = {outcome: len(tally.of(outcome)) for outcome in (PASSED, FAILED, SKIPPED)}
    print(f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[SKIPPED]} skipped", flush=True)
