"""Kills the daemon at various times during create, start, stop and delete. Nothing may be lost, and nothing left."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import wait_until  # noqa: E402
from marks import LONG, for_both, sample  # noqa: E402

SETTLED = ("running", "stopped")


CREATE = ("vm", "create", "--image", "bare", "--name")


class Crashes(BareCase):
    """Uses the busybox image because it boots fast; the contents of the guest do not matter here."""

    def assert_nothing_left(self):
        self.assertEqual((self.b.vm_dirs(), self.b.machines(), self.b.leftovers()), ([], [], []))

    def settle(self):
        """Starts a new daemon and waits until every VM is running or stopped. Returns the VMs by name."""
        def settled():
            return all(vm["state"] in SETTLED for vm in self.b.json("vm", "list"))
        wait_until(settled, "the VMs to settle")
        return {vm["name"]: vm for vm in self.b.json("vm", "list")}

    def kill_during(self, delay, *args):
        p = self.b.popen(*args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)  # so that the kill happens at different steps
        self.b.kill_daemon()
        p.wait(timeout=180)

    def check_all_true(self):
        vms = self.settle()
        running = [vm for vm in vms.values() if vm["state"] == "running"]
        self.assertEqual(len(self.b.machines()), len(running))
        self.assertEqual(sorted(self.b.vm_dirs()), sorted(vm["id"] for vm in vms.values()))
        self.assertEqual(self.b.leftovers(), [])
        return vms

    @for_both
    def test_an_interrupted_create_is_undone_or_finished(self):
        self.b.ok("daemon", "start")
        for delay in sample((0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.2), 3):
            self.kill_during(delay, *CREATE, "v")
            vms = self.check_all_true()
            if "v" in vms:
                if vms["v"]["state"] == "running":
                    self.assertEqual(self.b.ok("vm", "exec", "v", "--", "echo", "ok"), "ok\n")
                self.b.ok("vm", "delete", "--force", "v")
            self.assert_nothing_left()

    def test_interrupted_start_stop_and_delete_end_in_a_true_state(self):
        b = self.b
        b.ok(*CREATE, "v")
        b.ok("vm", "exec", "v", "--", "sh", "-c", "echo kept >/root/kept; sync")
        for delay in sample((0.02, 0.3, 1.0), 2):
            self.kill_during(delay, "vm", "stop", "v")
            vms = self.check_all_true()
            self.assertIn(vms["v"]["state"], SETTLED)
            b.ok("vm", "stop", "v")
            self.kill_during(delay, "vm", "start", "v")
            self.check_all_true()
            b.ok("vm", "start", "v")
            self.assertEqual(b.ok("vm", "exec", "v", "--", "cat", "/root/kept"), "kept\n")
        self.kill_during(0.01, "vm", "delete", "--force", "v")
        vms = self.check_all_true()
        if "v" in vms:
            b.ok("vm", "delete", "--force", "v")
        self.assert_nothing_left()

    def test_a_machine_killed_from_outside_is_noticed_and_can_be_started_again(self):
        b = self.b
        b.ok(*CREATE, "v")
        os.kill(b.machines()[0], signal.SIGKILL)
        wait_until(lambda: b.json("vm", "show", "v")["state"] == "stopped", "the exit to be noticed")
        self.assertIn("signal 9", b.json("vm", "show", "v")["last_error"])
        b.ok("vm", "start", "v")
        self.assertEqual(b.ok("vm", "exec", "v", "--", "echo", "ok"), "ok\n")
        # The same with a machine that ends while no daemon runs.
        b.kill_daemon()
        os.kill(b.machines()[0], signal.SIGKILL)
        wait_until(lambda: not b.machines(), "the machine to end")
        self.assertEqual(self.settle()["v"]["state"], "stopped")
        b.ok("vm", "delete", "v")
        self.assert_nothing_left()

    def test_gc_does_not_touch_machines_that_a_new_daemon_has_not_adopted_yet(self):
        b = self.b
        b.ok(*CREATE, "v")
        (machine,) = b.machines()
        os.kill(machine, signal.SIGSTOP)  # simulates a machine that is very slow because the host swaps
        b.kill_daemon()
        self.assertEqual([item for item in b.json("gc") if item["kind"] == "process"], [])
        self.assertEqual(b.machines(), [machine])
        os.kill(machine, signal.SIGCONT)
        wait_until(lambda: b.json("vm", "show", "v")["agent_ready"], "the agent to be found", 180)
        self.assertEqual(b.ok("vm", "exec", "v", "--", "echo", "ok"), "ok\n")
        self.assertEqual(b.machines(), [machine])
        self.assertEqual(b.leftovers(), [])
        b.ok("vm", "delete", "--force", "v")
        self.assert_nothing_left()

    def test_random_kills_lose_nothing(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        rng = random.Random(seed)
        b = self.b
        b.ok(*CREATE, "keep")
        b.ok("vm", "exec", "keep", "--", "sh", "-c", "echo precious >/root/p; sync")
        for _ in range(40 if LONG else 3):
            what = rng.choice([(*CREATE, "t"), ("vm", "restart", "keep"), ("vm", "stop", "keep"),
                               ("vm", "start", "keep")])
            self.kill_during(rng.uniform(0, 2.5), *what)
            vms = self.check_all_true()
            self.assertIn("keep", vms)
            if "t" in vms:
                b.ok("vm", "delete", "--force", "t")
        b.ok("vm", "start", "keep")
        self.assertEqual(b.ok("vm", "exec", "keep", "--", "cat", "/root/p"), "precious\n")
        b.ok("vm", "delete", "--force", "keep")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
