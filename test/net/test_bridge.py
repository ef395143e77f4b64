"""Bridge networking with real guests. The test makes two network namespaces: a host, and the network outside it."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import netns  # noqa: E402
from bare import BareCase  # noqa: E402
from harness import BIN, PATIENT, Banger, helper_starts, wait_until  # noqa: E402
from marks import for_root, long  # noqa: E402

REPLY_TIMEOUT, NO_REPLY_TIMEOUT = 60, 3  # seconds; the second one is for replies that must not come


@for_root
class BridgeCase(BareCase):
    """A Banger in a separate host namespace. Anything that a test leaves there is a failure."""

    config = 'templates = false\nnetwork = "bridge"\npool_idle = "1s"\ntap_pool_size = 2\n'

    @classmethod
    def make_banger(cls):
        if reason := netns.skip_reason():
            raise unittest.SkipTest(reason)
        cls.net = netns.Network()
        cls.addClassCleanup(cls.net.destroy)
        return Banger(config=cls.config, prefix=cls.net.command(cls.net.host))

    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        names = [vm["name"] for vm in self.b.json("vm", "list")]
        if names:
            self.b.ok("vm", "delete", "--force", *names)
        self.b.ok("daemon", "stop")
        self.assertEqual(self.net.links(), [])
        self.assertEqual(self.rules(), [])
        self.assertEqual(self.net.forwarding(), "0")

    def configure(self, more):
        """Adds lines to the config. A daemon that starts later reads them."""
        (self.b.root / "config/banger/config.toml").write_text(PATIENT + self.config + more)

    def rules(self):
        """Returns the firewall rules that banger has made."""
        return [entry for entry in self.net.rules() if "banger" in str(entry)]

    def make(self, name, *more):
        self.b.ok("vm", "create", "--name", name, "--image", "bare", *more)
        vm = self.b.json("vm", "show", name)
        self.assertEqual(vm["network"], "bridge", vm)
        return vm["address"]

    def guest(self, name, *argv):
        return self.b.run("vm", "exec", name, "--", *argv)

    def reaches_outside(self, name, timeout=REPLY_TIMEOUT):
        """Whether the guest gets a reply from outside. NAT must have replaced its address by the host's."""
        done = self.guest(name, "nc", "-w", str(timeout), netns.OUTSIDE_ADDRESS, str(netns.PORT))
        return done.stdout == f"you are {netns.HOST_ADDRESS}\n"

    def reaches(self, name, address, timeout=REPLY_TIMEOUT):
        return self.guest(name, "ping", "-c", "1", "-W", str(timeout), address).returncode == 0

    def assert_cut_off(self, name):
        self.assertFalse(self.reaches_outside(name, NO_REPLY_TIMEOUT))


