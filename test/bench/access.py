"""The ways into a guest: keystrokes of a terminal, and a long stream through the daemon."""
import os
import pathlib
import pty
import subprocess
import threading
import time

KEYS = 30
STREAM_MIB = 1024


class Terminal:
    """A command of banger on a terminal of its own, whose guest echoes keys."""

    def __init__(self, host, *words):
        self.end, other = pty.openpty()
        self.process = host.popen(*words, stdin=other, stdout=other, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(other)
        self.read_until(b"ready")

    def read_until(self, text):
        seen = b""
        while text not in seen:
            seen += os.read(self.end, 4096)

    def echoes(self):
        """Returns the milliseconds from a key to its echo, for several keys."""
        times = []
        for number in range(KEYS):
            key = bytes([ord("a") + number % 26])
            began = time.perf_counter()
            os.write(self.end, key)
            self.read_until(key)
            times.append((time.perf_counter() - began) * 1000)
        return times

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.end)


def resident(pid):
    """Returns the MiB of memory that the process has now."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


class Peak:
    """The largest memory of a process while the block runs."""

    def __init__(self, pid):
        self.pid, self.mib, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.02):
            self.mib = max(self.mib, resident(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def stream(host, vm):
    """Reads a long output of a command. Returns the seconds."""
    words = ("vm", "exec", vm, "--", "head", "-c", f"{STREAM_MIB}M", "/dev/zero")
    began = time.perf_counter()
    with host.popen(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        left = STREAM_MIB * 2**20
        while piece := process.stdout.read1(1 << 20):
            left -= len(piece)
    if process.returncode or left:
        raise RuntimeError(f"the stream ended with {process.returncode}, {left} bytes are missing")
    return time.perf_counter() - began
