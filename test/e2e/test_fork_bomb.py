"""A command that starts processes without end. It hurts its guest, but the next command still runs."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import Case, wait_until  # noqa: E402


def check_fork_bomb(test, b, cgroups, *create):
    b.ok("vm", "create", "--name", "o", "--memory", "256M", *create)
    test.addCleanup(b.run, "vm", "delete", "--force", "o")
    # As in a guest with less memory, so that the bomb reaches its limit sooner. The first command reads this number.
    (b.root / "threads").write_text("800")
    b.ok("vm", "cp", str(b.root / "threads"), "o:/proc/sys/kernel/threads-max")
    test.assertEqual(b.ok("vm", "exec", "o", "--", "sh", "-c", "cat /proc/$PPID/cgroup | grep ^0:"),
                     "0::/banger-agent\n")
    # Few tasks need no shares of the processor, which would make each command slower.
    controllers = f"cat {cgroups}/cgroup.subtree_control"
    test.assertEqual(b.ok("vm", "exec", "o", "--", "sh", "-c", f"cat {cgroups}/*/pids.max | sort -u"), "200\n")
    test.assertEqual(b.ok("vm", "exec", "o", "--", "sh", "-c", controllers), "pids\n")
    bomb = b.popen("vm", "exec", "o", "--", "sh", "-c", "f() { f | f & }; f; sleep 100000",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    test.addCleanup(bomb.wait)
    test.addCleanup(bomb.kill)

    def groups_at_their_limit():
        events = b.ok("vm", "exec", "o", "--", "sh", "-c", f"grep -l '^max [1-9]' {cgroups}/*/pids.events || true")
        return [pathlib.Path(path).parent for path in events.split()]
    wait_until(groups_at_their_limit, "the limit to hold the bomb")
    for _ in range(3):
        test.assertEqual(b.ok("vm", "exec", "o", "--", "sh", "-c", "echo one | cat; echo two"), "one\ntwo\n")
    test.assertEqual(b.ok("vm", "exec", "o", "--", "sh", "-c", controllers), "cpu pids\n")
    test.assertGreater(b.json("vm", "stats", "o")[0]["uptime_ms"], 0)
    group, = groups_at_their_limit()
    b.ok("vm", "exec", "o", "--", "sh", "-c", f"echo 1 >{group}/cgroup.kill")
    test.assertEqual(bomb.wait(timeout=180), 137)
    b.ok("vm", "stop", "o")
    test.assertEqual(b.json("vm", "show", "o")["last_error"], "")


class WithoutInit(BareCase):
    def test_a_fork_bomb_does_not_keep_the_next_command_from_running(self):
        check_fork_bomb(self, self.b, "/sys/fs/cgroup/banger-commands", "--image", "bare")


class WithSystemd(Case):
    def test_a_fork_bomb_does_not_keep_the_next_command_from_running(self):
        check_fork_bomb(self, self.b, "/sys/fs/cgroup/banger-commands")


if __name__ == "__main__":
    unittest.main()
