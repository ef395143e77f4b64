"""kill -9 at the very step: strace ends a process at the Nth call of a kind it makes, so that no moment is left to chance."""
import shutil
import subprocess

from harness import BIN, wait_until


def why_not():
    """What is missing for these tests, or None."""
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


def at(calls, number, children=False):
    """What a command is run by to end, with SIGKILL, at such a call of its: the one with that number. `children`: they too, counted each for itself."""
    return ["strace", *["-f"] * children, "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when={number}"]


class Daemon:
    """A daemon that dies at commit number `number` of its store: what the commit says is written then, its effect not begun.
    All commits are the first thread's, the only one that is traced."""

    def __init__(self, banger, number):
        self.b = banger
        banger.ok("daemon", "stop")
        self.process = subprocess.Popen([*banger.prefix, *at("fdatasync", number), str(BIN / "bangerd")], env=banger.env, cwd="/",
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.died() or (banger.state / "run" / "bangerd.sock").exists(), "the daemon to listen")

    def died(self):
        return self.process.poll() is not None

    def end(self):
        if not self.died():
            self.b.ok("daemon", "stop")
        self.process.wait(timeout=60)
