"""Sends SIGKILL at an exact step: strace ends a process at its Nth system call of one kind, so timing plays no role."""
import shutil
import subprocess

from harness import BIN, listens, wait_until
from marks import stride

SETTLED = ("running", "stopped", "suspended")


def skip_reason():
    """Returns why these tests cannot run here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


def strace_prefix(calls, number, children=False):
    """Returns a command prefix under which a command gets SIGKILL at call `number` of the system calls `calls`.

    With `children`, child processes are killed too. Each process counts its own calls."""
    return ["strace", *["-f"] * children, "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={calls}:signal=SIGKILL:when={number}"]


class Daemon:
    """A daemon that dies at commit number `number` of its store.

    At that moment the commit is on disk, and the work that the commit announces has not begun. strace traces only the
    first thread, which makes all commits."""

    def __init__(self, banger, number):
        self.b = banger
        banger.ok("daemon", "stop")
        self.process = subprocess.Popen([*banger.prefix, *strace_prefix("fdatasync", number), str(BIN / "bangerd")],
                                        env=banger.env, cwd="/",
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.died() or listens(banger.state / "run/bangerd.sock"), "the daemon to listen")

    def died(self):
        return self.process.poll() is not None

    def end(self):
        if not self.died():
            self.b.ok("daemon", "stop")
        self.process.wait(timeout=180)


class KilledAtEachCommit:
    """A mixin for a test case with a Banger `b`. It kills the daemon at the first commit, then at the second, and so
    on, until the commands complete."""

    def settled_vms(self):
        """Starts a new daemon and waits until no VM is in transition. Returns {name: state}."""
        wait_until(lambda: all(vm["state"] in SETTLED for vm in self.b.json("vm", "list")), "the VMs to settle")
        vms = {vm["name"]: vm["state"] for vm in self.b.json("vm", "list")}
        self.assertEqual(len(self.b.machines()), list(vms.values()).count("running"))
        self.assertEqual(self.b.leftovers(), [])
        return vms

    def kill_at_each_commit(self, prepare, commands, check, every=1):
        """Runs the commands again and again, and kills the daemon one commit later each time, until they complete.

        `prepare` runs before the commands, and `check` gets {name: state} after each kill. With `every` 3 only the
        first, fourth, seventh… commit is tried; other stories cover the rest. A short run tries a third of them."""
        for number in range(1, 200, stride(every)):
            prepare()
            daemon = Daemon(self.b, number)
            self.addCleanup(daemon.end)
            completed = not daemon.died() and all(self.b.run(*command).returncode == 0 for command in commands)
            if not completed:
                wait_until(daemon.died, "the daemon to be killed, the only acceptable reason for a failed command")
            daemon.end()
            with self.subTest(commit=number):
                check(self.settled_vms())
            if completed:
                self.assertGreater(number, len(commands))
                print(f"fewer than {number} commits")
                return
        self.fail("the commands never completed")
