"""Firecracker in jails, with an unprivileged owner, the root helper, and the stand-ins for the jailer and Firecracker.
The jails are real. The guest is the real agent, which runs outside the jail."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import BIN, Banger, alive, helper_starts, wait_until  # noqa: E402
import bare  # noqa: E402
import netns  # noqa: E402
from marks import for_both, for_root, sample  # noqa: E402
from test_helper import converse, fork_as  # noqa: E402

FAKES = pathlib.Path(__file__).resolve().parents[1] / "fakes"
PYTHON = "/usr/bin/python3"
OWNER = "daemon"  # every Debian has that user
ID = "0123456789abcdef" * 2
HOSTILE = "fedcba9876543210" * 2  # the jail of the class Hostile
CONFIG = 'templates = false\nmachine = "firecracker"\njailer_enabled = true\nfirecracker_bin = "{}"\nnetwork = "user"\n'


def skip_reason():
    if not os.path.exists(PYTHON):
        return f"the stand-ins need {PYTHON}, which can be mounted in a jail"
    if subprocess.run(["unshare", "--pid", "--mount", "--fork", "--mount-proc", "true"],
                      capture_output=True).returncode != 0:
        return "namespaces cannot be created here"
    return None


def cgroups():
    for line in open("/proc/mounts"):
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1]) / "banger"
    return None


def mounts_below(path):
    return [line for line in open("/proc/self/mounts") if str(path) in line]


class Place:
    """The parts of a system install that belong to root: programs, install.toml and the helper."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="banger-jail-"))
        self.dir.chmod(0o755)
        shutil.copytree(FAKES, self.dir / "fakes", ignore=shutil.ignore_patterns("__pycache__"))
        self.guests = self.dir / "guests"
        self.guests.mkdir()
        mounted = f"/usr:/bin:/lib:/lib64:{self.dir / 'fakes'}:{self.guests}"
        self.firecracker = self.script("firecracker", f"export BANGER_FAKE_GUESTS={self.guests}")
        self.jailer = self.script("jailer", f"export BANGER_FAKE_JAIL_DIRS={mounted}")
        self.socket = self.dir / "run" / "helper.sock"
        self.install, self.log = self.dir / "install.toml", self.dir / "log"
        self.helper = self.guest_server = None

    def script(self, name, line):
        path = self.dir / name
        path.write_text(f"#!/bin/sh\n{line}\nexec {PYTHON} {self.dir}/fakes/{name} \"$@\"\n")
        path.chmod(0o755)
        return path

    def start_guests(self):
        self.guest_server = subprocess.Popen([PYTHON, self.dir / "fakes/guests", BIN / "banger-agent", self.guests],
                                             start_new_session=True)
        wait_until((self.guests / "boot.sock").exists, "the guests' server")

    def start_helper(self, roots=(), more=None, prefix=()):
        self.socket.unlink(missing_ok=True)
        if more is None:
            more = f'jailer = "{self.jailer}"\nfirecracker = "{self.firecracker}"\n'
        self.install.write_text(f'owner = "{OWNER}"\nroots = {json.dumps([str(root) for root in roots])}\n{more}')
        self.install.chmod(0o644)
        starts = helper_starts(self.log)
        with open(self.log, "ab") as log:
            self.helper = subprocess.Popen([*prefix, BIN / "bangerd-root", "--config", self.install, "--socket",
                                            self.socket], stderr=log,
                                           stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: helper_starts(self.log) > starts, "the helper to listen")

    def helper_processes(self):
        """Returns the pids of the helper, of its handlers, which lead their own process groups, and of processes that
        will execute the jailer."""
        return [pid for pid, words in processes() if words[0].endswith("bangerd-root") and str(self.install) in words
                and alive(pid)]

    def kill_helper(self):
        if self.helper:
            while pids := self.helper_processes():
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.helper.poll()
            self.helper.wait()
            self.helper = None

    def destroy(self):
        self.kill_helper()
        if self.guest_server:
            self.guest_server.kill()
            self.guest_server.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, operation, arguments, user=OWNER):
        reader, writer = os.pipe()
        request = json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n"
        pid = fork_as(user, lambda: converse(self.socket, request, 0, writer))
        os.close(writer)
        with open(reader, "rb") as answers:
            answer = answers.read()
        os.waitpid(pid, 0)
        return json.loads(answer)


