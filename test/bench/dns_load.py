"""Sends DNS queries from one socket at a given rate, and measures how long each answer takes.

Queries are numbered, so that each answer can be matched with its query."""
import collections
import gc
import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import dns  # noqa: E402

# rate: answers a second; processor_us: the server's processor time for each answer
Round = collections.namedtuple("Round", "rate p99_ms lost processor_us")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile_99(values):
    return sorted(values)[max(-(-99 * len(values) // 100), 1) - 1]


class Load:
    def __init__(self, server, name):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.connect(server)
        self.socket.setblocking(False)
        self.question = dns.query(name, identity=b"")

    def run(self, pid, rate, seconds):
        """Sends `rate` queries a second for `seconds` seconds. `pid` is the server's process."""
        gc.collect()
        gc.freeze()  # Pauses for garbage collection would count as the server's time.
        total = int(rate * seconds)
        sent, taken, number = {}, [], 0
        used, began = processor_seconds(pid), time.perf_counter()
        deadline = began + seconds + 2
        while (number < total or sent) and time.perf_counter() < deadline:
            due = min(total, int((time.perf_counter() - began) * rate) + 1)
            # Query numbers have 16 bits. A sender that falls behind catches up in bursts of limited size.
            for _ in range(min(due - number, 256)):
                sent[number & 0xffff] = time.perf_counter()
                self.socket.send((number & 0xffff).to_bytes(2, "big") + self.question)
                number += 1
            self._take(sent, taken)
        lasted = time.perf_counter() - began
        return Round(len(taken) / lasted, percentile_99(taken) * 1000, total - len(taken),
                     (processor_seconds(pid) - used) / max(len(taken), 1) * 1e6)

    def _take(self, sent, taken):
        while True:
            try:
                answer = self.socket.recv(512)
            except BlockingIOError:
                return
            asked = sent.pop(int.from_bytes(answer[:2], "big"), None)
            if asked is not None and answer[3] & 15 == 0:
                taken.append(time.perf_counter() - asked)