class Bridge(BridgeCase):
    def test_guests_reach_each_other_and_the_outside_through_nat(self):
        one, two = self.make("one"), self.make("two")
        self.assertEqual((one, two), ("172.16.0.2", "172.16.0.3"))
        self.assertTrue(self.reaches("one", two))
        self.assertTrue(self.reaches("two", one))
        self.assertTrue(self.reaches("one", "172.16.0.1"))
        self.assertTrue(self.reaches_outside("one"))
        self.assertIn("default via 172.16.0.1", self.guest("one", "ip", "route").stdout)
        self.assertIn("nameserver 1.1.1.1", self.guest("one", "cat", "/etc/resolv.conf").stdout)
        self.net.sh(self.net.host, f"busybox ping -c 1 -W {REPLY_TIMEOUT} {one}")

    def test_without_nat_a_guest_reaches_only_other_guests(self):
        self.net.serve(self.net.host, netns.HOST_ADDRESS, 8001)
        one, two = self.make("one", "--no-nat"), self.make("two")
        self.assertTrue(self.reaches("one", two))
        self.assert_cut_off("one")
        self.assertFalse(self.reaches("one", "172.16.0.1", NO_REPLY_TIMEOUT))
        self.assertEqual(self.guest("one", "ip", "route").stdout.count("default"), 0)
        # The guest cannot get out by adding a route itself.
        self.b.ok("vm", "exec", "one", "--", "ip", "route", "add", "default", "via", "172.16.0.1")
        self.assert_cut_off("one")
        self.assertEqual(self.guest("one", "nc", "-w", str(NO_REPLY_TIMEOUT), netns.HOST_ADDRESS, "8001").stdout, "")
        self.assertEqual(self.guest("two", "nc", "-w", str(REPLY_TIMEOUT), netns.HOST_ADDRESS, "8001").stdout,
                         f"you are {two}\n")
        self.net.sh(self.net.host, f"busybox ping -c 1 -W {REPLY_TIMEOUT} {one}")  # replies to the host are allowed

    def test_link_local_addresses_are_closed_even_to_a_guest_that_changes_its_routes(self):
        metadata = "169.254.169.254"
        self.net.sh(self.net.outside, f"ip address add {metadata}/32 dev eth0")
        self.addCleanup(self.net.sh, self.net.outside, f"ip address del {metadata}/32 dev eth0")
        self.net.serve(self.net.outside, metadata, 8002)
        self.make("one")

        def asked(timeout):
            return self.guest("one", "nc", "-w", str(timeout), metadata, "8002").stdout
        self.assertEqual(asked(NO_REPLY_TIMEOUT), "")
        self.guest("one", "ip", "route", "del", "unreachable", "169.254.0.0/16")
        self.assertEqual(asked(NO_REPLY_TIMEOUT), "")
        self.assertTrue(self.reaches_outside("one"))
        # The same guest reaches them when the config lets it.
        self.b.ok("vm", "stop", "one")
        self.b.ok("daemon", "stop")
        self.configure("guest_link_local = true\n")
        self.addCleanup(self.configure, "")
        self.b.ok("vm", "start", "one")
        self.assertEqual(asked(REPLY_TIMEOUT), f"you are {netns.HOST_ADDRESS}\n")

    @long
    def test_nat_can_be_changed_while_the_vm_runs(self):
        self.make("one")
        self.assertTrue(self.reaches_outside("one"))
        self.assertEqual(self.b.ok("vm", "set", "one", "--no-nat"), "one: set\n")
        self.assert_cut_off("one")
        self.b.ok("vm", "set", "one", "--nat")
        self.assertTrue(self.reaches_outside("one"))

    def test_the_outside_reaches_no_guest(self):
        one = self.make("one")
        self.net.sh(self.net.outside, f"ip route add 172.16.0.0/24 via {netns.HOST_ADDRESS}")
        self.addCleanup(self.net.sh, self.net.outside, "ip route del 172.16.0.0/24")
        with self.assertRaises(AssertionError):
            self.net.sh(self.net.outside, f"busybox ping -c 1 -W 2 {one}")

    def test_a_guest_can_use_only_its_own_address_and_mac(self):
        one, two = self.make("one"), self.make("two")
        self.assertTrue(self.reaches("one", two))
        device = self.guest("one", "sh", "-c", "ls /sys/class/net | grep -v lo").stdout.strip()
        self.b.ok("vm", "exec", "one", "--", "ip", "address", "add", "172.16.0.99/24", "dev", device)
        self.assertNotEqual(self.guest("one", "ping", "-I", "172.16.0.99", "-c", "1", "-W", "2", two).returncode, 0)
        # The guest announces another guest's address by ARP. The announcement is dropped.
        self.guest("one", "arping", "-U", "-c", "2", "-I", device, "-s", two, two)
        self.net.sh(self.net.host, f"busybox ping -c 1 -W {REPLY_TIMEOUT} {two}")
        # The guest uses another guest's MAC address.
        self.b.ok("vm", "exec", "one", "--", "sh", "-c",
                  f"ip link set {device} down; ip link set {device} address 52:54:ac:10:00:03; ip link set {device} up")
        self.assertFalse(self.reaches("one", two, NO_REPLY_TIMEOUT))
        self.assertTrue(self.reaches("two", "172.16.0.1"))
        self.b.ok("vm", "exec", "one", "--", "sh", "-c",
                  f"ip link set {device} down; ip link set {device} address 52:54:ac:10:00:02; ip link set {device} up")
        self.assertTrue(self.reaches("one", two))

    @long
    def test_an_address_stays_with_its_vm_until_the_vm_is_deleted(self):
        one, two = self.make("one"), self.make("two")
        self.b.ok("vm", "stop", "one")
        self.assertEqual(self.b.json("vm", "show", "one")["address"], one)
        three = self.make("three")
        self.assertNotIn(three, (one, two))
        self.b.ok("vm", "start", "one")
        self.assertTrue(self.reaches("three", one))
        self.b.ok("vm", "delete", "--force", "two")
        self.assertEqual(self.make("four"), two)
        self.assertTrue(self.reaches("four", one))

    def test_a_forward_policy_of_drop_is_opened_for_the_bridge_and_restored(self):
        self.net.sh(self.net.host,
                    "nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; "
                    "policy drop; }; "
                                   "add rule ip filter FORWARD iifname docker0 accept'")
        before = self.net.rules()
        self.addCleanup(self.net.sh, self.net.host, "nft delete table ip filter")
        self.make("one")
        self.assertTrue(self.reaches_outside("one"))
        self.b.ok("vm", "delete", "--force", "one")
        self.b.ok("daemon", "stop")
        self.assertEqual(self.net.rules(), before)

    def test_an_address_range_in_use_is_explained(self):
        self.net.sh(self.net.host,
                    "ip link add docker0 type bridge; ip address add 172.16.0.5/16 dev docker0; ip link set docker0 up")
        self.addCleanup(self.net.sh, self.net.host, "ip link delete docker0")
        done = self.b.run("vm", "create", "--name", "one", "--image", "bare")
        self.assertEqual(done.returncode, 125)
        for text in ("172.16.0.0/24 is in use", "172.16.0.0/16 through docker0 (Docker)", "set bridge_ip"):
            self.assertIn(text, done.stderr)
        # Without an address, docker0 does not occupy the range any more. The cleanup deletes it.
        self.net.sh(self.net.host, "ip link delete docker0; ip link add docker0 type bridge")

    @long
    def test_bridge_and_user_networks_work_at_the_same_time(self):
        self.make("one")
        self.b.ok("vm", "create", "--name", "two", "--image", "bare", "--network", "user")
        self.assertEqual(self.b.json("vm", "show", "two")["address"], "10.0.2.15")
        self.assertTrue(self.reaches_outside("one"))
        self.assertTrue(self.reaches_outside("two"))

    def test_the_network_survives_a_killed_daemon_and_works_after_a_restart_of_the_vm(self):
        self.make("one")
        self.b.kill_daemon()
        self.assertTrue(self.reaches_outside("one"))
        self.b.kill_daemon()
        os.kill(self.b.machines()[0], signal.SIGKILL)
        wait_until(lambda: not self.b.machines(), "the machine to end")
        self.assertEqual(self.b.json("vm", "show", "one")["state"], "stopped")
        self.b.ok("vm", "start", "one")
        self.assertTrue(self.reaches_outside("one"))

    def test_the_bridge_is_removed_some_time_after_the_last_vm(self):
        self.make("one")
        # The four links are the bridge, the VM's tap, and two idle taps.
        wait_until(lambda: len(self.net.links()) == 4, "the pool to be filled")
        self.b.ok("vm", "delete", "--force", "one")
        wait_until(lambda: self.net.links() == [] and self.rules() == [], "the bridge to be removed")

    def test_gc_finds_and_removes_stray_taps(self):
        self.make("one")
        mark = json.loads(self.net.sh(self.net.host, "ip -j link show bg-1"))[0]["ifalias"]
        # One tap has this daemon's mark. The others are another daemon's of the same user, and another user's.
        for number, alias in ((77, mark), (78, mark + "1"), (79, "banger 4711/1")):
            self.net.sh(self.net.host, f"ip tuntap add bg-{number} mode tap; ip link set bg-{number} alias '{alias}'")
            self.addCleanup(self.net.sh, self.net.host, f"ip link del bg-{number} 2>/dev/null || true")
        self.assertEqual([(item["kind"], item["path"]) for item in self.b.leftovers()], [("tap", "bg-77")])
        self.b.ok("gc")
        self.assertEqual(self.b.leftovers(), [])
        self.assertTrue(self.reaches_outside("one"))


