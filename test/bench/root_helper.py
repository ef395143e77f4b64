"""A root helper of its own: what one operation takes, and what the helper weighs. Only root can start one."""
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
            raise RuntimeError("the root helper refused")


def resident_kib(pid):
    return next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS"))


def measure():
    """Milliseconds of operations, and MiB resident afterwards; None when this is not root."""
    if os.geteuid() != 0:
        return None
    with running() as (helper, path):
        times = [timed(lambda: ask(path)) for _ in range(OPERATIONS)]
        return times, resident_kib(helper.pid) / 1024
