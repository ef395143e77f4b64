"""What the CLI and end-to-end tests share: a banger with its own home, and ways to look at what it leaves behind.

The binary and the shared images come from the environment (scripts/test sets them):
  BANGER_BIN    directory with banger, bangerd, bangerd-root, banger-agent
  BANGER_DATA   an XDG_DATA_HOME with the kernel and the default image already made (optional)
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

BIN = pathlib.Path(os.environ.get("BANGER_BIN", pathlib.Path(__file__).resolve().parents[2] / "build" / "src"))
DATA = os.environ.get("BANGER_DATA")
IMAGE = "debian-bookworm"
KERNEL = "debian-cloud"


class Banger:
    """One user of banger: an own home, an own daemon. `prefix`: what every command is run by, like `ip netns exec`;
    `user`: as whom, behind that."""

    def __init__(self, data=None, state=None, config="", prefix=(), user=None):
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
            (path / "config.toml").write_text(config)

    def chown_home(self):
        """What root put into the home becomes its user's."""
        if self.user:
            subprocess.run(["chown", "-R", f"{self.user}:", self.root], check=True)

    @property
    def state(self):
        return pathlib.Path(self.env["XDG_STATE_HOME"]) / "banger"

    def popen(self, *args, **kwargs):
        return subprocess.Popen([*self.prefix, str(BIN / "banger"), *args], env=self.env, **kwargs)

    def run(self, *args, timeout=180, stdin=b"", text=True):
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
        """The live daemon's pid, or None. Never starts one."""
        try:
            pid = int((self.state / "run" / "bangerd.lock").read_text())
            argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"bangerd" in argv else None

    def kill_daemon(self):
        """kill -9, and wait until the kernel has let go of it."""
        pid = self.daemon_pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), f"daemon {pid} to end")

    def machines(self):
        """Pids of VMM processes that work in this user's VM directories."""
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
        # Builds that were cut short are their user's, not this home's.
        return [item for item in self.json("gc", "--dry-run") if item["kind"] != "build"]

    def destroy(self):
        """Ends what the test left and removes the home."""
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
    """Any thread of it: a leader that has ended leaves the files open as long as another one runs."""
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
    """A port of 127.0.0.1 that is free for TCP and was a moment ago for UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", udp.getsockname()[1]))
        return udp.getsockname()[1]


def wait_until(condition, what, timeout=180):
    """Polls a condition; the time limit only bounds a failing test."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout} s for {what}")


def clock_error(read):
    """By how many seconds the clock that `read` asks is off, at least. However long the asking takes, that is no
    error."""
    begun = time.time()
    told = read()
    return max(0.0, begun - told, told - time.time())


class Case(unittest.TestCase):
    """A test with a Banger of its own that shares the ready-made images."""

    needs_images = True
    config = "templates = false\n"  # most tests are about one VM, which boots sooner than a template is made

    def setUp(self):
        if self.needs_images and not DATA:
            self.skipTest("no images: BANGER_DATA is not set")
        self.b = Banger(data=DATA if self.needs_images else None, config=self.config)
        self.addCleanup(self.b.destroy)

    def fails(self, code, *args, says=(), **kwargs):
        """Runs and expects this exit code and these texts on stderr; nothing on stdout."""
        done = self.b.run(*args, **kwargs)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done

    def assert_nothing_left(self, vms=()):
        """No process, directory or leftover beyond those of the named VMs."""
        self.assertEqual(len(self.b.vm_dirs()), len(vms), self.b.vm_dirs())
        if not vms:
            self.assertEqual(self.b.machines(), [])
        self.assertEqual(self.b.leftovers(), [])


class SharedCase(Case):
    """Its tests share one Banger, so that its templates are made once."""

    @classmethod
    def setUpClass(cls):
        if DATA:
            cls.shared = Banger(data=DATA, config=cls.config)
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


SHAPE = ("--vcpu", "1", "--memory", "512M")
CLOCK_SLACK = 5  # seconds; a clock that was not set is off by the age of what the guest came from


class ShapedCase(SharedCase):
    """VMs of one shape, so that one template is enough, and their snapshots."""

    def clean(self):
        for snapshot in self.b.json("vm", "snapshot", "list"):
            self.b.run("vm", "snapshot", "delete", snapshot["id"])
        super().clean()

    def create(self, name, *more):
        return self.b.json("vm", "create", "--name", name, *SHAPE, *more)

    def sh(self, vm, script):
        return self.b.ok("vm", "exec", vm, "--", "sh", "-c", script)

    def assert_right_time(self, vm):
        error = clock_error(lambda: int(self.sh(vm, "date +%s%N")) / 1e9)
        self.assertLess(error, CLOCK_SLACK)
