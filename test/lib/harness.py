"""Shared parts of the CLI and end-to-end tests: a banger with its own home, and checks for what it leaves behind.

The binary and the shared images come from the environment, which scripts/test sets:
  BANGER_BIN    directory with banger, bangerd, bangerd-root and banger-agent
  BANGER_DATA   an XDG_DATA_HOME that already has the kernel and the default image (optional)
  BANGER_SEED   a state directory with a template, see seed.py (optional)
  BANGER_EXTRAS a directory with what only long stories need, see extras.py (optional)
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import seed

BIN = pathlib.Path(os.environ.get("BANGER_BIN", pathlib.Path(__file__).resolve().parents[2] / "build" / "src"))
DATA = os.environ.get("BANGER_DATA")
IMAGE = "debian-bookworm"
KERNEL = "debian-cloud"
SHAPE = seed.SHAPE


# On a busy host a guest may need minutes to become ready. The stories are about what happens, not about how soon.
PATIENT = 'ready_timeout = "10m"\n'


class Banger:
    """One user of banger, with a home and a daemon of their own.

    `prefix` is put before every command, for example `ip netns exec NAME`. `user` is the account that runs the
    commands; the default is the current one. `seeded` homes begin with a template of SHAPE, if the run has made one."""

    def __init__(self, data=None, state=None, config="", prefix=(), user=None, seeded=False):
        self.user = user
        self.prefix = list(prefix)
        if user:
            self.prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs"]
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="banger-test-"))
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_STATE_HOME": str(state or self.root / "state"),
            "XDG_DATA_HOME": str(data or self.root / "data"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }

        if config:
            path = self.root / "config" / "banger"
            path.mkdir(parents=True)
            (path / "config.toml").write_text(PATIENT + config)
        if seeded:
            seed.plant(self.state)

    def chown_home(self):
        """Gives files that root has created in the home to its user."""
        if self.user:
            subprocess.run(["chown", "-R", f"{self.user}:", self.root], check=True)

    @property
    def state(self):
        return pathlib.Path(self.env["XDG_STATE_HOME"]) / "banger"

    def popen(self, *args, **kwargs):
        return subprocess.Popen([*self.prefix, str(BIN / "banger"), *args], env=self.env, **kwargs)

    def run(self, *args, timeout=900, stdin=b"", text=True):
        done = subprocess.run([*self.prefix, str(BIN / "banger"), *args], env=self.env, timeout=timeout,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if text:
            done.stdout = done.stdout.decode(errors="surrogateescape")
            done.stderr = done.stderr.decode(errors="surrogateescape")
        return done

    def ok(self, *args, **kwargs):
        done = self.run(*args, **kwargs)
        if done.returncode != 0:
            raise AssertionError(f"banger {' '.join(args)}: exit {done.returncode}\nstdout: {done.stdout}\nstderr: "
                                 f"{done.stderr}\n"
                                 f"log: {self.log()[-3000:]}")
        return done.stdout

    def json(self, *args, **kwargs):
        return json.loads(self.ok(*args, "--json", **kwargs))

    def log(self):
        try:
            return (self.state / "bangerd.log").read_text(errors="replace")
        except OSError:
            return ""

    def daemon_pid(self):
        """Returns the pid of the running daemon, or None. Never starts a daemon."""
        try:
            pid = int((self.state / "run" / "bangerd.lock").read_text())
            argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"bangerd" in argv else None

    def kill_daemon(self):
        """Sends SIGKILL to the daemon and waits until the process has ended."""
        pid = self.daemon_pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), f"daemon {pid} to end")

    def machines(self):
        """Returns the pids of VMM processes, which are those that run in one of this user's VM directories."""
        root = str(self.state / "vms") + "/"
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                cwd = os.readlink(entry / "cwd")
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if cwd.removesuffix(" (deleted)").startswith(root) and state not in "ZX":
                found.append(int(entry.name))
        return found

    def vm_dirs(self):
        path = self.state / "vms"
        return sorted(p.name for p in path.iterdir()) if path.exists() else []

    def leftovers(self):
        """Returns what `banger gc` would remove, except interrupted builds: those are shared by all homes of a user."""
        return [item for item in self.json("gc", "--dry-run") if item["kind"] != "build"]

    def destroy(self):
        """Stops everything that the test left running, and removes the home."""
        try:
            self.run("vm", "delete", "--force", *[vm["name"] for vm in self.json("vm", "list")], timeout=180)
        except (AssertionError, ValueError, KeyError, subprocess.TimeoutExpired):
            pass
        try:
            self.run("daemon", "stop", timeout=180)
        except subprocess.TimeoutExpired:
            pass
        self.kill_daemon()
        for pid in self.machines():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


