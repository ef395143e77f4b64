"""Starts a separate root helper, and measures the time of an operation and the helper's memory. Needs root."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

from host import BIN, timed, wait_until

REQUEST = b'{"operation": "helper.version", "arguments": {}}\n'
OPERATIONS = 100


@contextlib.contextmanager
def running():
    with tempfile.TemporaryDirectory(prefix="banger-bench-") as place:
        place = pathlib.Path(place)
        place.chmod(0o755)
        config, path = place / "install.toml", place / "run/helper.sock"
        config.write_text('owner = "daemon"\n')
        config.chmod(0o644)
        helper = subprocess.Popen([BIN / "bangerd-root", "--config", config, "--socket", path],
                                  stderr=subprocess.DEVNULL)
        try:
            wait_until(path.exists, "the root helper")
            yield helper, str(path)
        finally:
            helper.terminate()
            helper.wait()


def ask(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(REQUEST)
        if b'"result"' not in connection.recv(65536):
            raise RuntimeError("the root helper refused the request")


def resident_kib(pid):
    return next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS"))


def measure():
    """Returns the milliseconds of each operation and the resident MiB afterwards, or None without root."""
    if os.geteuid() != 0:
        return None
    with running() as (helper, path):
        times = [timed(lambda: ask(path)) for _ in range(OPERATIONS)]
        return times, resident_kib(helper.pid) / 1024
