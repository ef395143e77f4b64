"""VMs whose system disk is a block device of the host (storage = "dm-snapshot"): creation, copies and removal.

The root helper is a stand-in (test/fakes/snapshot_helper), so these tests also run on kernels without device-mapper.
Machines, guests and block devices are real. The tests use a separate /dev, so this host's /dev does not change."""
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import DATA, Banger, SharedCase, listens, wait_until  # noqa: E402
from marks import for_root  # noqa: E402

FAKE = pathlib.Path(__file__).resolve().parents[1] / "fakes" / "snapshot_helper"
SHAPE = ("--vcpu", "1", "--memory", "512M")
OWN_DEV = """set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir pts shm mapper net
mknod null c 1 3; mknod zero c 1 5; mknod full c 1 7; mknod random c 1 8; mknod urandom c 1 9; mknod tty c 5 0
mknod net/tun c 10 200
mknod loop-control c 10 237
for n in $(seq 0 63); do mknod loop$n b 7 $n; done
chmod 666 null zero full random urandom tty
: > mapper/control
mount --bind /dev/pts pts; ln -s pts/ptmx ptmx; ln -s /proc/self/fd fd
cd /
mount --move "$1" /dev
echo ready
exec sleep infinity
"""


@for_root
@unittest.skipUnless(os.path.exists("/dev/loop-control"), "this host has no loop devices")
class DmSnapshotVms(SharedCase):
    config = 'pool_size = 0\nnetwork = "user"\nstorage = "dm-snapshot"\n'

    @classmethod
    def setUpClass(cls):
        if not DATA:
            return
        cls.shared = b = Banger(data=DATA, config=cls.config)
        (b.root / "dev").mkdir()
        cls.namespace = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_DEV, "sh",
                                          str(b.root / "dev")], stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end, cls.namespace)
        assert cls.namespace.stdout.readline() == b"ready\n"
        b.prefix = ["nsenter", f"--mount=/proc/{cls.namespace.pid}/ns/mnt"]
        socket = b.root / "helper.sock"
        b.env["BANGER_HELPER_SOCKET"] = str(socket)
        cls.helper = subprocess.Popen([*b.prefix, sys.executable, FAKE, socket])
        cls.addClassCleanup(cls.end, cls.helper)
        cls.addClassCleanup(b.destroy)
        wait_until(lambda: listens(socket), "the helper to listen")

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def clean(self):
        for snapshot in self.b.json("vm", "snapshot", "list"):
            self.b.run("vm", "snapshot", "delete", snapshot["id"])
        super().clean()
        self.assertEqual(self.devices(), set())
        self.assertEqual(self.recorded(), set())
        self.assertEqual(self.b.leftovers(), [])

    def devices(self):
        path = pathlib.Path(f"/proc/{self.namespace.pid}/root/dev/banger")
        return set(os.listdir(path)) if path.exists() else set()

    def recorded(self):
        db = sqlite3.connect(f"file:{self.b.state}/banger.db?mode=ro", uri=True)
        try:
            return {row[0] for row in db.execute("SELECT key FROM journal WHERE kind = 'snapshot'")}
        finally:
            db.close()

    def create(self, name, *more):
        return self.b.json("vm", "create", "--name", name, *SHAPE, *more)

    def sh(self, vm, script):
        return self.b.ok("vm", "exec", vm, "--", "sh", "-c", script)

    def test_the_device_exists_while_the_machine_runs_and_data_persists(self):
        vm = self.create("web")
        self.assertEqual((vm["storage"], vm["way"]), ("dm-snapshot", "clone"))
        self.assertEqual((self.devices(), self.recorded()), ({vm["id"]}, {vm["id"]}))
        self.assertEqual(self.sh("web", "stat -f -c %T /; ls /proc/fs/jbd2 | grep -c vda"), "ext2/ext3\n1\n")
        self.sh("web", "echo kept > /etc/kept")
        self.b.ok("vm", "stop", "web")
        self.assertEqual((self.devices(), self.recorded()), (set(), set()))
        self.b.ok("vm", "set", "web", "--system-size", "10G")
        self.b.ok("vm", "start", "web")
        self.assertGreater(int(self.sh("web", "cat /etc/kept >&2; df -B1 --output=size / | tail -n +2")), 9.4 * 2**30)
        self.sh("web", "echo synced > /etc/synced; sync")
        os.kill(self.b.machines()[0], signal.SIGKILL)
        wait_until(lambda: self.b.json("vm", "show", "web")["state"] == "stopped", "the exit to be noticed")
        self.assertEqual(self.devices(), set())
        self.b.ok("vm", "start", "web")
        self.assertEqual(self.sh("web", "cat /etc/kept /etc/synced"), "kept\nsynced\n")

    def test_copies_are_complete_and_each_has_a_device(self):
        first = self.create("first")
        self.sh("first", "echo one > /etc/mark")
        self.b.ok("vm", "fork", "first", "--name", "second")
        self.sh("second", "echo two > /etc/mark")
        second = self.b.json("vm", "show", "second")
        self.assertEqual(self.devices(), {first["id"], second["id"]})
        self.assertEqual(self.sh("first", "cat /etc/mark") + self.sh("second", "cat /etc/mark"), "one\ntwo\n")
        self.b.ok("vm", "suspend", "first")
        self.assertEqual(self.devices(), {second["id"]})
        self.b.ok("vm", "resume", "first")
        self.assertEqual(self.sh("first", "cat /etc/mark"), "one\n")

    def test_a_new_daemon_finds_the_devices_of_a_killed_one(self):
        vm, other = self.create("lives"), self.create("dies")
        self.b.kill_daemon()
        os.kill(other["pid"], signal.SIGKILL)
        wait_until(lambda: len(self.b.machines()) == 1, "the machine to end")
        self.b.ok("vm", "list")
        wait_until(lambda: self.devices() == {vm["id"]}, "the device of the dead machine to be removed")
        self.assertEqual(self.sh("lives", "echo on"), "on\n")
        # A device without a record is listed as a leftover.
        self.b.ok("vm", "stop", "dies")
        stray = pathlib.Path(f"/proc/{self.namespace.pid}/root/dev/banger/strayxxxxxxx")
        os.mknod(stray, 0o060600, os.makedev(7, 63))
        self.assertEqual([(item["kind"], item["path"]) for item in self.b.leftovers()], [("snapshot", "strayxxxxxxx")])
        stray.unlink()


if __name__ == "__main__":
    unittest.main()
