"""What the daemon does with running VMs by itself, and what `vm stats` remembers."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import Case, wait_until  # noqa: E402


class Stale(Case):
    config = 'templates = false\nauto_stop_stale_after = "4s"\nauto_stop_action = "suspend"\nstats_poll_interval = "1h"\n'

    def test_an_unused_vm_is_suspended_and_one_in_use_is_not(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--memory", "512M")
        # Somebody waits for this command, longer than the limit.
        b.ok("vm", "exec", "v", "--", "sleep", "7")
        self.assertEqual(b.json("vm", "show", "v")["state"], "running")
        uptimes = {b.json("vm", "stats", "v")[0]["uptime_ms"] for _ in range(2)}
        self.assertEqual(len(uptimes), 1)  # from the cache
        wait_until(lambda: b.json("vm", "show", "v")["state"] == "suspended", "the VM to be suspended")
        b.ok("vm", "resume", "v")
        self.assertEqual(b.ok("vm", "exec", "v", "--", "echo", "back"), "back\n")
        self.assertNotIn(b.json("vm", "stats", "v")[0]["uptime_ms"], uptimes)  # of another run


class Unlimited(Case):
    config = 'templates = false\nstats_poll_interval = "0"\n'

    def test_without_a_cache_figures_are_fresh(self):
        self.b.ok("vm", "create", "--name", "v", "--memory", "512M")
        uptimes = [self.b.json("vm", "stats", "v")[0]["uptime_ms"] for _ in range(2)]
        self.assertLess(uptimes[0], uptimes[1])


if __name__ == "__main__":
    unittest.main()
