"""Limits that a guest feels, as QEMU, the guest's kernel and refusals show them. No story depends on a host's speed."""
import json
import os
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, SeededCase, wait_until  # noqa: E402
from marks import for_both  # noqa: E402

MIB = 2**20
# Prints the limit of the group in which this command runs, wherever the guest has its cgroups.
OWN_LIMIT = "cat $(sed -n 's/^[^ ]* \\([^ ]*\\) cgroup2 .*/\\1/p' /proc/mounts | head -n 1)"\
            "$(sed -n 's/^0:://p' /proc/self/cgroup)/pids.max"


def ask_qemu(path, command):
    """QEMU's answer on its control socket. QEMU serves one client, so no daemon may run."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(60)
        parent = os.open(path.parent, os.O_PATH)  # the name may be too long for an address
        control.connect(f"/proc/self/fd/{parent}/{path.name}")
        os.close(parent)
        lines = control.makefile("rw")
        lines.readline()
        for each in ("qmp_capabilities", command):
            lines.write(json.dumps({"execute": each}) + "\n")
            lines.flush()
            while "return" not in (answer := json.loads(lines.readline())):
                pass
        return answer["return"]


@for_both
class Limits(SeededCase):
    def disk_limits(self, vm):
        """The limits that QEMU itself has, for all disks: (operations, bytes, group)."""
        path = pathlib.Path(self.b.json("vm", "show", vm)["directory"]) / "qmp.sock"
        self.b.ok("daemon", "stop")
        disks = [each["inserted"] for each in ask_qemu(path, "query-block") if "inserted" in each]
        found = {(disk["iops"], disk["bps"], disk.get("group", "")) for disk in disks}
        self.assertEqual(len(found), 1, "every disk has the same limits")
        return found.pop()

    def test_all_disks_share_limits_which_change_while_the_guest_runs(self):
        self.b.ok("vm", "create", "--name", "x", *SHAPE, "--disk-iops", "500", "--disk-bandwidth", "20M")
        self.assertEqual(self.disk_limits("x"), (500, 20 * MIB, "disks"))
        self.assertIn("500 operations/s, 20M/s", self.b.ok("vm", "show", "x"))
        self.assertNotIn("restart", self.b.ok("vm", "set", "x", "--disk-iops", "0", "--disk-bandwidth", "30M"))
        self.assertEqual(self.disk_limits("x"), (0, 30 * MIB, "disks"))
        self.b.ok("vm", "exec", "x", "--", "sh", "-c", "dd if=/dev/zero of=/root/f bs=64k count=16 conv=fsync")
        # A fork has the limits of its parent, and a resumed machine those of its record.
        self.b.ok("vm", "fork", "x", "--name", "child")
        self.assertEqual(self.disk_limits("child"), (0, 30 * MIB, "disks"))
        self.b.ok("vm", "suspend", "x")
        self.b.ok("vm", "set", "x", "--disk-bandwidth", "0", "--disk-iops", "700")
        self.b.ok("vm", "resume", "x")
        self.assertEqual(self.disk_limits("x"), (700, 0, "disks"))
        self.b.ok("vm", "set", "x", "--disk-iops", "0")
        self.assertEqual(self.disk_limits("x"), (0, 0, ""))

    def test_a_command_has_a_limit_of_processes_which_changes_while_the_guest_runs(self):
        self.b.ok("vm", "create", "--name", "x", *SHAPE, "--pids", "40")

        def own_limit():
            return self.b.ok("vm", "exec", "x", "--", "sh", "-c", OWN_LIMIT).strip()
        self.assertEqual(own_limit(), "40")
        started = self.b.run("vm", "exec", "x", "--", "sh", "-c", "for i in $(seq 60); do sleep 100 & done; echo all")
        self.assertNotIn("all", started.stdout)
        # Only that command was limited.
        self.assertEqual(self.b.ok("vm", "exec", "x", "--", "echo", "hi"), "hi\n")
        self.b.ok("vm", "set", "x", "--pids", "90")
        self.assertEqual(own_limit(), "90")
        self.b.ok("vm", "set", "x", "--pids", "0")
        self.assertGreater(int(own_limit()), 90)

    def test_a_limit_that_nothing_enforces_or_nobody_can_use_is_refused(self):
        for options, words in ((("--network", "user", "--net-bandwidth", "1M"), "--net-bandwidth 0"),
                               (("--disk-iops", "5"), "or 0 for no limit"),
                               (("--disk-bandwidth", "1K"), "or 0 for no limit"),
                               (("--pids", "3"), "or 0 for no limit")):
            refused = self.b.run("vm", "create", "--name", "x", *SHAPE, *options)
            self.assertNotEqual(refused.returncode, 0, options)
            self.assertIn(words, refused.stderr)
        self.assertEqual(self.b.json("vm", "list"), [])
        self.b.ok("vm", "create", "--name", "x", *SHAPE, "--network", "user")
        refused = self.b.run("vm", "set", "x", "--net-bandwidth", "1M")
        self.assertIn("nothing enforces the limit", refused.stderr)
        self.assertEqual(self.b.json("vm", "show", "x")["net_bandwidth_bytes"], 0)

    def test_the_daemon_keeps_the_end_of_its_own_log_only(self):
        self.b.ok("vm", "list")  # starts the daemon
        log = self.b.state / "bangerd.log"
        with open(log, "a") as file:
            file.write("an old line\n" * (12 * MIB // 12) + "the last line\n")
        wait_until(lambda: log.stat().st_blocks * 512 < 4 * MIB, "the daemon to bound its log")
        shown = self.b.ok("daemon", "logs")
        self.assertNotIn("\0", shown)
        self.assertTrue(shown.startswith("an old line\n"), shown[:100])
        self.assertIn("the last line\n", shown)


if __name__ == "__main__":
    unittest.main()
