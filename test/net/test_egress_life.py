"""The life of an egress policy: where it comes from, how it changes, and what it outlives. With real guests."""
import contextlib
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import egress  # noqa: E402
import netns  # noqa: E402
from egress import HOST_PUBLIC, NOTHING, OTHER, SECRET_PORT, SHARED, WEB, request  # noqa: E402
from harness import wait_until  # noqa: E402
from internet import ECHO_PORT, NAME_SERVER, TLS_PORT, WEB_PORT  # noqa: E402
from marks import long  # noqa: E402
from test_bridge import BridgeCase  # noqa: E402
from test_private_network import PrivateCase  # noqa: E402

SERVICE_PORT = 8080  # of a guest
# Holds a connection that says something all the time.
KEEP = f"""
rm -f /tmp/kept
(while :; do echo tick; sleep 0.2; done | nc -w 60 {OTHER} {ECHO_PORT} >/tmp/kept) </dev/null >/dev/null 2>&1 &
"""
# Tries to get out in three ways, again and again: by address, by another host of an open address, and by name.
ATTACK = f"""
(while :; do
  echo try >>/tmp/tries
  echo hello | timeout 1 nc -w 1 {OTHER} {ECHO_PORT}
  printf 'GET / HTTP/1.1\\r\\nHost: other.example\\r\\n\\r\\n' | timeout 1 nc -w 1 {WEB} {WEB_PORT}
  echo hello | timeout 1 nc -w 1 other.example {ECHO_PORT}
done) </dev/null >/dev/null 2>&1 &
"""