def alive(pid):
    """Whether any thread of the process is alive.

    After the thread group leader has ended, files stay open as long as another thread runs."""
    def ended(thread):
        try:
            return (thread / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return True
    try:
        return not all(ended(thread) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False


def free_port():
    """Returns a port of 127.0.0.1 that is free for TCP and UDP. Another process may take it before the caller does."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            if bindable(tcp, udp.getsockname()):
                return udp.getsockname()[1]


def bindable(tcp, address):
    try:
        tcp.bind(address)
        return True
    except OSError:  # a server or a connection has this number for TCP
        return False


def wait_until(condition, what, timeout=180):
    """Polls a condition. The time limit in seconds only bounds a failing test."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout} s for {what}")


def helper_starts(log):
    """Returns how often the root helper that writes to this log has begun to listen."""
    return log.read_text(errors="replace").count("helper.started") if log.exists() else 0


def listens(path):
    """Whether a process listens at the socket. Its file exists a moment before that."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def clock_error(read):
    """Returns the minimum error, in seconds, of the clock that `read` reads. A slow read does not count as an error."""
    begun = time.time()
    seconds = read()
    return max(0.0, begun - seconds, seconds - time.time())


class Case(unittest.TestCase):
    """A test with its own Banger, which uses the shared images."""

    needs_images = True
    config = "templates = false\n"  # most tests need one VM, and booting it is faster than building a template
    seeded = False

    def setUp(self):
        if self.needs_images and not DATA:
            self.skipTest("no images: BANGER_DATA is not set")
        self.b = Banger(data=DATA if self.needs_images else None, config=self.config, seeded=self.seeded)
        self.addCleanup(self.b.destroy)

    def fails(self, code, *args, says=(), **kwargs):
        """Runs a command and expects this exit code and these texts on stderr."""
        done = self.b.run(*args, **kwargs)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done

    def assert_nothing_left(self, vms=()):
        """Asserts that there is one directory for each named VM and no leftover; without VMs, also no VMM process."""
        self.assertEqual(len(self.b.vm_dirs()), len(vms), self.b.vm_dirs())
        if not vms:
            self.assertEqual(self.b.machines(), [])
        self.assertEqual(self.b.leftovers(), [])


class SeededCase(Case):
    """A test case whose guests of SHAPE are clones of a template that all stories share."""

    config = "pool_size = 0\n"
    seeded = True


class SharedCase(Case):
    """A test case whose tests share one Banger, so that its templates are built once."""

    @classmethod
    def setUpClass(cls):
        if DATA:
            cls.shared = Banger(data=DATA, config=cls.config, seeded=cls.seeded)
            cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        if not DATA:
            self.skipTest("no images: BANGER_DATA is not set")
        self.b = self.shared
        self.addCleanup(self.clean)

    def clean(self):
        names = [vm["name"] for vm in self.b.json("vm", "list")]
        if names:
            self.b.ok("vm", "delete", "--force", *names)


CLOCK_SLACK = 5  # seconds; a clock that was not set is off by the age of the guest's template or snapshot


class ShapedCase(SharedCase):
    """A shared case whose VMs have one shape, so that one template is enough. Snapshots are deleted after each test."""

    seeded, shape = True, SHAPE

    def clean(self):
        for snapshot in self.b.json("vm", "snapshot", "list"):
            self.b.run("vm", "snapshot", "delete", snapshot["id"])
        super().clean()

    def create(self, name, *more):
        return self.b.json("vm", "create", "--name", name, *self.shape, *more)

    def sh(self, vm, script):
        return self.b.ok("vm", "exec", vm, "--", "sh", "-c", script)

    def assert_right_time(self, vm):
        error = clock_error(lambda: int(self.sh(vm, "date +%s%N")) / 1e9)
        self.assertLess(error, CLOCK_SLACK)
