"""kill -9 at the very step: strace ends a process at the Nth call of a kind it makes, so that no moment is left to
chance."""
import shutil
import subprocess

from harness import BIN, wait_until
from marks import stride

SETTLED = ("running", "stopped", "suspended")


def skip_reason():
    """What is missing for these tests, or None."""
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


def strace_prefix(calls, number, children=False):
    """What a command is run by to end, with SIGKILL, at such a call of its: the one with that number. `children`: they
    too, counted each for itself."""
    return ["strace", *["-f"] * children, "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={calls}:signal=SIGKILL:when={number}"]


class Daemon:
    """A daemon that dies at commit number `number` of its store: what the commit says is written then, its effect not
    begun. All commits are the first thread's, the only one that is traced."""

    def __init__(self, banger, number):
        self.b = banger
        banger.ok("daemon", "stop")
        self.process = subprocess.Popen([*banger.prefix, *strace_prefix("fdatasync", number), str(BIN / "bangerd")],
                                        env=banger.env, cwd="/",
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.died() or (banger.state / "run" / "bangerd.sock").exists(), "the daemon to listen")

    def died(self):
        return self.process.poll() is not None

    def end(self):
        if not self.died():
            self.b.ok("daemon", "stop")
        self.process.wait(timeout=180)


class KilledAtEachCommit:
    """For a test case with a banger `b`, whose daemon is killed at the first commit of a story, the second… until it
    comes through."""

    def settled_vms(self):
        """The next command starts a daemon; waits until every VM it found is in a true state."""
        wait_until(lambda: all(vm["state"] in SETTLED for vm in self.b.json("vm", "list")), "the VMs to settle")
        vms = {vm["name"]: vm["state"] for vm in self.b.json("vm", "list")}
        self.assertEqual(len(self.b.machines()), list(vms.values()).count("running"))
        self.assertEqual(self.b.leftovers(), [])
        return vms

    def kill_at_each_commit(self, prepare, commands, check, every=1):
        """Kills at the first commit, the second… until the commands are through before one is reached. `every` 3: at
        the first, the fourth…, where other stories meet the same commits. A short run meets a third of them."""
        for number in range(1, 200, stride(every)):
            prepare()
            daemon = Daemon(self.b, number)
            self.addCleanup(daemon.end)
            through = not daemon.died() and all(self.b.run(*command).returncode == 0 for command in commands)
            if not through:
                wait_until(daemon.died, "the daemon to be killed, which is all that may have gone wrong")
            daemon.end()
            with self.subTest(commit=number):
                check(self.settled_vms())
            if through:
                self.assertGreater(number, len(commands))
                print(f"less than {number} commits")
                return
        self.fail("it never came through")
