"""Images that container tools made, and images of every init. Their configuration is honoured, nothing in them gets in
the way, and they shut down cleanly."""
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import roots  # noqa: E402
from bare import BareCase  # noqa: E402
from harness import KERNEL, wait_until  # noqa: E402
from marks import long  # noqa: E402

HOST = "10.0.2.2"  # as guests of a user-mode network see it
NEEDS_RECOVERY = 0x4  # ext4's s_feature_incompat: the journal has changes that are not in the file system yet


def needs_recovery(disk):
    with open(disk, "rb") as file:
        file.seek(1024 + 0x60)
        return bool(struct.unpack("<I", file.read(4))[0] & NEEDS_RECOVERY)


class ImageCase(BareCase):
    def add(self, name, tar, config=None):
        """Imports an image once."""
        if self.b.run("image", "show", name).returncode == 0:
            return
        more = ["--config", str(roots.write_config(self.b.root, name, config))] if config else []
        self.b.chown_home()
        self.b.ok("image", "import", name, str(tar), "--kernel", KERNEL, *more)

    def create(self, image, *more):
        """Returns the name of a new VM that is deleted after the test."""
        vm = self.b.json("vm", "create", "--image", image, "--network", "user", *more)["name"]
        self.addCleanup(self.b.run, "vm", "delete", "--force", vm)
        return vm

    def sh(self, vm, script, *options):
        return self.b.ok("vm", "exec", *options, vm, "--", "sh", "-c", script)

    def assert_stops_cleanly(self, vm):
        self.b.ok("vm", "stop", "--timeout", "5m", vm)
        shown = self.b.json("vm", "show", vm)
        self.assertEqual((shown["ended"], shown["last_error"]), ("stopped", ""), self.b.ok("vm", "logs", vm))
        for disk in ("system.img", "work.img"):
            self.assertFalse(needs_recovery(pathlib.Path(shown["directory"]) / disk), disk)

    def assert_network(self, vm, *netcat):
        """A guest reaches a server of the host."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"from the host\n")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            port = str(server.getsockname()[1])
            self.assertEqual(self.b.ok("vm", "exec", vm, "--", *netcat, HOST, port), "from the host\n")
            thread.join()


class Scratch(ImageCase):
    def setUp(self):
        self.add("scratch", roots.scratch(self.b.root), roots.SCRATCH_CONFIG)

    def test_without_a_shell_the_image_s_own_command_runs(self):
        self.assertEqual(self.b.ok("vm", "run", "--rm", "--image", "scratch"), "from scratch\n")

    def test_a_vm_of_one_static_binary_has_everything(self):
        b = self.b
        vm = self.create("scratch")
        tool = ["/busybox"]
        self.assertEqual(b.ok("vm", "exec", vm, "--", *tool, "hostname"), vm + "\n")
        self.assertIn("nameserver", b.ok("vm", "exec", vm, "--", *tool, "cat", "/etc/resolv.conf"))
        self.assertIn(vm, b.ok("vm", "exec", vm, "--", *tool, "cat", "/etc/hosts"))
        self.assertEqual(b.ok("vm", "exec", vm, "--", *tool, "stat", "-c", "%a", "/tmp", "/root"), "1777\n755\n")
        self.assert_network(vm, *tool, "nc")

        (b.root / "in").write_text("copied")
        b.ok("vm", "cp", str(b.root / "in"), f"{vm}:/srv")
        self.assertEqual(b.ok("vm", "exec", vm, "--", *tool, "cat", "/srv"), "copied")

        for words, says in ((["vm", "exec", vm, "--", "sh"], "'sh': command not found in the guest"),
                            (["vm", "exec", vm, "--", "/bin/sh"], "'/bin/sh': no such file in the guest"),
                            (["vm", "shell", vm], "the guest has no shell")):
            done = b.run(*words)
            self.assertEqual(done.returncode, 127, done.stderr)
            self.assertIn(says, done.stderr)
        b.ok("vm", "exec", "-d", vm, *tool, "touch", "/left-alone")  # needs no shell
        wait_until(lambda: b.run("vm", "exec", vm, "--", *tool, "ls", "/left-alone").returncode == 0,
                   "the detached command to end")
        done = b.run("vm", "exec", "-d", vm, "sh")
        self.assertEqual(done.returncode, 127)
        self.assertIn("'sh': command not found in the guest", done.stderr)
        self.assert_stops_cleanly(vm)
        b.ok("vm", "start", vm)
        self.assertEqual(b.ok("vm", "exec", vm, "--", *tool, "cat", "/srv"), "copied")


class Configured(ImageCase):
    def setUp(self):
        self.add("app", roots.app(self.b.root), roots.APP_CONFIG)

    def test_commands_get_the_variables_the_directory_and_the_user_of_the_image(self):
        b = self.b
        image = b.json("image", "show", "app")
        self.assertEqual(image["init"], "none")  # although it has busybox as /sbin/init, and an inittab
        self.assertEqual((image["config"]["user"], image["config"]["cmd"]), ("app", ["once", "by", "default"]))
        self.assertNotIn("config", next(each for each in b.json("image", "list") if each["name"] == "app"))
        vm = self.create("app", "--env", "BOTH=vm")
        self.assertEqual(b.json("vm", "show", vm)["config"], image["config"])

        report = 'echo "$(id -un) $(id -G) $PWD $HOME $FROM_IMAGE $BOTH"; echo $PATH'
        self.assertEqual(self.sh(vm, report),
                         "app 1000 2000 /srv/work /home/app yes vm\n/opt/tools:/bin\n")
        self.assertEqual(self.sh(vm, report, "-u", "root", "-w", "/etc", "-e", "BOTH=exec"),
                         "root 0 /etc /root yes exec\n/opt/tools:/bin\n")
        self.assertEqual(b.ok("vm", "shell", vm, stdin=b"id -un; pwd; echo $FROM_IMAGE\n"), "app\n/srv/work\nyes\n")
        for user, ids in (("app:other", "1000 3000 3000"), ("1000", "1000 1000 1000 2000"), ("4242:77", "4242 77 77"),
                          ("short", "1001 1001 1001 3000"), ("4242", "4242 0 0")):
            self.assertEqual(self.sh(vm, "echo $(id -u) $(id -g) $(id -G)", "-u", user), ids + "\n", user)
        for user in ("nobody", "hostile", "app:nogroup"):
            done = b.run("vm", "exec", "-u", user, vm, "--", "true")
            self.assertEqual(done.returncode, 125)
            self.assertIn("in the guest", done.stderr)
        self.assert_network(vm, "nc")
        self.assert_stops_cleanly(vm)

    def test_the_entrypoint_runs_on_request_and_ends_with_the_image_s_signal(self):
        b = self.b
        self.assertEqual(b.ok("vm", "run", "--rm", "--image", "app", "--entrypoint"), "serve once by default\n")
        run = b.popen("vm", "run", "--name", "service", "--image", "app", "--entrypoint", "--", "for", "ever",
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(b.run, "vm", "delete", "--force", "service")
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.assertEqual(run.stdout.readline(), b"serve for ever\n")
        b.ok("vm", "stop", "service")
        self.assertEqual(run.stdout.readline(), b"quit\n")
        self.assertEqual(run.wait(180), 7)

    def test_the_entrypoint_runs_in_the_background(self):
        b = self.b
        started = b.ok("vm", "run", "-d", "--name", "daemon", "--image", "app", "--entrypoint", "--", "for", "ever")
        self.addCleanup(b.run, "vm", "delete", "--force", "daemon")
        self.assertEqual(started, "daemon\n")
        self.assertIn("for ever", b.ok("vm", "exec", "daemon", "--", "ps", "-o", "args"))
        self.assert_stops_cleanly("daemon")


class InTheWay(ImageCase):
    def test_links_pipes_and_missing_directories_do_not_get_in_the_way(self):
        b = self.b
        self.add("odd", roots.in_the_way(b.root))
        vm = self.create("odd", "--env", "A=1")
        for _ in range(2):
            self.assertEqual(self.sh(vm, "hostname; cat /etc/hostname"), f"{vm}\n{vm}\n")
            self.assertIn("nameserver", self.sh(vm, "cat /etc/resolv.conf"))
            self.assertIn(f"127.0.1.1 {vm}", self.sh(vm, "cat /etc/hosts"))
            self.assertEqual(self.sh(vm, "echo $A; pwd; cat /proc/sys/kernel/ostype"), "1\n/root\nLinux\n")
            self.assertEqual(self.sh(vm, "touch /tmp/x /root/x /run/x; readlink /run /root /tmp || echo none"),
                             "none\n")
            self.assert_stops_cleanly(vm)
            b.ok("vm", "start", vm)

    def test_a_root_that_becomes_read_only_still_runs_commands_and_ends(self):
        b = self.b
        self.add("app", roots.app(b.root), roots.APP_CONFIG)
        vm = self.create("app")
        self.sh(vm, "mount -o remount,ro /", "-u", "root")
        self.assertEqual(self.sh(vm, "touch /x 2>/dev/null || echo read-only"), "read-only\n")
        b.ok("vm", "rename", vm, "renamed")
        self.addCleanup(b.run, "vm", "delete", "--force", "renamed")
        self.assert_stops_cleanly("renamed")


class BusyboxInit(ImageCase):
    def test_busybox_init_boots_and_ends_cleanly(self):
        b = self.b
        self.add("busybox-init", roots.busybox_init(b.root))
        self.assertEqual(b.json("image", "show", "busybox-init")["init"], "busybox")
        vm = self.create("busybox-init")
        wait_until(lambda: b.run("vm", "exec", vm, "--", "pidof", "sleep").returncode == 0, "init to start a process")
        self.assertEqual(self.sh(vm, "cat /root/sysinit /proc/1/comm; hostname"), f"up\ninit\n{vm}\n")
        self.assert_network(vm, "nc")
        self.assert_stops_cleanly(vm)
        b.ok("vm", "start", vm)
        self.assertEqual(self.sh(vm, "cat /root/shutdown"), "down\n")
        b.ok("vm", "exec", vm, "--", "poweroff")
        wait_until(lambda: b.json("vm", "show", vm)["state"] == "stopped", "the guest to power off")
        self.assertEqual(b.json("vm", "show", vm)["ended"], "the guest shut down")


class MortalInit(ImageCase):
    def test_an_init_that_ends_is_told_as_a_crash_and_the_vm_starts_again(self):
        b = self.b
        self.add("mortal", roots.mortal_init(b.root))
        vm = self.create("mortal")
        self.assertEqual(self.sh(vm, "tr '\\0' ' ' </proc/1/cmdline"), "/bin/sh /sbin/init ")
        b.run("vm", "exec", vm, "--", "touch", "/end")
        wait_until(lambda: b.json("vm", "show", vm)["state"] == "stopped", "the guest to crash")
        shown = b.json("vm", "show", vm)
        self.assertEqual(shown["ended"], "kernel panic: Attempted to kill init! exitcode=0x00000300")
        self.assertIn("Attempted to kill init", shown["last_error"])
        b.ok("vm", "start", vm)
        self.assertEqual(self.sh(vm, "ls /end 2>/dev/null || echo again"), "again\n")


class Cloned:
    config = "pool_size = 0\n"


@long
class ClonedScratch(Cloned, Scratch):
    """The same tests with VMs that are clones of a template."""


@long
class ClonedConfigured(Cloned, Configured):
    """The same tests with VMs that are clones of a template."""


@long
class ClonedInTheWay(Cloned, InTheWay):
    """The same tests with VMs that are clones of a template."""


@long
class ClonedBusyboxInit(Cloned, BusyboxInit):
    """The same tests with VMs that are clones of a template."""


@long
class Debian(ImageCase):
    """Debian with other inits, from its own packages."""

    def boot(self, kind, process):
        """Returns a VM that has booted, after one stop and one start."""
        tar = roots.debian(self.b.root, kind)
        if tar is None:
            self.skipTest("mmdebstrap cannot make a root file system here")
        self.add(f"debian-{kind}", tar)
        self.assertEqual(self.b.json("image", "show", f"debian-{kind}")["init"], kind)
        vm = self.create(f"debian-{kind}", "--wait", "system")
        self.assertEqual(self.sh(vm, "cat /proc/1/comm; hostname; . /etc/os-release; echo $ID; "
                                     "getent hosts $(hostname) | grep -o '127.0.1.1'"),
                         f"{process}\n{vm}\ndebian\n127.0.1.1\n")
        self.assertIn("nameserver", self.sh(vm, "cat /etc/resolv.conf"))
        self.assert_stops_cleanly(vm)
        self.b.ok("vm", "start", vm)
        return vm

    def test_openrc(self):
        vm = self.boot("openrc", "init")
        wait_until(lambda: self.sh(vm, "cat /run/openrc/softlevel; ls -d /run/openrc/rc.starting || echo started")
                   == "defaultstarted\n", "the last runlevel to start", timeout=600)

    def test_runit(self):
        vm = self.boot("runit", "runit")
        wait_until(lambda: "runsvdir" in self.sh(vm, "cat /proc/[0-9]*/comm 2>/dev/null || :"), "services to start",
                   timeout=600)

    def test_no_init(self):
        self.boot("none", "banger-agent")


@long
class ClonedDebian(Cloned, Debian):
    """The same tests with VMs that are clones of a template."""


if __name__ == "__main__":
    unittest.main()