class ClonesOnABridge(BridgeCase):
    """Guests that are clones of a template. Their address must replace the template's."""

    config = 'network = "bridge"\npool_size = 1\n'

    def test_a_clone_has_only_its_own_address(self):
        one, two = self.make("one"), self.make("two")
        self.assertIn(self.b.json("vm", "show", "one")["way"], ("clone", "pool"))
        for name, address, other in (("one", one, two), ("two", two, one)):
            shown = self.guest(name, "ip", "-4", "-o", "address").stdout
            self.assertEqual(shown.count("inet 172.16.0."), 1, shown)
            self.assertIn(f"{address}/24", shown)
            self.assertEqual(self.guest(name, "ip", "route").stdout.count("default"), 1)
            self.assertTrue(self.reaches(name, other))
            self.assertTrue(self.reaches_outside(name))

    def test_a_vm_from_the_ready_pool_can_be_without_nat(self):
        self.make("one")
        wait_until(lambda: any(each["state"] == "ready" for each in self.pool()), "the pool to be filled")
        self.make("two", "--no-nat")
        self.assertEqual(self.b.json("vm", "show", "two")["way"], "pool")
        self.assert_cut_off("two")

    def pool(self):
        import json
        return json.loads(self.b.ok("rpc", "template.list"))["pool"]

    def test_suspended_forked_and_restored_guests_have_a_network(self):
        one = self.make("one")
        self.b.ok("vm", "suspend", "one")
        self.b.ok("vm", "resume", "one")
        self.assertEqual(self.b.json("vm", "show", "one")["address"], one)
        self.assertTrue(self.reaches_outside("one"))
        self.b.ok("vm", "fork", "one", "--name", "child")
        self.assertNotEqual(self.b.json("vm", "show", "child")["address"], one)
        self.assertTrue(self.reaches_outside("child"))
        self.assertTrue(self.reaches("child", one))


