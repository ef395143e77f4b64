"""What a guest loses beside a hostile one: its processor, and the round trips of its commands."""
import contextlib
import statistics
import subprocess
import time

# Each runs in the hostile guest until it is killed.
HOSTILE = {
    "a fork bomb": "bomb() { bomb | bomb & }; while :; do bomb; sleep 0.1; done",
    "a disk filler": "while :; do dd if=/dev/zero of=/root/fill bs=1M count=256 conv=fsync 2>/dev/null; done",
    "a memory hog": "while :; do head -c 2G /dev/zero | tail; done",
    "a packet flood": "exec 3>/dev/udp/10.0.2.2/9; p=$(printf %1400s); "
                      "while :; do printf %s \"$p\" >&3; done 2>/dev/null",
}
LOOP_SECONDS, TRIPS, WARM_UP_SECONDS = 4, 12, 3
LOOP = "i=0; trap 'echo $i; exit 0' TERM; while :; do i=$((i+1)); done"


def loop_rate(host, vm):
    """Returns how often a shell in the guest goes through a loop in a second of the guest's clock."""
    done = host.run("vm", "exec", vm, "--", "timeout", str(LOOP_SECONDS), "bash", "-c", LOOP)
    return int(done.stdout.split()[0]) / LOOP_SECONDS


def trip_rate(host, vm):
    """Returns the commands a second that one client runs in the guest, one after the other."""
    return 1000 / statistics.median(host.time("vm", "exec", vm, "--", "/bin/true") for _ in range(TRIPS))


@contextlib.contextmanager
def hostile(host, vm, script):
    """Lets the guest work against others meanwhile. It starts anew afterwards, because it may be beyond repair."""
    host.ok("vm", "session", "start", vm, "--", "bash", "-c", script)
    time.sleep(WARM_UP_SECONDS)
    try:
        yield
    finally:
        host.ok("vm", "kill", vm)
        host.ok("vm", "start", vm)


@contextlib.contextmanager
def busy_process():
    """Lets a process of the host use one processor meanwhile."""
    process = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def loss_percent(alone, beside):
    return 100 * (1 - beside / alone)
