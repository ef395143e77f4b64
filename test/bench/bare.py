"""Bare QEMU, for comparison: the command line of one of banger's machines, with copies of its disks, without banger."""
import concurrent.futures
import copy
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from link import Link

DISKS = ("system.img", "work.img")
MODULES = "modules.img"  # Nobody writes to this file. banger opens it through a hard link, and so does this program.


class Pattern:
    """The command line, disks and saved state of a running VM of banger. `state` is banger's state directory."""

    def __init__(self, state, vm):
        self.state = pathlib.Path(state)
        self.directory = pathlib.Path(vm["directory"])
        self.argv = pathlib.Path(f"/proc/{vm['pid']}/cmdline").read_bytes().decode().split("\0")[:-1]
        initrd = self.directory / "initrd.img"
        self.initrd = initrd.read_bytes() if "-initrd" in self.argv else None
        self.save = self._save()
        self.token = self._column("saves", self.save.name) if self.save else self._column("vms", vm["id"])
        self.disks = self.save  # None for a machine that boots; then prepare() needs the directory of fresh disks

    def on(self, save):
        """Returns this machine, but continuing from another of its saved states."""
        other = copy.copy(self)
        other.argv = [word.replace(str(self.save), str(save)) for word in self.argv]
        other.save = other.disks = pathlib.Path(save)
        other.token = self._column("saves", other.save.name)
        return other

    def _save(self):
        """Returns the directory of the saved state that the VM continued from, or None if it booted."""
        if "-incoming" not in self.argv:
            return None
        memory = self.argv[self.argv.index("-object") + 1].split("mem-path=")[1].split(",")[0]
        return pathlib.Path(memory).parent

    def _column(self, table, row):
        db = sqlite3.connect(f"file:{self.state}/banger.db?mode=ro", uri=True)
        try:
            token = db.execute(f"SELECT link_token FROM {table} WHERE id = ?", (row,)).fetchone()[0]
        finally:
            db.close()
        return bytes.fromhex(token)


class Qmp:
    """A QMP client. QEMU inherits the listening socket, so a client can connect and send before QEMU reads."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                raise RuntimeError(f"QEMU ended at {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def cont(self):
        """Starts the guest, and waits until QEMU has loaded the saved state, as banger's driver does."""
        self.execute("cont")
        while self.execute("query-status")["status"] == "inmigrate":
            time.sleep(0.001)

    def close(self):
        self.lines.close()
        self.socket.close()


def listener(path):
    """Returns a listening socket whose number cannot collide with the descriptor numbers that QEMU inherits."""
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen(1)
        return fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 16)


def spawn(argv, log, fds):
    """Starts a process with these descriptors: {number in the process: number here}. Returns its pid."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in fds.items()]
    return os.posix_spawnp(argv[0], argv, {"PATH": os.environ["PATH"], "LC_ALL": "C"}, file_actions=actions)


class Bare:
    """One machine made from a pattern. Call prepare(), then start() or run(), then end()."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.pid = None

    def prepare(self, disks=None):
        """Copies the disks as banger does. This is not part of the measured time."""
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="bare-"))
        if self.pattern.initrd:
            (self.place / "initrd.img").write_bytes(self.pattern.initrd)
        for name in DISKS:
            source = pathlib.Path(disks or self.pattern.disks) / name
            subprocess.run(["cp", "--reflink=auto", "--sparse=always", source, self.place / name], check=True)
        if (modules := pathlib.Path(disks or self.pattern.disks) / MODULES).exists():
            subprocess.run(["cp", "--link", modules, self.place / MODULES], check=True)
        # banger starts QEMU in the VM's directory. Machines that run at the same time cannot share a directory.
        here = {"initrd.img": str(self.place / "initrd.img")}
        self.argv = [here.get(word, word).replace(str(self.pattern.directory), str(self.place))
                     .replace("path=console.log", f"path={self.place}/console.log") for word in self.pattern.argv]
        return self

    def start(self):
        """Starts QEMU and returns when the guest runs."""
        fds = {3: listener(self.place / "qmp"), 4: listener(self.place / "link")}
        if self.pattern.save:
            state = os.open(self.pattern.save / "devices.state", os.O_RDONLY | os.O_CLOEXEC)
            fds[5] = fcntl.fcntl(state, fcntl.F_DUPFD_CLOEXEC, 16)
            os.close(state)
        self.pid = spawn(self.argv, self.place / "qemu.log", fds)
        for fd in fds.values():
            os.close(fd)
        try:
            qmp = Qmp(self.place / "qmp")
            qmp.cont()
            qmp.close()
        except (OSError, RuntimeError) as error:
            raise RuntimeError(f"bare QEMU: {error}: {(self.place / 'qemu.log').read_text().strip()}") from error

    def run(self, argv=("echo", "hi"), began=None):
        """Starts the machine and runs a command. Returns the milliseconds from `began` to the agent's answer and to the
        command's first byte. `began` defaults to the start of the process."""
        began = began or time.perf_counter()
        self.start()
        link = Link(self.place / "link", self.pattern.token)
        answered = time.perf_counter()
        out, first = link.run(list(argv))
        link.close()
        if not out:
            raise RuntimeError("the command in the bare guest printed nothing")
        return (answered - began) * 1000, (first - began) * 1000

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None
        shutil.rmtree(self.place, ignore_errors=True)


def pss(pid):
    """Returns the proportional set size of a process, in bytes (proc(5))."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def once(pattern, disks=None):
    """Makes, runs and removes one bare machine. Returns the times of Bare.run()."""
    return at_once(pattern, 1, disks)[0]


def at_once(pattern, count, disks=None):
    """Does the same for `count` machines at once. Returns the times of each, measured from the start of the first."""
    machines = [Bare(pattern).prepare(disks) for _ in range(count)]
    try:
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            return list(threads.map(lambda machine: machine.run(began=began), machines))
    finally:
        for machine in machines:
            machine.end()