class HelperCase(BridgeCase):
    """An owner without any privilege. The helper does everything that needs root."""

    OWNER = "daemon"  # every Debian has that user
    config = 'templates = false\npool_idle = "1s"\ntap_pool_size = 1\n'

    @classmethod
    def make_banger(cls):
        if reason := netns.skip_reason():
            raise unittest.SkipTest(reason)
        cls.net = netns.Network()
        cls.addClassCleanup(cls.net.destroy)
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="banger-helper-"))
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.place])
        cls.place.chmod(0o755)
        (cls.place / "install.toml").write_text(f'owner = "{cls.OWNER}"\nbridge_ip = "10.77.0.1"\ncidr = 28\n')
        (cls.place / "install.toml").chmod(0o644)
        cls.start_helper()
        cls.addClassCleanup(cls.kill_helper)
        banger = Banger(config=cls.config, prefix=cls.net.command(cls.net.host), user=cls.OWNER)
        banger.env["BANGER_HELPER_SOCKET"] = str(cls.place / "run" / "helper.sock")
        return banger

    @classmethod
    def start_helper(cls, *traced):
        """Starts the helper. `traced` is put before its command, for example strace."""
        (cls.place / "run" / "helper.sock").unlink(missing_ok=True)
        log = cls.place / "log"
        starts = helper_starts(log)
        with open(log, "ab") as errors:
            cls.helper = subprocess.Popen(cls.net.command(cls.net.host, *traced, BIN / "bangerd-root", "--config",
                                                          cls.place / "install.toml",
                                                          "--socket", cls.place / "run" / "helper.sock"),
                                          stderr=errors, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: helper_starts(log) > starts, "the helper to listen")

    @classmethod
    def kill_helper(cls):
        os.killpg(cls.helper.pid, signal.SIGKILL)  # with the processes of requests in progress
        cls.helper.wait()


class WithTheRootHelper(HelperCase):
    def test_the_whole_life_of_vms_without_any_privilege(self):
        one, two = self.make("one"), self.make("two")
        # The addresses come from the install's range; the owner's config cannot change it.
        self.assertEqual((one, two), ("10.77.0.2", "10.77.0.3"))
        self.assertTrue(self.reaches("one", two))
        self.assertTrue(self.reaches_outside("one"))
        self.b.ok("vm", "set", "one", "--no-nat")
        self.assert_cut_off("one")
        self.b.ok("vm", "set", "one", "--nat")
        self.b.ok("vm", "suspend", "two")
        self.b.ok("vm", "resume", "two")
        self.assertTrue(self.reaches("one", two))
        self.b.ok("vm", "stop", "one")
        self.b.ok("vm", "start", "one")
        self.assertTrue(self.reaches_outside("one"))
        self.b.kill_daemon()
        self.assertTrue(self.reaches_outside("one"))
        self.assertEqual(self.b.leftovers(), [])

    def test_a_guest_is_reached_by_its_name(self):
        """Connects like `ssh one.vm`: the namespace's resolver asks dnsmasq, and dnsmasq asks the daemon."""
        self.make("one")
        self.b.ok("vm", "exec", "one", "--", "sh", "-c",
                  "nc -ll -p 22 -e echo this is one </dev/null >/dev/null 2>&1 &")
        words = ["--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=", "--listen-address=127.0.0.1",
                 "--bind-interfaces", "--user=root",
                 "--server=/vm/127.0.0.1#42069"]
        dnsmasq = subprocess.Popen(self.net.command(self.net.host, "dnsmasq", *words), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(dnsmasq.wait)
        self.addCleanup(dnsmasq.terminate)
        resolver = self.place / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n")
        connect = "import socket; s = socket.create_connection(('one.vm', 22), 20); print(s.makefile().read(), end='')"
        line = f'unshare --mount sh -ec "mount --bind {resolver} /etc/resolv.conf; exec python3 -c \\"{connect}\\""'
        answers = []

        def answered():
            try:
                answers[:] = [self.net.sh(self.net.host, line)]
            except AssertionError:
                return False
            return True
        wait_until(answered, "the guest to answer by its name")
        self.assertEqual(answers, ["this is one\n"])


if __name__ == "__main__":
    unittest.main()