def processes():
    """Yields (pid, command line) of every process."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            except OSError:
                continue
            if words:
                yield int(entry.name), words


def jailed(token):
    return [pid for pid, words in processes() if token in words]


@for_root
class Jailed(bare.BareCase):
    """The life of VMs in jails, from create to delete."""

    @classmethod
    def make_banger(cls):
        if reason := skip_reason():
            raise unittest.SkipTest(reason)
        cls.place = Place()
        cls.addClassCleanup(cls.place.destroy)
        banger = Banger(config=CONFIG.format(cls.place.firecracker), user=OWNER)
        banger.env["BANGER_HELPER_SOCKET"] = str(cls.place.socket)
        cls.roots = [banger.root / "state/banger", banger.root / "data/banger"]
        cls.place.start_helper(cls.roots)
        cls.place.start_guests()
        return banger

    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)

    def create(self, name, *more):
        self.addCleanup(self.b.run, "vm", "delete", "--force", name)
        self.b.ok("vm", "create", "--name", name, "--image", "bare", "--no-nat", "--memory", "128M", "--disk-size",
                  "256M", *more)
        shown = self.b.json("vm", "show", name)
        return shown["pid"], pathlib.Path(shown["directory"])

    def leftovers(self):
        """Without the jail of the class Hostile, which may run at the same time: jails are the host's."""
        return [item for item in self.b.leftovers() if item["path"] != HOSTILE]

    def check_nothing_is_left(self):
        self.assertEqual(self.b.json("vm", "list"), [])
        self.assertEqual(self.b.vm_dirs(), [])
        self.assertEqual(self.leftovers(), [])
        self.assertEqual(mounts_below(self.b.root), [])
        program = str(self.place.dir / "fakes/firecracker")
        # The kernel kills a question to Firecracker's binary a moment after the daemon that asked.
        wait_until(lambda: not any(program in words for _, words in processes()), "Firecracker's processes to end")
        if cgroups() and cgroups().exists():
            self.assertEqual([each for each in cgroups().iterdir() if each.is_dir()], [])

    def test_a_guest_runs_in_a_jail_as_the_owner_and_leaves_nothing(self):
        pid, directory = self.create("one", "--vcpu", "2")
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "sh", "-c", "echo $((6*7))"), "42\n")
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":\t" in line)
        owner = pwd.getpwnam(OWNER)
        self.assertEqual(status["Uid"].split(), [str(owner.pw_uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(owner.pw_gid)] * 4)
        self.assertEqual(status["Groups"].split(), [])
        for powers in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status[powers], 16), 0)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        inside = set(os.listdir(f"/proc/{pid}/root"))
        mounted = {"usr", "bin", "lib", "lib64", "tmp"}
        self.assertEqual(inside - mounted,
                         {"api.sock", "dev", "disk0", "disk1", "disk2", "disk3", "firecracker", "firecracker.log",
                          "firecracker.pid", "initrd.img", "metrics.log", "run",
                                         "vmlinux", "vsock.sock"})
        self.assertTrue(os.path.samefile(f"/proc/{pid}/root/disk1", directory / "system.img"))
        self.assertIn("console=ttyS0", self.b.ok("vm", "logs", "one"))
        if cgroups():
            token = next(word for word in dict(processes())[pid] if len(word) == 32)
            group = cgroups() / token
            self.assertIn(str(pid), (group / "cgroup.procs").read_text().split())
            self.check_limits(group, vcpus=2, memory=128 << 20)
        self.b.ok("vm", "stop", "one")
        self.assertFalse((directory / "jail").exists())
        self.b.ok("vm", "start", "one")
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "again"), "again\n")
        self.b.ok("vm", "delete", "--force", "one")

    def check_limits(self, group, vcpus, memory):
        """Checks the limits of those controllers that this host's hierarchy has."""
        wanted = {"cpu.max": f"{vcpus * 100000} 100000", "memory.max": str(memory + (128 << 20)),
                  "pids.max": str(vcpus + 16)}
        for name, value in wanted.items():
            if (group / name).exists():
                self.assertEqual((group / name).read_text().strip(), value)

    def test_read_only_files_cannot_be_written_from_inside(self):
        pid, _ = self.create("one")
        flags = {line.split()[4]: line.split()[5].split(",") for line in open(f"/proc/{pid}/mountinfo")}
        self.assertIn("ro", flags["/vmlinux"])
        self.assertIn("ro", flags["/disk0"])
        for path in ("/disk1", "/firecracker.log"):
            self.assertIn("rw", flags[path])
        for path in ("/vmlinux", "/disk0", "/disk1", "/"):
            self.assertIn("nosuid", flags[path])
        self.assertNotIn(str(self.b.root), {path for path in flags})

    def test_a_new_daemon_adopts_the_machine(self):
        pid, _ = self.create("one")
        self.b.kill_daemon()
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "there"), "there\n")
        self.assertEqual(self.b.json("vm", "show", "one")["pid"], pid)
        self.b.ok("vm", "kill", "one")
        self.assertFalse(alive(pid))

    def test_a_daemon_with_jails_turned_off_still_removes_existing_jails(self):
        config = pathlib.Path(self.b.env["XDG_CONFIG_HOME"]) / "banger/config.toml"
        self.addCleanup(config.write_text, config.read_text())
        self.addCleanup(self.b.run, "daemon", "stop")
        pid, directory = self.create("one")
        self.b.ok("daemon", "stop")
        config.write_text(config.read_text().replace("jailer_enabled = true", "jailer_enabled = false"))
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "there"), "there\n")
        self.assertEqual(self.b.json("vm", "show", "one")["pid"], pid)
        self.b.ok("vm", "stop", "one")
        self.assertFalse((directory / "jail").exists())

    def test_a_leftover_in_place_of_a_jail_is_removed(self):
        _, directory = self.create("one")
        self.b.ok("vm", "stop", "one")
        (directory / "jail").mkdir()
        (directory / "jail" / "api.sock").write_text("root's")
        self.b.ok("vm", "start", "one")
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "there"), "there\n")

    def test_gc_finds_a_jail_without_a_vm(self):
        if not cgroups():
            self.skipTest("gc finds such jails in the cgroup v2 hierarchy, which this host does not have")
        (cgroups() / ID).mkdir(parents=True)
        self.assertEqual([(item["kind"], item["path"]) for item in self.leftovers()], [("jail", ID)])
        self.b.ok("gc")
        self.assertFalse((cgroups() / ID).exists())

    def test_a_machine_that_ended_while_no_daemon_ran_leaves_nothing(self):
        pid, directory = self.create("one")
        self.b.kill_daemon()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), "the machine to end")
        self.assertEqual(self.b.json("vm", "show", "one")["state"], "stopped")
        self.assertFalse((directory / "jail").exists())

    def test_the_machine_survives_the_helper_and_the_next_helper_cleans_up(self):
        pid, directory = self.create("one")
        self.place.kill_helper()
        self.assertTrue(alive(pid))
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "there"), "there\n")
        self.b.ok("vm", "kill", "one")
        self.assertFalse(alive(pid))
        self.assertTrue((directory / "jail").exists())
        self.assertIn("jail", [item["kind"] for item in self.leftovers()])
        # Without a helper the VM cannot start.
        failed = self.b.run("vm", "start", "one")
        self.assertEqual(failed.returncode, 125)
        self.place.start_helper(self.roots)
        self.b.ok("vm", "start", "one")
        self.b.ok("vm", "delete", "--force", "one")

    def test_a_saved_state_is_written_to_the_state_directory(self):
        _, directory = self.create("one")
        self.b.ok("vm", "suspend", "one")
        saved = [path for path in (self.b.state / "saves").iterdir()]
        self.assertEqual(len(saved), 1)
        files = {path.name: path.stat() for path in saved[0].iterdir()}
        self.assertIn(128 << 20, [info.st_size for info in files.values()])
        self.assertEqual({(info.st_uid, info.st_mode & 0o777) for info in files.values()},
                         {(pwd.getpwnam(OWNER).pw_uid, 0o600)})
        self.assertFalse((directory / "jail").exists())
        # The stand-in cannot restore a real agent, so it ends. A failed start leaves nothing either.
        failed = self.b.run("vm", "resume", "one")
        self.assertIn("restores no real agent", failed.stderr)
        self.assertFalse((directory / "jail").exists())
        self.assertEqual(self.b.json("vm", "show", "one")["state"], "suspended")

    def test_kill_9_of_the_daemon_at_any_moment_leaves_nothing(self):
        for delay in sample((0.2, 0.4, 0.6, 0.8, 1.2), 2):
            p = self.b.popen("vm", "create", "--name", "v", "--image", "bare", "--no-nat", "--memory", "128M",
                             "--disk-size", "256M", stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)  # so that the kill happens at different steps
            self.b.kill_daemon()
            p.wait(timeout=180)
            if self.b.json("vm", "list"):
                self.b.ok("vm", "delete", "--force", "v")
            wait_until(lambda: self.leftovers() == [], "leftovers of the interrupted create to be removed")
            self.check_nothing_is_left()

    def test_kill_9_of_the_helper_at_any_moment_leaves_nothing(self):
        for delay in sample((0.2, 0.4, 0.6, 0.8, 1.2), 2):
            p = self.b.popen("vm", "create", "--name", "v", "--image", "bare", "--no-nat", "--memory", "128M",
                             "--disk-size", "256M", stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            self.place.kill_helper()
            p.wait(timeout=180)
            self.place.start_helper(self.roots)
            if self.b.json("vm", "list"):
                self.b.ok("vm", "delete", "--force", "v")
            self.b.run("gc")
            wait_until(lambda: self.leftovers() == [], "leftovers of the interrupted create to be removed")
            self.check_nothing_is_left()

    def test_the_error_of_a_failed_jailer_is_reported(self):
        working = self.place.jailer.read_text()
        self.addCleanup(self.place.jailer.write_text, working)
        self.place.jailer.write_text("#!/bin/sh\necho this jailer is tired >&2\nexit 3\n")
        self.addCleanup(self.b.run, "vm", "delete", "--force", "one")
        done = self.b.run("vm", "create", "--name", "one", "--image", "bare", "--no-nat", "--memory", "128M")
        self.assertEqual(done.returncode, 125)
        self.assertIn("the jailer ended (exit code 3)", done.stderr)
        self.assertIn("this jailer is tired", done.stderr)

    def check(self):
        return next(each for each in json.loads(self.b.run("doctor", "--json").stdout) if each["name"] == "jailer")

    def test_doctor_describes_the_jailer_and_gives_hints(self):
        found = self.check()
        self.assertIn(f"{self.place.jailer} 1.16.2; ", found["detail"])
        self.assertIn("cgroup v2", found["detail"])
        self.addCleanup(self.place.start_helper, self.roots)
        self.place.kill_helper()
        self.place.start_helper(self.roots, more="")
        found = self.check()
        self.assertEqual((found["status"], found["detail"]), ("fail", "the system install names no jailer"))
        self.assertIn("--jailer", found["hint"])
        self.place.kill_helper()
        other = self.place.script("other", "true")
        self.place.start_helper(self.roots, more=f'jailer = "{self.place.jailer}"\nfirecracker = "{other}"\n')
        self.assertIn(f'set firecracker_bin = "{other}"', self.check()["hint"])
        self.addCleanup(self.b.run, "vm", "delete", "--force", "one")
        done = self.b.run("vm", "create", "--name", "one", "--image", "bare", "--no-nat", "--memory", "128M")
        self.assertEqual(done.returncode, 125)
        self.assertIn("the config names", done.stderr)
        self.place.kill_helper()


@for_root
class OnABridge(bare.BareCase):
    """A jail with a tap, in a network namespace of the test. No cgroups are visible there, so this also tests a jail
    without a cgroup."""

    @classmethod
    def make_banger(cls):
        if reason := skip_reason() or netns.skip_reason():
            raise unittest.SkipTest(reason)
        cls.net = netns.Network()
        cls.addClassCleanup(cls.net.destroy)
        cls.place = Place()
        cls.addClassCleanup(cls.place.destroy)
        banger = Banger(config=CONFIG.format(cls.place.firecracker) + 'pool_idle = "1s"\ntap_pool_size = 0\n',
                        user=OWNER, prefix=cls.net.command(cls.net.host))
        banger.env["BANGER_HELPER_SOCKET"] = str(cls.place.socket)
        cls.place.start_helper([banger.root / "state/banger", banger.root / "data/banger"],
                               prefix=cls.net.command(cls.net.host))
        cls.place.start_guests()
        return banger

    def test_firecracker_attaches_to_its_tap_from_inside_the_jail(self):
        self.b.ok("vm", "create", "--name", "one", "--image", "bare", "--network", "bridge", "--memory", "128M",
                  "--disk-size", "256M")
        pid = self.b.json("vm", "show", "one")["pid"]
        opened = {os.readlink(each) for each in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        self.assertIn("/dev/net/tun", opened)
        self.assertIn("bg-1", self.net.links())
        self.assertEqual(self.b.ok("vm", "exec", "one", "--", "echo", "there"), "there\n")
        check = next(each for each in json.loads(self.b.run("doctor", "--json").stdout) if each["name"] == "jailer")
        self.assertEqual(check["status"], "warn")
        self.assertIn("without limits: this host has no cgroup v2", check["detail"])
        # Without a cgroup to kill, the machine is still ended.
        self.b.kill_daemon()
        self.b.ok("vm", "delete", "--force", "one")
        self.assertFalse(alive(pid))
        self.assertEqual(self.b.vm_dirs(), [])
        wait_until(lambda: self.net.links() == [], "the bridge to be removed")


@for_both
class WithoutAHelper(bare.BareCase):
    """jailer_enabled without a helper, so that no jail can be made."""

    @classmethod
    def make_banger(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.destroy)
        banger = Banger(config=CONFIG.format(cls.place.firecracker))
        banger.env["BANGER_HELPER_SOCKET"] = str(cls.place.socket)
        return banger

    def test_a_start_is_refused_with_a_hint(self):
        self.addCleanup(self.b.run, "vm", "delete", "--force", "one")
        done = self.b.run("vm", "create", "--name", "one", "--image", "bare", "--no-nat", "--memory", "128M")
        self.assertEqual(done.returncode, 125)
        self.assertIn("cannot confine" if os.geteuid() == 0 else "needs the root helper", done.stderr)
        self.assertIn("system install --owner USER --jailer", done.stderr)
        self.assertEqual(self.b.machines(), [])


@for_root
@unittest.skipIf(skip_reason(), skip_reason())
class Hostile(unittest.TestCase):
    """Requests that an owner may make or not, even if the owner changes files during the request."""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.destroy)
        self.root = self.place.dir / "home"
        self.vm, self.outside = self.root / "vms" / "one", self.place.dir / "outside"
        for path in (self.vm, self.outside):
            path.mkdir(parents=True)
        for name in ("kernel", "disk", "console.log", "machine.log", "firecracker.log"):
            (self.vm / name).write_text(name)
        (self.outside / "secret").write_text("secret")
        (self.outside / "secret").chmod(0o600)
        subprocess.run(["chown", "-R", f"{OWNER}:{OWNER}", self.root], check=True)
        self.place.start_helper([self.root])
        self.before = self.tree(self.outside)
        self.addCleanup(self.check_nothing_happened)

    def tree(self, top):
        return {str(path): (path.lstat().st_uid, path.lstat().st_mode, path.lstat().st_nlink)
                for path in top.rglob("*")}

    def check_nothing_happened(self):
        self.assertEqual(self.tree(self.outside), self.before)
        self.assertEqual(jailed(HOSTILE), [])
        self.assertFalse(os.path.lexists(self.vm / "jail"))
        if cgroups():
            self.assertFalse((cgroups() / HOSTILE).exists())

    def arguments(self, **other):
        return {"id": HOSTILE, "directory": str(self.vm), "read": [f"vmlinux:{self.vm}/kernel"],
                "write": [f"disk0:{self.vm}/disk", f"firecracker.log:{self.vm}/firecracker.log"],
                "console": True, "vcpus": 1, "memory_bytes": 128 << 20, **other}

    def refused(self, codes, **other):
        answer = self.place.ask("machine.jail", self.arguments(**other))
        self.assertIn("error", answer, other)
        self.assertIn(answer["error"]["code"], codes, answer)
        return answer["error"]["message"]

    def launch(self):
        answer = self.place.ask("machine.jail", self.arguments())
        self.assertIn("result", answer, self.place.log.read_text()[-2000:])
        return answer["result"]["pid"]

    def end(self):
        return self.place.ask("machine.unjail", {"id": HOSTILE, "directory": str(self.vm)})

    def test_valid_requests_succeed_and_unjail_can_be_repeated(self):
        pid = self.launch()
        self.assertIn(pid, jailed(HOSTILE))
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, pwd.getpwnam(OWNER).pw_uid)
        self.refused(["exists"])
        self.assertIn(pid, jailed(HOSTILE))
        for _ in range(2):
            self.assertEqual(self.end(), {"result": {}})
        wait_until(lambda: not alive(pid), "the jailed process to end")

    def test_invalid_ids_names_and_numbers_are_refused(self):
        for other in ("", "x", "../" + HOSTILE[3:], HOSTILE.upper(), HOSTILE + "0", "0" * 100000, HOSTILE[:-1] + "\n",
                      "0" * 31 + "/"):
            self.refused(["invalid"], id=other)
        for name in ("", "firecracker", "firecracker.pid", "dev", "dev/kvm", "../x", ".", "disk", "disk32", "disk00",
                     "api.sock", "x" * 1000, "jail", "run"):
            self.refused(["invalid"], read=[f"{name}:{self.vm}/kernel"])
        self.refused(["invalid"], read=[str(self.vm / "kernel")])
        self.refused(["invalid"], read=[f"disk0:{self.vm}/kernel"])  # disk0 is already among the writable files
        self.refused(["invalid"], read=[f"disk{i}:{self.vm}/kernel" for i in range(33)])
        self.refused(["invalid"], read="vmlinux:/x")
        self.refused(["invalid"], read=[1])
        self.refused(["invalid"], read=["vmlinux:/x\0y"])
        for number in (0, -1, 33, 2**40, "1", 1.5, None):
            self.refused(["invalid"], vcpus=number)
        for number in (0, -1, 2**62, 2**63):
            self.refused(["invalid"], memory_bytes=number)
        self.refused(["invalid"], jailer="/bin/sh")
        self.refused(["invalid"], uid=0)

    def test_paths_outside_the_roots_are_refused(self):
        for path in ("/etc/passwd", f"{self.root}/../outside/secret", f"{self.outside}/secret", "etc/passwd",
                     f"{self.root}", f"{self.root}//x", f"{self.root}x/y"):
            self.refused(["invalid", "denied"], read=[f"vmlinux:{path}"])
            self.refused(["invalid", "denied"], write=[f"disk0:{path}"])
            self.refused(["invalid", "denied"], directory=path)
        self.refused(["denied"], write=[f"disk0:{self.root}"])  # the root directory itself

    def test_links_are_not_followed(self):
        (self.vm / "link").symlink_to(self.outside / "secret")
        (self.root / "vms/two").symlink_to(self.outside)
        for path in (self.vm / "link", self.root / "vms/two/secret"):
            self.refused(["denied"], read=[f"vmlinux:{path}"])
            self.refused(["denied"], write=[f"disk0:{path}"])
        self.refused(["denied", "invalid"], directory=str(self.root / "vms/two"))
        for log in ("machine.log", "console.log"):
            (self.vm / log).rename(self.vm / "kept")
            (self.vm / log).symlink_to(self.outside / "secret")
            self.refused(["denied"])
            (self.vm / log).unlink()
            os.link(self.outside / "secret", self.vm / log)  # as on a host with fs.protected_hardlinks = 0
            self.refused(["denied"])
            (self.vm / log).unlink()
            (self.vm / "kept").rename(self.vm / log)
        self.assertEqual((self.outside / "secret").read_text(), "secret")

    def test_files_of_other_users_and_special_files_are_refused(self):
        (self.vm / "roots").write_text("x")
        (self.vm / "roots").chmod(0o600)
        self.refused(["denied"], read=[f"vmlinux:{self.vm}/roots"])
        self.refused(["denied"], write=[f"disk0:{self.vm}/roots"])
        (self.vm / "roots").chmod(0o644)
        self.refused(["denied"], write=[f"disk0:{self.vm}/roots"])
        os.mkfifo(self.vm / "pipe")
        os.chown(self.vm / "pipe", pwd.getpwnam(OWNER).pw_uid, -1)
        for path in (self.vm / "pipe", self.vm):
            self.refused(["denied"], read=[f"vmlinux:{path}"])
        self.refused(["not_found"], read=[f"vmlinux:{self.vm}/nothing"])
        (self.root / "vms/roots").mkdir()
        self.refused(["denied"], directory=str(self.root / "vms/roots"))

    def test_an_existing_jail_is_not_used(self):
        for make in (lambda: (self.vm / "jail").mkdir(), lambda: (self.vm / "jail").symlink_to(self.outside)):
            make()
            self.refused(["exists"])
            self.assertEqual(self.end(), {"result": {}})
            self.assertFalse(os.path.lexists(self.vm / "jail"))

    def test_unjail_follows_no_link_in_the_jail(self):
        (self.vm / "jail").mkdir()
        (self.vm / "jail" / "out").symlink_to(self.outside)
        (self.vm / "jail" / "deep").mkdir()
        (self.vm / "jail" / "deep" / "secret").symlink_to(self.outside / "secret")
        self.assertEqual(self.end(), {"result": {}})

    def test_unjail_kills_no_process_of_another_user(self):
        stranger = subprocess.Popen(["sleep", "1000", HOSTILE], user="nobody", stderr=subprocess.DEVNULL)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        # sleep rejects the token as an argument and exits, but a shell keeps it on its command line.
        stranger.wait()
        stranger = subprocess.Popen(["sh", "-c", "sleep 1000; true", "--id", HOSTILE], user="nobody",
                                    start_new_session=True)
        self.assertEqual(self.end(), {"result": {}})
        self.assertTrue(alive(stranger.pid))
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()

    def test_files_swapped_during_a_request_lead_nowhere_else(self):
        """A process keeps swapping files and links. The jail must get only the owner's file, and nothing outside the
        root may change."""
        def swap():
            pairs = [(self.vm / "disk", self.vm / "other")] * 50 + [(self.vm / "jail", self.vm / "moved")]
            while True:
                for a, b in pairs:
                    try:
                        os.symlink(self.outside / "secret", str(b) + ".new")
                    except OSError:
                        pass
                    for source, target in ((a, b), (str(b) + ".new", a), (b, a)):
                        try:
                            os.rename(source, target)
                        except OSError:
                            pass
        swapper = fork_as(OWNER, swap)
        try:
            for _ in range(8):
                answer = self.place.ask("machine.jail", self.arguments())
                for pid in jailed(HOSTILE):
                    try:
                        with open(f"/proc/{pid}/root/disk0") as file:
                            self.assertEqual(file.read(), "disk")
                    except OSError:  # a process of the jailer itself may still be ending, outside the jail
                        self.assertNotEqual(pid, answer.get("result", {}).get("pid"))
                self.end()
        finally:
            os.kill(swapper, signal.SIGKILL)
            os.waitpid(swapper, 0)
        for each in (self.vm).iterdir():
            if each.name not in ("kernel", "console.log", "machine.log", "firecracker.log", "disk"):
                subprocess.run(["rm", "-rf", each], check=True)

    def test_programs_that_others_could_have_written_are_not_run(self):
        self.place.jailer.chmod(0o777)
        self.assertIn("could have been written", self.refused(["denied"]))
        self.place.jailer.chmod(0o755)
        os.chown(self.place.firecracker, pwd.getpwnam(OWNER).pw_uid, -1)
        self.assertIn("could have been written", self.refused(["denied"]))
        os.chown(self.place.firecracker, 0, 0)
        self.place.dir.chmod(0o777)
        self.assertIn("could have been written", self.refused(["denied"]))
        self.place.dir.chmod(0o755)
        link = self.place.dir / "link"
        self.place.jailer.rename(link)
        self.place.jailer.symlink_to(link)
        self.refused(["denied"])

    def test_without_a_jailer_in_the_install_there_are_no_jails_and_no_jail_capabilities(self):
        self.place.kill_helper()
        self.place.start_helper([self.root], more="")
        for operation in ("machine.jail", "machine.unjail"):
            self.assertEqual(self.place.ask(operation, {})["error"]["code"], "not_found")
        status = dict(line.split(":\t", 1)
                      for line in pathlib.Path(f"/proc/{self.place.helper.pid}/status").read_text().splitlines()
                      if ":\t" in line)
        # The capabilities of the other operations (test_helper.py). Jails would also need CAP_KILL, CAP_SETGID and
        # CAP_SETUID.
        self.assertEqual(int(status["CapEff"], 16), sum(1 << number for number in (0, 1, 12, 21, 27)))


if __name__ == "__main__":
    unittest.main()
