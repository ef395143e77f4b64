"""Automatic suspension of unused VMs, and the cache of `vm stats`."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import wait_until  # noqa: E402


class Stale(BareCase):
    config = ('templates = false\nauto_stop_stale_after = "6s"\nauto_stop_action = "suspend"\n'
              'stats_poll_interval = "1h"\n')

    def test_an_unused_vm_is_suspended_and_one_in_use_is_not(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--image", "bare")
        uptimes = {b.json("vm", "stats", "v")[0]["uptime_ms"] for _ in range(2)}
        self.assertEqual(len(uptimes), 1)  # the second figure comes from the cache
        # This command runs longer than the limit. It could not end if its VM counted as unused.
        b.ok("vm", "exec", "v", "--", "sleep", "10")
        wait_until(lambda: b.json("vm", "show", "v")["state"] == "suspended", "the VM to be suspended")
        wait_until(lambda: self.uptimes_once_back() - uptimes, "fresh figures after a resume")
        b.ok("vm", "delete", "--force", "v")

    def uptimes_once_back(self):
        """Resumes the VM and returns its uptimes; an empty set if the VM was suspended again before the query."""
        self.b.run("vm", "resume", "v")
        done = self.b.run("vm", "stats", "v", "--json")
        return {row["uptime_ms"] for row in json.loads(done.stdout)} if done.returncode == 0 else set()


class Unlimited(BareCase):
    config = 'templates = false\nstats_poll_interval = "0"\n'

    def test_without_a_cache_figures_are_fresh(self):
        self.b.ok("vm", "create", "--name", "v", "--image", "bare")
        uptimes = [self.b.json("vm", "stats", "v")[0]["uptime_ms"] for _ in range(2)]
        self.assertLess(uptimes[0], uptimes[1])
        self.b.ok("vm", "delete", "--force", "v")


if __name__ == "__main__":
    unittest.main()
