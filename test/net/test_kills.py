"""kill -9 of the daemon at each commit of its journal, and of the root helper at each of its calls to the kernel, with
real guests on a bridge: what was begun is undone or finished, and nothing is left."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import killed  # noqa: E402
from marks import stride  # noqa: E402
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
        self.make("first")  # the template
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

    def test_fork(self):
        def check(vms):
            for name in vms:
                self.works(name)
            if "c" in vms:
                self.b.ok("vm", "delete", "--force", "c")
        self.kill_at_each_commit(lambda: self.make("v"), [("vm", "fork", "v", "--name", "c")], check)

    def test_stop_and_start(self):
        def check(vms):
            self.works("v")
        self.kill_at_each_commit(lambda: self.make("v"), [("vm", "stop", "v"), ("vm", "start", "v")], check, every=2)


class HelperKilled(HelperCase):
    """Every operation runs in a process of its own; each of them dies at its first call to the kernel's networking, its
    second…"""

    CALLS = "sendmsg,ioctl"  # netlink, the answer with its descriptors; taps
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
            self.b.ok("daemon", "stop")  # with the idle taps and the bridge, so that all is made anew
            self.assertEqual(self.net.links(), [])
            before = self.kills()
            self.restart_helper(*killed.strace_prefix(self.CALLS, number, children=True))
            for command in story:
                if self.b.run(*command).returncode != 0:
                    self.assertGreater(self.kills(), before)
            through = self.kills() == before
            self.restart_helper()
            with self.subTest(call=number):
                if self.b.json("vm", "list"):
                    self.b.ok("vm", "set", "v", "--nat")
                    self.b.ok("vm", "start", "v")
                    self.assertTrue(self.reaches_outside("v"))
                    self.b.ok("vm", "delete", "--force", "v")
                self.assertEqual(self.b.leftovers(), [])
            if through:
                self.assertGreater(number, 3)
                print(f"{number - 1} calls")
                return
        self.fail("it never came through")


if __name__ == "__main__":
    unittest.main()