def kill(*pids):
    """Some of the processes end with others of them."""
    for pid in filter(None, pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Stories(egress.OnTheInternet):
    """A mixin with what several cases below check."""

    def setUp(self):
        super().setUp()
        self.internet.seen.clear()

    def assert_only_web(self, name):
        """The guest reaches web.example, and neither another name nor another address."""
        self.assertTrue(self.web(name, "web.example"))
        self.assertIn("NXDOMAIN", self.lookup(name, "other.example"))
        self.assert_unreached(name, OTHER, WEB_PORT, request("other.example"))

    def assert_reaches_nothing(self, name):
        self.assertNotIn(WEB, self.lookup(name, "web.example"))
        self.assert_unreached(name, WEB, WEB_PORT, request("web.example"))
        self.assertFalse(self.reaches(name, WEB, NOTHING))

    def tries(self, name):
        return int(self.guest(name, "sh", "-c", "wc -l </tmp/tries").stdout or 0)

    def assert_holds_through(self, name, *kills):
        """The guest tries to get out all the time. After each kill what is allowed works again."""
        self.assertTrue(self.web(name, "web.example"))
        self.b.ok("vm", "exec", name, "--", "sh", "-c", ATTACK)
        wait_until(lambda: self.tries(name), "the first try")
        for end in kills:
            before = self.tries(name)
            end()
            wait_until(lambda: self.web(name, "web.example", timeout=NOTHING), "the guest to reach what is allowed")
            wait_until(lambda: self.tries(name) > before, "the guest to try again")
        self.assertEqual(self.internet.reached(OTHER), [])
        self.assertEqual(set(self.internet.texts("host")), {"web.example/"})

    def kill_gates(self):
        gates = self.gates()
        self.assertTrue(gates, "there is no gate")
        kill(*gates)


class Policies(Stories, PrivateCase):
    config = PrivateCase.config + '[egress.work]\nallow = ["web.example"]\n'

    def test_a_policy_of_the_config_has_rules_of_its_own_and_a_fork_has_it_too(self):
        self.make("one", "--egress", "work", "--allow", "ports.example:8080")
        for name in ("one", "child"):
            if name == "child":
                self.b.ok("vm", "fork", "one", "--name", "child")
            self.assert_only_web(name)
            self.assertTrue(self.other_web(name, "ports.example"))
            self.internet.seen.clear()
        refused = self.b.run("vm", "create", "--name", "two", "--image", "bare", "--egress", "unknown")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("unknown", refused.stderr)

    @long
    def test_the_config_can_name_the_policy_of_new_vms(self):
        config = self.b.root / "config/banger/config.toml"
        before = config.read_text()
        self.addCleanup(config.write_text, before)
        config.write_text('default_egress = "work"\n' + before)
        self.b.ok("daemon", "stop")
        self.make("one")
        self.assert_only_web("one")
        self.make("two", "--egress", "open")
        self.assertTrue(self.web("two", "other.example"))

    def test_a_running_guest_gets_other_policies(self):
        self.make("one", "--egress", "none")
        self.assert_reaches_nothing("one")
        self.b.ok("vm", "set", "one", "--allow", "web.example")
        self.assert_only_web("one")
        self.b.ok("vm", "set", "one", "--allow", "web.example", "--allow", "one.cdn.example:80")
        self.assertTrue(self.web("one", "one.cdn.example"))
        self.assertFalse(self.tls("one", "one.cdn.example", timeout=NOTHING))
        self.assertTrue(self.web("one", "web.example"))

        self.b.ok("vm", "set", "one", "--egress", "open")
        self.assertTrue(self.web("one", "other.example"))
        self.assertTrue(self.tls("one", "any.example", SHARED))
        self.b.ok("vm", "exec", "one", "--", "sh", "-c", KEEP)
        wait_until(lambda: self.internet.texts("echo"), "the connection")

        self.b.ok("vm", "set", "one", "--egress", "none")

        def is_cut():
            self.internet.seen.clear()
            self.guest("one", "sleep", "1")
            return not self.internet.texts("echo")
        wait_until(is_cut, "the connection to be cut", 30)
        self.internet.seen.clear()
        self.assertIn("NXDOMAIN", self.lookup("one", "other.example"))
        self.assert_unreached("one", OTHER, WEB_PORT, request("other.example"))

    def test_another_guest_is_closed_until_a_rule_names_it(self):
        self.make("one", "--egress", "none", "--allow", "web.example")
        self.make("two")
        self.serve_in_guest("two", SERVICE_PORT)
        two = self.address("two")
        self.assertEqual(self.talk("one", two, SERVICE_PORT, timeout=NOTHING), "")
        self.assertFalse(self.reaches("one", two, NOTHING))
        self.assert_refusal("one", "address_closed", address=two, port=SERVICE_PORT)
        self.b.ok("vm", "set", "one", "--allow", "two.vm")
        self.assertEqual(self.talk("one", "two.vm", SERVICE_PORT), "hello\n")
        self.assertFalse(self.reaches("one", two, NOTHING))

    @long
    def test_another_guest_is_open_by_its_address(self):
        self.make("two")
        self.serve_in_guest("two", SERVICE_PORT)
        two = self.address("two")
        self.make("one", "--egress", "none", "--allow", f"{two}:{SERVICE_PORT}")
        self.assertEqual(self.talk("one", two, SERVICE_PORT), "hello\n")
        self.assertEqual(self.talk("one", two, SERVICE_PORT + 1, timeout=NOTHING), "")

    def test_the_policy_outlives_each_process(self):
        def kill_network():
            kill(self.keeper(), self.child_of_keeper("pasta"))

        def kill_all():
            kill(self.b.daemon_pid(), self.keeper(), self.child_of_keeper("pasta"), self.child_of_keeper("bangerd-net"),
                 *self.gates())
        self.make("one", "--egress", "none", "--allow", "web.example")
        self.assert_holds_through("one", self.kill_gates, self.b.kill_daemon, kill_network, kill_all)

    @long
    def test_the_policy_is_there_after_a_resume_and_after_a_restart(self):
        self.make("one", "--egress", "none", "--allow", "web.example")
        for again in (("suspend", "resume"), ("stop", "start")):
            for word in again:
                self.b.ok("vm", word, "one")
            self.assert_only_web("one")


class OnTheUserNetwork(Stories, PrivateCase):
    tun_mode = 0o600
    config = Policies.config

    def test_only_the_policy_none_works(self):
        for flags in (("--egress", "work"), ("--egress", "none", "--allow", "web.example")):
            refused = self.b.run("vm", "create", "--name", "two", "--image", "bare", *flags)
            self.assertEqual(refused.returncode, 125, flags)
            self.assertIn("network", refused.stderr)
        self.assertEqual(self.b.json("vm", "list"), [])
        self.assertEqual(self.make("one", "--egress", "none")["network"], "user")
        self.assert_reaches_nothing("one")
        self.assertEqual(self.secret("one", "10.0.2.2"), "")
        self.assertEqual(self.talk("one", netns.OUTSIDE_ADDRESS, netns.PORT, timeout=NOTHING), "")
        self.assertEqual(self.internet.seen, [])


class OnABridgeOfRoot(Stories, BridgeCase):
    config = BridgeCase.config + f'default_dns = "{NAME_SERVER}"\n'

    @classmethod
    def make_banger(cls):
        banger = super().make_banger()
        cls.net.serve(cls.net.host, "0.0.0.0", SECRET_PORT)
        return banger

    def test_a_guest_reaches_what_its_policy_allows(self):
        two = self.make("two")
        self.serve_in_guest("two", SERVICE_PORT)
        self.make("one", "--egress", "none", "--allow", "web.example", "--allow", "one.cdn.example")
        self.assert_only_web("one")
        self.assertTrue(self.tls("one", "one.cdn.example"))
        self.assertFalse(self.tls("one", "two.cdn.example", SHARED, timeout=NOTHING))
        self.assert_refusal("one", "name_not_allowed", name="two.cdn.example", address=SHARED, port=TLS_PORT)
        for address in ("172.16.0.1", netns.HOST_ADDRESS, HOST_PUBLIC):
            self.assertEqual(self.secret("one", address), "", address)
        self.assertEqual(self.talk("one", two, SERVICE_PORT, timeout=NOTHING), "")
        self.assertFalse(self.reaches("one", two, NOTHING))
        self.assertTrue(self.web("two", "other.example"))
        self.b.ok("vm", "set", "one", "--egress", "open")
        self.assertTrue(self.web("one", "other.example"))

    @long
    def test_the_policy_outlives_gate_and_daemon(self):
        self.make("one", "--egress", "none", "--allow", "web.example")
        self.assert_holds_through("one", self.kill_gates, self.b.kill_daemon)


if __name__ == "__main__":
    unittest.main()
