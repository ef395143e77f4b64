"""Kills the daemon at each commit of its journal, and the root helper at each of its network system calls. The guests
are real and on a bridge. Each interrupted operation must be undone or finished, and nothing may be left."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import killed  # noqa: E402
from marks import long, stride  # noqa: E402
from test_bridge import BridgeCase, HelperCase  # noqa: E402


class DaemonKilled(killed.KilledAtEachCommit, BridgeCase):
    config = 'network = "bridge"\npool_size = 0\npool_idle = "1s"\ntap_pool_size = 1\n'

    @classmethod
    def make_banger(cls):
        if reason := killed.skip_reason():
            raise unittest.SkipTest(reason)
        return super().make_banger()

    def make(self, name, *more):
        if name not in [vm["name"] for vm in self.b.json("vm", "list")]:
            self.b.ok("vm", "create", "--name", name, "--image", "bare", *more)

    def works(self, name):
        self.b.ok("vm", "start", name)
        self.assertTrue(self.reaches_outside(name))

    def test_create_and_delete(self):
        self.make("first")  # builds the template
        self.b.ok("vm", "delete", "--force", "first")

        def check(vms):
            if "v" in vms:
                self.works("v")
                self.b.ok("vm", "delete", "--force", "v")
            self.assertEqual(self.b.json("vm", "list"), [])
        self.kill_at_each_commit(lambda: None,
                            [("vm", "create", "--name", "v", "--image", "bare"), ("vm", "delete", "--force", "v")],
                            check)

    def test_suspend_and_resume(self):
        def check(vms):
            self.assertIn(vms["v"], ("running", "suspended"))
            self.works("v")
        self.kill_at_each_commit(lambda: self.make("v"), [("vm", "suspend", "v"), ("vm", "resume", "v")], check)

    @long
    def test_fork(self):
        def check(vms):
            for name in vms:
                self.works(name)
            if "c" in vms:
                self.b.ok("vm", "delete", "--force", "c")
        self.kill_at_each_commit(lambda: self.make("v"), [("vm", "fork", "v", "--name", "c")], check)

    @long
    def test_stop_and_start(self):
        def check(vms):
            self.works("v")
        self.kill_at_each_commit(lambda: self.make("v"), [("vm", "stop", "v"), ("vm", "start", "v")], check, every=2)


class HelperKilled(HelperCase):
    """Kills the helper's processes at their first network system call, then at the second, and so on. Every operation
    runs in its own process."""

    CALLS = "sendmsg,ioctl"  # sendmsg: netlink, and the answer with descriptors; ioctl: taps
    config = DaemonKilled.config

    @classmethod
    def make_banger(cls):
        if reason := killed.skip_reason():
            raise unittest.SkipTest(reason)
        return super().make_banger()

    def restart_helper(self, *traced):
        self.kill_helper()
        self.start_helper(*traced)

    def kills(self):
        return (self.place / "log").read_text().count("helper.killed")

    def test_a_helper_killed_at_any_call_leaves_nothing(self):
        story = (("vm", "create", "--name", "v", "--image", "bare"), ("vm", "set", "v", "--no-nat"),
                 ("vm", "delete", "--force", "v"))
        for command in story:
            self.b.ok(*command)
        for number in range(1, 100, stride(1)):
            self.b.ok("daemon", "stop")  # removes the idle taps and the bridge, so that the story makes them again
            self.assertEqual(self.net.links(), [])
            before = self.kills()
            self.restart_helper(*killed.strace_prefix(self.CALLS, number, children=True))
            for command in story:
                if self.b.run(*command).returncode != 0:
                    self.assertGreater(self.kills(), before)
            completed = self.kills() == before
            self.restart_helper()
            with self.subTest(call=number):
                if self.b.json("vm", "list"):
                    self.b.ok("vm", "set", "v", "--nat")
                    self.b.ok("vm", "start", "v")
                    self.assertTrue(self.reaches_outside("v"))
                    self.b.ok("vm", "delete", "--force", "v")
                self.assertEqual(self.b.leftovers(), [])
            if completed:
                self.assertGreater(number, 3)
                print(f"{number - 1} calls")
                return
        self.fail("the story never completed without a kill")


if __name__ == "__main__":
    unittest.main()
