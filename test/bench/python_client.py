"""How long the Python client takes for a command: in a fresh VM of the ready pool, and in a VM that runs."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
from harness import BIN  # noqa: E402

import banger  # noqa: E402


def milliseconds(action):
    begun = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - begun)


def fresh(client):
    """Returns the milliseconds from the call for a VM to the output of a command in it."""
    begun = time.perf_counter()
    with client.vm() as vm:
        vm.run(["echo", "hi"])
        taken = 1000 * (time.perf_counter() - begun)
        if vm.info.way != "pool":
            raise RuntimeError(f"the VM came from '{vm.info.way}' instead of the ready pool")
    return taken


def measure(host, rounds):
    """Returns the milliseconds of each round: in fresh VMs of the ready pool, and in one VM."""
    client = banger.Client(binary=str(BIN / "banger"), env=host.env)
    host.configure(pool_size=1)
    with client.vm() as vm:  # the pool of a template starts to fill at the first use of the template
        vm.run(["true"])
        again = [milliseconds(lambda: vm.run(["true"])) for _ in range(rounds)]
    pooled = []
    for _ in range(rounds):
        host.wait_for_pool()
        pooled.append(fresh(client))
    host.configure(pool_size=0)
    return pooled, again
