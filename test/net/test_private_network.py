"""A private network without root, with real guests. The owner has no rights, and the host of the test is a network
namespace with an outside network behind it."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import netns  # noqa: E402
from bare import BareCase  # noqa: E402
from harness import Banger, alive, wait_until  # noqa: E402
from marks import for_root, long  # noqa: E402

REPLY_TIMEOUT, NO_REPLY_TIMEOUT = 60, 3  # seconds; the second one is for replies that must not come
SECRET_PORT = 8003  # of a service that no guest may reach
SECOND_HOST_ADDRESS, MOVED_HOST_ADDRESS = "203.0.113.9", "198.51.100.77"
OWNER = "daemon"  # every Debian has that user
WITH_TUN = 'mount --bind "$0" /dev/net/tun && exec "$@"'


def descendants(pid):
    """Returns {pid: command line} of the processes below that one."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
    return found


@for_root
class PrivateCase(BareCase):
    """A Banger of a user without rights. That user may open /dev/net/tun, as on a usual Debian."""

    config = 'templates = false\npool_idle = "1s"\ntap_pool_size = 1\n'
    tun_mode = 0o666
    owner = OWNER

    @classmethod
    def make_banger(cls):
        if reason := netns.skip_reason():
            raise unittest.SkipTest(reason)
        cls.net = netns.Network()
        cls.addClassCleanup(cls.net.destroy)
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="banger-private-"))
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.place])
        cls.place.chmod(0o755)
        tun = cls.place / "tun"
        subprocess.run(["mknod", tun, "c", "10", "200"], check=True)
        tun.chmod(cls.tun_mode)
        cls.net.serve(cls.net.host, "0.0.0.0", SECRET_PORT)
        return Banger(config=cls.config, user=cls.owner,
                      prefix=cls.net.command(cls.net.host, "unshare", "-m", "sh", "-c", WITH_TUN, tun))

    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        names = [vm["name"] for vm in self.b.json("vm", "list")]
        if names:
            self.b.ok("vm", "delete", "--force", *names)
        keeper = self.keeper()
        self.b.ok("daemon", "stop")
        self.assertFalse(keeper and alive(keeper), "the network keeper is still there")
        self.assert_host_is_untouched()

    def assert_host_is_untouched(self):
        self.assertEqual(self.net.links(), [])
        self.assertEqual(self.net.rules(), [])
        self.assertEqual(self.net.forwarding(), "0")

    def keeper(self):
        try:
            return int((self.b.state / "run" / "network.lock").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def child_of_keeper(self, word):
        """Returns the pid of the keeper's child whose command line has that word."""
        return next((pid for pid, command in descendants(self.keeper()).items() if word in command), None)

    def make(self, name, *more):
        self.b.ok("vm", "create", "--name", name, "--image", "bare", *more)
        return self.b.json("vm", "show", name)

    def move_host(self, address):
        self.net.sh(self.net.host, f"ip address flush dev eth0; ip address add {address}/24 dev eth0; "
                    f"ip route add default via {netns.OUTSIDE_ADDRESS}")

    def guest(self, name, *argv):
        return self.b.run("vm", "exec", name, "--", *argv)

    def address(self, name):
        return self.guest(name, "sh", "-c", "ip -4 -o address | grep -v 127.0.0.1").stdout.split()[3].split("/")[0]

    def answer(self, name, address, port, timeout=REPLY_TIMEOUT):
        # pasta of Debian 12 loses the answer to a client that closes its side before the connection is made. A FIFO
        # that is open for both directions never ends.
        return self.guest(name, "sh", "-c", "test -p /tmp/never || mkfifo /tmp/never; "
                          f"nc -w {timeout} {address} {port} <>/tmp/never").stdout

    def reaches_outside(self, name):
        return self.answer(name, netns.OUTSIDE_ADDRESS, netns.PORT) == f"you are {netns.HOST_ADDRESS}\n"

    def reaches(self, name, address, timeout=REPLY_TIMEOUT):
        return self.guest(name, "ping", "-c", "1", "-W", str(timeout), address).returncode == 0


class ForEveryOwner:
    """Stories of every owner's private network."""

    def test_guests_reach_each_other_and_the_outside_but_nothing_of_the_host(self):
        self.assertEqual(self.make("one")["network"], "bridge")
        self.make("two")
        self.assertTrue(self.reaches("one", self.address("two")))
        self.assertTrue(self.reaches_outside("one"))
        gateway = self.guest("one", "sh", "-c", "ip route | grep default").stdout.split()[2]
        for address in (gateway, netns.HOST_ADDRESS, "10.0.2.2", "127.0.0.1"):
            self.assertEqual(self.answer("one", address, SECRET_PORT, NO_REPLY_TIMEOUT), "", address)
        # The service is there. Only the guest does not reach it.
        self.assertIn("you are", self.net.sh(self.net.host, f"busybox nc -w 5 127.0.0.1 {SECRET_PORT}"))
        self.assert_host_is_untouched()

    def test_the_network_outlives_each_of_its_processes(self):
        self.make("one")
        self.assertTrue(self.reaches_outside("one"))
        for kill in (lambda: os.kill(self.child_of_keeper("pasta"), signal.SIGKILL),
                     lambda: os.kill(self.child_of_keeper("bangerd-net"), signal.SIGKILL),
                     lambda: os.kill(self.keeper(), signal.SIGKILL),
                     self.b.kill_daemon):
            kill()
            wait_until(lambda: self.reaches_outside("one"), "the guest to reach the outside again")
            self.assertTrue(self.make("two")["state"] == "running")
            self.assertTrue(self.reaches("two", self.address("one")))
            self.b.ok("vm", "delete", "--force", "two")

    def test_a_machine_has_no_rights_in_the_network(self):
        self.make("one")
        status = pathlib.Path(f"/proc/{self.b.machines()[0]}/status").read_text()
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertIn(f"{kind}:\t0000000000000000", status)


class PrivateNetworkOfRoot(ForEveryOwner, PrivateCase):
    owner = None
    tun_mode = 0o600


class PrivateNetwork(ForEveryOwner, PrivateCase):
    def firewall(self):
        """The bridge's table in the network of the machines."""
        command = ("nsenter", "-t", str(self.b.machines()[0]), "-n", "nft", "-j", "list", "table", "bridge", "banger")
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["nftables"]

    def dropped(self, side):
        """The packets that were dropped because a guest was over its bandwidth."""
        rules = [each["rule"]["expr"] for each in self.firewall() if "rule" in each]
        over, = [rule for rule in rules if side in str(rule[0].get("limit", ""))]
        return over[1]["counter"]["packets"]

    def rates(self):
        """The limits of taps in the network of the machines, by name: bytes a second."""
        listed = self.firewall()
        units = {"bytes": 1, "kbytes": 1024, "mbytes": 1024**2}
        limits = {each["limit"]["name"]: each["limit"]["rate"] * units[each["limit"]["rate_unit"]]
                  for each in listed if "limit" in each}
        used = {limit for each in listed if "map" in each for _, limit in each["map"].get("elem", [])}
        self.assertEqual(used, set(limits))
        return limits

    def test_a_bandwidth_holds_in_both_directions_from_the_admission_on_and_changes_at_once(self):
        self.make("one", "--net-bandwidth", "1M")
        self.make("two")
        self.assertEqual(sorted(self.rates().values()), [1024**2] * 2)
        self.assertTrue(self.reaches("one", self.address("two")))
        self.b.ok("vm", "set", "one", "--net-bandwidth", "64K")
        self.assertEqual(sorted(self.rates().values()), [64 * 1024] * 2)
        # Far more at once than a minute may bring.
        ping = f"ping -c 1 -W 1 -s 60000 {self.address('two')}"
        self.guest("one", "sh", "-c", f"for i in $(seq 60); do {ping} & done; wait")
        self.assertGreater(self.dropped("iifname"), 0)
        self.b.ok("vm", "set", "one", "--net-bandwidth", "0")
        self.assertEqual(self.rates(), {})
        self.b.ok("vm", "set", "one", "--net-bandwidth", "1M")
        self.b.kill_daemon()
        self.b.ok("vm", "stop", "one")
        self.assertEqual(self.rates(), {})

    @long
    def test_no_guest_uses_the_address_of_another(self):
        self.make("one")
        self.make("two")
        device = self.guest("one", "sh", "-c", "ls /sys/class/net | grep -v lo").stdout.strip()
        self.guest("one", "ip", "address", "add", "172.16.0.99/24", "dev", device)
        two = self.address("two")
        self.assertNotEqual(self.guest("one", "ping", "-I", "172.16.0.99", "-c", "1", "-W", "2", two).returncode, 0)
        # Packets that wait for the same ARP answer are lost with it.
        wait_until(lambda: self.reaches("one", two, NO_REPLY_TIMEOUT), "the guest's own address to work")

    def test_the_host_reaches_a_guest_at_its_forwarded_address(self):
        self.make("one")
        self.b.ok("vm", "session", "start", "one", "--name", "web", "--",
                  "nc", "-ll", "-p", "8080", "-e", "echo", "hello")

        def forward():
            ports = self.b.json("vm", "ports", "one")
            return next((port["forward"] for port in ports if port["port"] == 8080 and port["forward"]), None)
        wait_until(forward, "the guest's port to be forwarded")
        address, port = forward().split(":")
        self.assertTrue(address.startswith("127."), address)
        answer = self.net.sh(self.net.host, f"sleep 1 | busybox nc -w {REPLY_TIMEOUT} {address} {port}")
        self.assertEqual(answer, "hello\n")

    def test_a_machine_keeps_the_network_when_daemon_and_keeper_are_killed(self):
        self.make("one")
        before = os.readlink(f"/proc/{self.b.machines()[0]}/ns/net")
        keeper = self.keeper()
        self.b.kill_daemon()
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: not alive(keeper), "the keeper to end")
        self.make("two")
        self.assertEqual({os.readlink(f"/proc/{pid}/ns/net") for pid in self.b.machines()}, {before})
        self.assertTrue(self.reaches("one", self.address("two")))
        self.assertTrue(self.reaches_outside("one"))

    def test_private_ranges_outside_are_closed_even_to_root_in_the_guest(self):
        lan = "10.9.8.7"
        self.net.sh(self.net.outside, f"ip address add {lan}/32 dev eth0")
        self.addCleanup(self.net.sh, self.net.outside, f"ip address del {lan}/32 dev eth0")
        self.net.serve(self.net.outside, lan, 8004)
        self.make("one")
        self.assertEqual(self.answer("one", lan, 8004, NO_REPLY_TIMEOUT), "")
        self.assertTrue(self.reaches_outside("one"))
        self.b.ok("vm", "stop", "one")
        self.b.ok("daemon", "stop")
        config = self.b.root / "config/banger/config.toml"
        before = config.read_text()
        self.addCleanup(config.write_text, before)
        config.write_text("guest_lan = true\n" + before)
        self.b.ok("vm", "start", "one")
        self.assertEqual(self.answer("one", lan, 8004), f"you are {netns.HOST_ADDRESS}\n")

    def test_other_addresses_of_the_host_are_closed_as_soon_as_it_has_them(self):
        self.make("one")
        self.net.sh(self.net.host, f"ip address add {SECOND_HOST_ADDRESS}/32 dev lo")
        self.addCleanup(self.net.sh, self.net.host, f"ip address del {SECOND_HOST_ADDRESS}/32 dev lo")
        wait_until(lambda: not self.answer("one", SECOND_HOST_ADDRESS, SECRET_PORT, NO_REPLY_TIMEOUT),
                   "the new address to be closed")
        self.assertIn("you are", self.net.sh(self.net.host, f"busybox nc -w 5 {SECOND_HOST_ADDRESS} {SECRET_PORT}"))

    @long
    def test_a_guest_has_its_network_when_its_host_moves_to_another_one(self):
        self.make("one")
        self.assertTrue(self.reaches_outside("one"))
        self.move_host(MOVED_HOST_ADDRESS)
        self.addCleanup(self.move_host, netns.HOST_ADDRESS)
        wait_until(lambda: self.answer("one", netns.OUTSIDE_ADDRESS, netns.PORT) == f"you are {MOVED_HOST_ADDRESS}\n",
                   "the guest to reach the outside from the new network")

    def test_a_suspended_guest_has_its_network_again_after_a_resume(self):
        self.make("one")
        self.b.ok("vm", "suspend", "one")
        self.b.ok("vm", "resume", "one")
        self.assertTrue(self.reaches_outside("one"))
        self.b.ok("vm", "fork", "one", "--name", "child")
        self.assertTrue(self.reaches_outside("child"))
        self.assertNotEqual(self.address("child"), self.address("one"))
        self.assertTrue(self.reaches("child", self.address("one")))

    @long
    def test_a_guest_without_nat_reaches_guests_only(self):
        self.make("one", "--no-nat")
        self.make("two")
        self.assertTrue(self.reaches("one", self.address("two")))
        self.assertEqual(self.answer("one", netns.OUTSIDE_ADDRESS, netns.PORT, NO_REPLY_TIMEOUT), "")

    @long
    def test_the_server_holds_nothing_of_the_keeper(self):
        self.make("one")
        server = self.child_of_keeper("bangerd-net")
        targets = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{server}/fd").iterdir()}
        self.assertNotIn(str(self.b.state / "run" / "network.lock"), targets)


