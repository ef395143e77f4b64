"""Root file systems that are copies of their image (storage = "copy"), in real guests. A copy can do everything that an
overlay can."""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import ShapedCase, wait_until  # noqa: E402
from marks import long  # noqa: E402



def check_file_system(path):
    """Replays the journal and runs e2fsck. Returns the problems found, or an empty string."""
    subprocess.run(["e2fsck", "-E", "journal_only", "-p", path], capture_output=True)
    done = subprocess.run(["e2fsck", "-fn", path], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout


class Copy(ShapedCase):
    config = 'pool_size = 0\nstorage = "copy"\n'

    def root_bytes(self, vm):
        return int(self.sh(vm, "df -B1 --output=size / | tail -n +2"))

    def disk(self, vm):
        return pathlib.Path(self.b.json("vm", "show", vm)["directory"]) / "system.img"

    def test_the_root_is_a_plain_ext4_and_data_persists(self):
        vm = self.create("web")
        self.assertEqual((vm["storage"], vm["way"]), ("copy", "clone"))
        self.assertEqual(self.sh("web", "stat -f -c %T / /etc /var/lib").split(), ["ext2/ext3"] * 3)
        self.assertNotIn("overlay", self.sh("web", "cat /proc/mounts"))
        self.assertGreater(self.root_bytes("web"), 7 * 2**30)
        self.sh("web",
                "mv /usr/share/doc /usr/share/moved; echo kept > /etc/kept; ln /etc/kept /etc/link; mkdir -p "
                "/var/lib/docker")
        self.b.ok("vm", "stop", "web")
        self.assertEqual(check_file_system(self.disk("web")), "")
        self.b.ok("vm", "start", "web")
        self.assertEqual(self.sh("web",
                                 "cat /etc/kept /etc/link; ls -d /usr/share/doc /usr/share/moved 2>/dev/null; "
                                 "hostname"), "kept\nkept\n/usr/share/moved\nweb\n")

    def test_a_machine_that_is_killed_loses_nothing_that_was_synced(self):
        self.create("web", "--cold")
        self.sh("web",
                "for i in $(seq 200); do echo $i > /etc/kept$i; done; sync; (while :; do echo x >> /var/log/busy; "
                "done) >/dev/null 2>&1 </dev/null &")
        for _ in range(2):
            os.kill(self.b.machines()[0], signal.SIGKILL)
            wait_until(lambda: self.b.json("vm", "show", "web")["state"] == "stopped", "the exit to be noticed")
            self.b.ok("vm", "start", "web")
            self.assertEqual(self.sh("web", "cat /etc/kept* | sort -n | tail -1; ls /etc/kept* | wc -l"), "200\n200\n")
        self.assertIn("recovery complete", self.sh("web", "dmesg"))
        self.b.ok("vm", "kill", "web")
        self.assertEqual(check_file_system(self.disk("web")), "")

    @long
    def test_the_root_grows_when_cloned_and_when_set(self):
        self.create("big", "--system-size", "10G")
        self.assertGreater(self.root_bytes("big"), 9.4 * 2**30)
        self.b.ok("vm", "set", "big", "--system-size", "12G")
        self.b.ok("vm", "restart", "big")
        self.assertGreater(self.root_bytes("big"), 11.4 * 2**30)
        self.fails(125, "vm", "create", "--system-size", "128M", says=["smaller than the image's own", "--system-size"])

    @long
    def test_children_of_a_fork_and_vms_of_a_snapshot_have_their_own_roots(self):
        self.create("first")
        self.sh("first", "echo one > /etc/mark; (sleep 1000) >/dev/null 2>&1 </dev/null &")
        self.b.ok("vm", "fork", "first", "--name", "second")
        self.sh("second", "echo two > /etc/mark")
        self.assertEqual(self.sh("first", "cat /etc/mark") + self.sh("second", "cat /etc/mark; pgrep -c sleep"),
                         "one\ntwo\n1\n")
        self.b.ok("vm", "snapshot", "create", "second", "--name", "then")
        self.sh("second", "echo three > /etc/mark; sync")
        self.b.ok("vm", "snapshot", "restore", "second", "then", "--force")
        third = self.b.json("vm", "create", "--name", "third", "--from", "then")
        self.assertEqual(third["storage"], "copy")
        self.assertEqual(self.sh("third", "cat /etc/mark; hostname"), "two\nthird\n")
        self.fails(2, "vm", "create", "--from", "then", "--storage", "overlay", says="exclude each other")

    @long
    def test_a_suspended_vm_continues(self):
        self.create("web")
        self.sh("web", "echo before > /etc/mark")
        self.b.ok("vm", "suspend", "web")
        self.b.kill_daemon()
        self.b.ok("vm", "resume", "web")
        self.assertEqual(self.sh("web", "cat /etc/mark; echo after > /etc/mark; cat /etc/mark"), "before\nafter\n")

    @long
    def test_each_vm_chooses_its_storage_and_gets_a_matching_template(self):
        plain, overlay = self.create("plain"), self.create("over", "--storage", "overlay")
        self.assertNotEqual(plain["template"], overlay["template"])
        self.assertEqual(self.sh("over", "stat -f -c %T /"), "overlayfs\n")
        self.assertEqual(self.b.json("vm", "show", "over")["storage"], "overlay")
        self.assertIn("overlay", self.b.ok("vm", "show", "over"))


class BareCopy(BareCase):
    config = 'templates = false\nstorage = "copy"\n'

    def test_an_image_without_an_init_has_its_own_root(self):
        b = self.b
        b.ok("vm", "create", "--name", "bare", "--image", "bare")
        b.ok("vm", "exec", "bare", "--", "sh", "-c", "echo kept >/etc/x; grep -q ' / ext4 rw' /proc/mounts")
        disk = pathlib.Path(b.json("vm", "show", "bare")["directory"]) / "system.img"
        b.ok("vm", "stop", "bare")
        self.assertEqual(b.json("vm", "show", "bare")["last_error"], "")
        self.assertEqual(subprocess.run(["dumpe2fs", "-h", disk], capture_output=True,
                                        text=True).stdout.count("needs_recovery"), 0)
        b.ok("vm", "start", "bare")
        self.assertEqual(b.ok("vm", "exec", "bare", "--", "cat", "/etc/x"), "kept\n")
        b.ok("vm", "delete", "--force", "bare")


if __name__ == "__main__":
    unittest.main()
