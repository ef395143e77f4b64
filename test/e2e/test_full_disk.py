"""The disk of the host is full: guests wait for room and go on, and VMs can always be stopped and deleted.

Each file system is a small loop device, which holds the state directory. Mounting needs root."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import Banger, wait_until  # noqa: E402

SIZE = 1 << 30
ROOM = 64 << 20  # what the guest finds: less than it writes, and enough for its file system's own writes


class FullDisk:
    """The story; one class below for each file system."""

    config = "templates = false\n"
    log_has_room = False  # whether a line fits into the daemon's log although the disk is full

    @classmethod
    def make_banger(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root may mount a file system")
        if not shutil.which(cls.mkfs[0]):
            raise unittest.SkipTest(f"{cls.mkfs[0]} is not installed")
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="banger-full-"))
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        device, cls.mount = cls.place / "device", cls.place / "mount"
        cls.mount.mkdir()
        with open(device, "wb") as file:
            file.truncate(SIZE)
        subprocess.run([*cls.mkfs, str(device)], check=True, capture_output=True)
        mounted = subprocess.run(["mount", "-o", "loop", device, cls.mount], capture_output=True, text=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest(f"cannot be mounted here: {mounted.stderr}")
        cls.addClassCleanup(subprocess.run, ["umount", "-l", cls.mount])
        return Banger(state=cls.mount, config=cls.config)

    def setUp(self):
        self.ballast = self.mount / "ballast"
        self.addCleanup(self.free)

    def fill_to(self, left):
        """Takes all of the room but `left` bytes."""
        with open(self.ballast, "ab") as file:
            info = os.statvfs(self.mount)
            room = info.f_bavail * info.f_frsize
            if room > left:
                os.posix_fallocate(file.fileno(), file.tell(), room - left)

    def fill(self):
        """Takes the last block."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
            try:
                os.fsync(file.fileno())
            except OSError:
                pass

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def show(self, name):
        return self.b.json("vm", "show", name)

    def write_much(self, name):
        """Starts a command in the guest that meets the full disk, and waits until the guest is paused."""
        self.fill_to(ROOM)
        client = self.b.popen("vm", "exec", name, "--", "sh", "-c",
                              "dd if=/dev/zero of=/root/big bs=1M count=200 && sync && wc -c </root/big",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(client.kill)
        wait_until(lambda: self.show(name)["paused"], "the guest to be paused")
        return client

    def test_a_guest_waits_for_room_and_goes_on(self):
        b = self.b
        b.ok("vm", "create", "--name", "box", "--image", "bare", "--memory", "256M", "--disk-size", "512M")
        b.ok("vm", "create", "--name", "other", "--image", "bare", "--memory", "256M", "--disk-size", "256M")
        client = self.write_much("box")
        vm = self.show("box")
        self.assertEqual(vm["state"], "running")
        self.assertIn("the host could not write the guest's disk", vm["paused"])
        listed = b.run("vm", "list")
        self.assertRegex(listed.stdout, r"box +\w+ +paused")
        self.assertIn("vm 'box' is paused", listed.stderr)
        self.assertIn("warning: only", listed.stderr)
        for command in (("exec", "box", "--", "true"), ("stats", "box"), ("suspend", "box")):
            done = b.run("vm", *command)
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn("vm 'box' is paused", done.stderr)
        if self.log_has_room:
            wait_until(lambda: "vm.paused" in b.log(), "the log of the daemon")
        self.fill()
        # A file system may need a moment to find that there is no room. Until then the guest runs.
        done = b.run("vm", "resume", "box")
        if done.returncode != 0:
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn("is still paused", done.stderr)
        wait_until(lambda: self.show("box")["paused"], "the guest to be paused again")

        # The next daemon finds the guest as it is. Another VM is stopped and deleted meanwhile.
        b.kill_daemon()
        self.assertTrue(self.show("box")["paused"])
        b.ok("vm", "stop", "other")
        self.assertEqual(self.show("other")["state"], "stopped")
        self.assertEqual(self.show("other")["ended"], "stopped")
        self.fill()
        b.ok("vm", "delete", "other")

        self.free()
        out, errors = client.communicate(timeout=180)
        self.assertIn(client.returncode, (0, 125), errors)  # its link ended with its daemon
        wait_until(lambda: not self.show("box")["paused"], "the guest to go on")
        written = b.ok("vm", "exec", "box", "--", "sh", "-c",
                       "dd if=/dev/zero of=/root/more bs=1M count=20 conv=fsync && wc -c </root/more")
        self.assertEqual(written.strip(), str(20 << 20))
        b.ok("vm", "delete", "--force", "box")
        self.assertEqual(b.vm_dirs(), [])

    def test_the_command_that_met_the_full_disk_ends_well(self):
        b = self.b
        b.ok("vm", "create", "--name", "box", "--image", "bare", "--memory", "256M", "--disk-size", "512M")
        client = self.write_much("box")
        self.free()
        b.ok("vm", "resume", "box")
        out, errors = client.communicate(timeout=180)
        self.assertEqual((client.returncode, out.strip()), (0, str(200 << 20).encode()), errors)
        self.assertEqual(self.show("box")["paused"], "")
        b.ok("vm", "delete", "--force", "box")

    def test_vms_are_ended_and_deleted_on_a_full_disk(self):
        b = self.b
        for name in ("stopped", "killed", "deleted", "lost"):
            b.ok("vm", "create", "--name", name, "--image", "bare", "--memory", "256M", "--disk-size", "256M")
        self.fill()
        b.ok("vm", "stop", "stopped")
        self.fill()
        b.ok("vm", "kill", "killed")
        self.fill()
        b.ok("vm", "delete", "--force", "deleted")
        self.assertEqual({name: self.show(name)["state"] for name in ("stopped", "killed", "lost")},
                         {"stopped": "stopped", "killed": "stopped", "lost": "running"})
        # A machine that dies while no daemon runs, and a daemon that starts on a full disk.
        b.kill_daemon()
        os.kill(b.machines()[0], signal.SIGKILL)
        self.fill()
        wait_until(lambda: self.show("lost")["state"] == "stopped", "the record of the lost machine")
        self.fill()
        b.ok("vm", "delete", "stopped", "killed", "lost")
        self.free()
        self.assertEqual(b.vm_dirs(), [])
        self.assertEqual(b.leftovers(), [])


class FullExt4(FullDisk, BareCase):
    mkfs = ("mkfs.ext4", "-q", "-F", "-m", "0")
    log_has_room = True  # in the last block of the file


class FullXfs(FullDisk, BareCase):
    mkfs = ("mkfs.xfs", "-q")


class FullBtrfs(FullDisk, BareCase):
    mkfs = ("mkfs.btrfs", "-q")


if __name__ == "__main__":
    unittest.main()