class Names(PrivateCase):
    @classmethod
    def make_banger(cls):
        banger = super().make_banger()
        # ip-netns(8) puts this file in the place of /etc/resolv.conf.
        conf = pathlib.Path("/etc/netns") / cls.net.host
        conf.mkdir(parents=True)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", conf])
        (conf / "resolv.conf").write_text(f"nameserver {netns.OUTSIDE_ADDRESS}\nsearch example.org\n")
        cls.dns = subprocess.Popen(
            cls.net.command(cls.net.outside, "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
                            f"--listen-address={netns.OUTSIDE_ADDRESS}", "--bind-interfaces", "--user=root",
                            "--pid-file=", "--address=/example.org/192.0.2.7",
                            *(f"--host-record=many.example.net,198.51.100.{n}" for n in range(100, 180))),
            stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.dns.wait)
        cls.addClassCleanup(cls.dns.kill)
        return banger

    def lookup(self, vm, name):
        return self.guest(vm, "nslookup", name).stdout

    def test_guests_know_each_other_and_the_names_that_the_host_knows(self):
        self.make("one")
        self.make("two")
        self.assertIn(self.address("two"), self.lookup("one", "two.vm"))
        self.assertIn("192.0.2.7", self.lookup("one", "www.example.org"))
        self.assertIn("NXDOMAIN", self.lookup("one", "three.vm"))
        self.assertIn("search example.org", self.guest("one", "cat", "/etc/resolv.conf").stdout)
        # Large packets make the network fast, and fit through all of it.
        self.assertEqual(self.guest("one", "ping", "-c", "1", "-s", "60000", "-W", str(REPLY_TIMEOUT),
                                    self.address("two")).returncode, 0)
        self.assertIn("mtu 65520", self.guest("one", "ip", "link", "show", "eth0").stdout)
        self.b.ok("vm", "rename", "two", "three")
        self.assertIn(self.address("three"), self.lookup("one", "three.vm"))
        self.b.kill_daemon()
        self.b.ok("vm", "list")
        wait_until(lambda: "192.0.2.7" in self.lookup("one", "www.example.org"), "the new daemon to answer")


    def test_lookups_follow_the_servers_of_the_host(self):
        """As with a VPN, whose server knows names that no other one knows."""
        self.make("one")
        conf = pathlib.Path("/etc/netns") / self.net.host / "resolv.conf"
        before, vpn = conf.read_text(), "198.51.100.3"
        self.assertNotIn("192.0.2.9", self.lookup("one", "intra.corp"))
        self.net.sh(self.net.outside, f"ip address add {vpn}/32 dev eth0")
        self.addCleanup(self.net.sh, self.net.outside, f"ip address del {vpn}/32 dev eth0")
        server = subprocess.Popen(
            self.net.command(self.net.outside, "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
                             f"--listen-address={vpn}", "--bind-interfaces", "--user=root", "--pid-file=",
                             "--conf-file=/dev/null", "--address=/intra.corp/192.0.2.9"), stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        # The file of the namespace is the same one, because ip-netns(8) has bound it there.
        self.addCleanup(conf.write_text, before)
        conf.write_text(f"nameserver {vpn}\n")
        wait_until(lambda: "192.0.2.9" in self.lookup("one", "intra.corp"), "the server of the VPN to answer")


class WithoutATun(PrivateCase):
    tun_mode = 0o600

    def test_another_network_is_used_and_doctor_explains(self):
        self.assertEqual(self.make("one")["network"], "user")
        self.assertTrue(self.reaches_outside("one"))
        checks = {check["name"]: check for check in self.b.json("doctor")}
        self.assertIn("/dev/net/tun", checks["private network"]["detail"])
        refused = self.b.run("vm", "create", "--name", "two", "--image", "bare", "--network", "bridge")
        self.assertEqual(refused.returncode, 125)
        self.assertIn("private network", refused.stderr)


if __name__ == "__main__":
    unittest.main()
