"""Access to a guest's servers from the host without root: forwards, `vm forward`, `vm ports` and .vm names."""
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import dns  # noqa: E402
from harness import BIN, SHAPE, SeededCase, SharedCase, free_port, wait_until  # noqa: E402
from marks import long  # noqa: E402

# A server in Perl. "http" answers each connection with a short HTTP reply. "echo" reads to the end and sends all back.
SERVER = r"""
use strict; use IO::Socket::INET;
my ($port, $what) = @ARGV;
my $address = $ARGV[2] || "0.0.0.0";
my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 8, ReuseAddr => 1) or die $!;
while (my $peer = $listener->accept) {
  next if fork;
  if ($what eq "echo") { local $/; my $all = <$peer>; print $peer "heard $all"; }
  else { my $line = <$peer>; print $peer "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"; }
  close $peer; exit;
}
"""


def talk(address, message, timeout=60):
    """Sends a message, closes the sending side, and returns the whole reply."""
    with socket.create_connection(address, timeout=timeout) as peer:
        peer.sendall(message)
        peer.shutdown(socket.SHUT_WR)
        reply = b""
        while more := peer.recv(65536):
            reply += more
        return reply


class Ports(SharedCase):
    """A daemon with its own DNS server, and a VM `web` for each case.

    The first VM of each home of a user has the same address. So each class forwards ports of its own."""
    extra = "pool_size = 0\n"
    seeded = True

    @classmethod
    def setUpClass(cls):
        cls.server = ("127.0.0.1", free_port())
        cls.config = f'{cls.extra}dns_listen_addr = "{cls.server[0]}:{cls.server[1]}"\n'
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.b.ok("vm", "create", "--name", "web", *SHAPE)

    def serve(self, port, what, address="0.0.0.0", vm="web"):
        """Starts a server in the guest, which keeps running after the command has ended."""
        self.b.ok("vm", "exec", vm, "--", "sh", "-c",
                  f"setsid perl -e '{SERVER}' {port} {what} {address} >/dev/null 2>&1 </dev/null &")

    def stop_serving(self):
        self.b.ok("vm", "exec", "web", "--", "sh", "-c",
                  "pkill perl || killall perl || kill $(cat /proc/*/stat | grep '(perl)' | cut -d' ' -f1)")

    def row(self, port, vm="web", filled="forward"):
        """Waits until `vm ports` has a row for this port with a value in the column `filled`. Returns the row."""
        found = []

        def there():
            found[:] = [row for row in self.b.json("vm", "ports", vm) if row["port"] == port and row[filled]]
            return found
        wait_until(there, f"port {port} to have a {filled}")
        return found[0]

    def address(self, name="web.vm"):
        answer = dns.ask(self.server, name)
        return answer.addresses[0] if answer.addresses else None

    def assert_refused(self, address):
        def refused():
            try:
                socket.create_connection(address, timeout=180).close()
                return False
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:  # the listener was closed just then
                return False
        wait_until(refused, f"{address} to be closed")


class Forwards(Ports):
    def test_a_server_in_the_guest_has_a_url_and_answers_on_the_vms_own_address(self):
        self.serve(8080, "http")
        row = self.row(8080)
        address = self.address()
        # This host's programs do not ask the daemon for names, so a link with the name would not open.
        self.assertEqual((row["protocol"], row["scheme"], row["url"], row["process"]),
                         ("tcp", "http", f"http://{address}:8080/", "perl"))
        self.assertEqual(row["forward"], f"{address}:8080")
        self.assertTrue(address.startswith("127."))
        self.assertIn(b"hello", talk((address, 8080), b"GET / HTTP/1.0\r\n\r\n"))
        self.assertIn(f"http://{address}:8080/", self.b.ok("vm", "ports", "web"))

    def test_each_direction_closes_separately_and_megabytes_pass(self):
        self.serve(7000, "echo")
        self.row(7000)
        message = bytes(range(256)) * 8192
        self.assertEqual(talk((self.address(), 7000), message), b"heard " + message)

    def test_what_a_guest_serves_on_its_loopback_only_stays_in_the_guest(self):
        self.serve(7000, "echo", "127.0.0.1")
        row = self.row(7000, filled="note")
        self.assertEqual(row["forward"], "")
        self.assert_refused((self.address(), 7000))
        shown = self.b.run("vm", "ports", "web").stderr
        self.assertIn("not forwarded: 7000: the guest listens on its loopback address only (hint: banger vm forward "
                      "web 7000:7000, or forward_loopback = true in the config)", shown)

    def test_a_connection_that_a_suspend_breaks_is_reset(self):
        self.serve(7000, "echo")
        self.row(7000)
        with socket.create_connection((self.address(), 7000), timeout=180) as peer:
            peer.sendall(b"half a question")
            self.b.ok("vm", "suspend", "web")
            self.b.ok("vm", "resume", "web")
            with self.assertRaises(ConnectionResetError):
                peer.recv(1)

    def test_ports_follow_the_guest_and_the_vm(self):
        self.serve(8080, "http")
        self.row(8080)
        where = (self.address(), 8080)
        self.stop_serving()
        self.assert_refused(where)
        self.serve(8080, "http")
        self.row(8080)
        # A new daemon forwards the port again after the old one was killed.
        self.b.kill_daemon()
        self.row(8080)
        self.assertIn(b"hello", talk(where, b"GET / HTTP/1.0\r\n\r\n"))
        # A connection to a port of a suspended VM wakes the VM.
        self.b.ok("vm", "suspend", "web")
        self.assertEqual(self.address(), where[0])
        self.assertIn(b"hello", talk(where, b"GET / HTTP/1.0\r\n\r\n"))
        self.row(8080)
        self.b.ok("vm", "kill", "web")
        self.assert_refused(where)

    def test_names_follow_the_vm(self):
        shown = self.b.json("vm", "show", "web")
        address = self.address()
        self.assertEqual(self.address("WEB.VM"), address)
        self.assertEqual(self.address(f"{shown['id']}.vm"), address)
        self.assertIsNone(self.address(f"{shown['id'][:6]}.vm"))
        self.assertEqual(dns.ask_tcp(self.server, "web.vm").addresses, [address])
        six = dns.ask(self.server, "web.vm", dns.AAAA)
        self.assertEqual((six.rcode, six.addresses), (0, []))
        self.b.ok("vm", "set", "--name", "shop", "web")
        self.assertEqual(self.address("shop.vm"), address)
        self.assertEqual(dns.ask(self.server, "web.vm").rcode, dns.NXDOMAIN)
        self.b.ok("vm", "stop", "shop")
        self.assertEqual(dns.ask(self.server, "shop.vm").rcode, dns.NXDOMAIN)

    def test_dnsmasq_forwards_names_and_caches_none(self):
        through = dns.dnsmasq(self, self.server)
        self.assertEqual(dns.ask(through, "shop.vm").rcode, dns.NXDOMAIN)
        self.assertEqual(dns.ask(through, "web.vm").addresses, [self.address()])
        self.b.ok("vm", "set", "--name", "shop", "web")
        self.assertEqual(dns.ask(through, "shop.vm").addresses, [self.address("shop.vm")])
        self.assertEqual(dns.ask(through, "web.vm").rcode, dns.NXDOMAIN)

    @long
    def test_https_is_distinguished_from_http(self):
        self.b.ok("vm", "exec", "web", "--", "sh", "-c",
                  "cd /root && openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 9 -subj "
                  "/CN=web.vm 2>/dev/null && "
                  "(setsid openssl s_server -key key -cert cert -accept 8443 -www >/dev/null 2>&1 </dev/null &)")
        row = self.row(8443)
        self.assertEqual((row["scheme"], row["url"]), ("https", f"https://{self.address()}:8443/"))
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.address(), 8443),
                                      timeout=180) as plain, trusting.wrap_socket(plain) as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertTrue(peer.recv(5).startswith(b"HTTP"))

    @long
    def test_a_port_in_use_is_reported_with_a_hint(self):
        address = self.address()
        with socket.socket() as taken:
            taken.bind((address, 8080))
            taken.listen()
            self.serve(8080, "http")
            row = self.row(8080, filled="note")
            self.assertEqual((row["forward"], row["url"], row["scheme"]), ("", "", "http"))
            # The sshd of another home's first VM may be forwarded on the same address.
            self.assertRegex(self.b.run("vm", "ports", "web").stderr,
                             r"not forwarded: (22, )?8080: another program on this host listens there "
                             r"\(hint: banger vm forward web (8022:22|0:8080)\)")


class Loopback(Ports):
    """The config asks for the ports of a guest's loopback address too."""
    extra = "pool_size = 0\nforward_loopback = true\n"

    def test_what_a_guest_serves_on_its_loopback_is_forwarded_when_the_config_asks_for_it(self):
        self.serve(7001, "echo", "127.0.0.1")
        self.row(7001)
        self.assertEqual(talk((self.address(), 7001), b"words"), b"heard words")


class LowPort(Ports):
    def test_a_port_below_the_unprivileged_range_is_reported_with_a_hint(self):
        if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
            self.skipTest("every user of this host may listen on port 80")
        self.b.ok("daemon", "stop")
        without = ["setpriv", "--bounding-set=-net_bind_service"] if os.geteuid() == 0 else []
        subprocess.run([*without, BIN / "banger", "daemon", "start"], env=self.b.env, check=True, capture_output=True)
        self.serve(80, "http")
        self.row(80, filled="note")
        # The guest's own sshd may listen by now.
        self.assertRegex(self.b.run("vm", "ports", "web").stderr,
                         r"not forwarded: (22, )?80: this user may not listen on low ports "
                         r"\(hint: banger vm forward web (8022:22|8080:80)\)")


class Pooled(Ports):
    """VMs from the ready pool. Machines in the pool have no names and no forwards."""
    extra = "pool_size = 1\n"

    def test_a_vm_from_the_pool_is_forwarded_like_any_other_and_each_has_its_own_address(self):
        def pooled():
            return [vm for template in self.b.json("template", "list") for vm in template["pool"]
                    if vm["state"] == "ready"]
        wait_until(pooled, "the ready pool")
        waiting = pooled()[0]["id"]
        self.assertIsNone(self.address(f"{waiting}.vm"))
        self.b.ok("vm", "create", "--name", "shop", *SHAPE)
        shop = self.b.json("vm", "show", "shop")
        self.assertEqual((shop["way"], shop["id"]), ("pool", waiting))
        for vm in ("web", "shop"):
            self.serve(8081, "http", vm=vm)
        rows = {vm: self.row(8081, vm) for vm in ("web", "shop")}
        self.assertNotEqual(rows["web"]["forward"], rows["shop"]["forward"])
        for vm in rows:
            self.assertIn(b"hello", talk((self.address(f"{vm}.vm"), 8081), b"GET / HTTP/1.0\r\n\r\n"))


class ForwardCommand(Ports):
    def forward(self, guest_port):
        """Starts the command, and returns its process and the port of this host."""
        port = free_port()
        process = self.b.popen("vm", "forward", "web", f"{port}:{guest_port}", stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), f"127.0.0.1:{port} -> web:{guest_port}\n")
        return process, port

    def test_a_connection_that_a_suspend_breaks_is_reset_even_after_its_own_end(self):
        self.serve(7002, "echo", "127.0.0.1")  # a port of the guest's loopback, which only this command forwards
        wait_until(lambda: any(row["port"] == 7002 for row in self.b.json("vm", "ports", "web")), "the server")
        self.b.ok("vm", "exec", "web", "--", "sh", "-c", "pkill -STOP perl || killall -STOP perl")
        process, port = self.forward(7002)
        with socket.create_connection(("127.0.0.1", port), timeout=180) as peer:
            peer.sendall(b"question")
            peer.shutdown(socket.SHUT_WR)
            # The guest's end of the connection, whose peer has ended its side: CLOSE_WAIT.
            wait_until(lambda: self.b.run("vm", "exec", "web", "--", "grep", "-q", ":1B5A [0-9A-F:]* 08",
                                          "/proc/net/tcp").returncode == 0, "the end to reach the guest")
            self.b.ok("vm", "suspend", "web")
            self.b.ok("vm", "resume", "web")
            with self.assertRaises(ConnectionResetError):
                peer.recv(1)
        process.terminate()
        self.assertEqual(process.wait(180), 130)

    def test_it_forwards_connections_until_it_is_interrupted(self):
        self.serve(7002, "echo")
        port = free_port()
        process = self.b.popen("vm", "forward", "web", f"{port}:7002", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), f"127.0.0.1:{port} -> web:7002\n")
        wait_until(lambda: any(row["port"] == 7002 for row in self.b.json("vm", "ports", "web")), "the server")
        message = b"x" * (3 << 20)
        self.assertEqual(talk(("127.0.0.1", port), message), b"heard " + message)
        self.assertEqual(talk(("127.0.0.1", port), b"again"), b"heard again")
        self.stop_serving()
        with self.assertRaises(ConnectionError):
            wait_until(lambda: not talk(("127.0.0.1", port), b"x"), "the guest's port to be closed")
        process.terminate()
        self.assertEqual(process.wait(180), 130)
        self.assertIn("connect to localhost port 7002 in the guest: Connection refused", process.stderr.read())
        self.assert_refused(("127.0.0.1", port))


class Off(SeededCase):
    config = 'pool_size = 0\nauto_forward = false\ndns_listen_addr = ""\n'

    def test_nothing_is_forwarded_when_the_config_says_so(self):
        self.b.ok("vm", "create", "--name", "web", *SHAPE)
        self.b.ok("vm", "exec", "web", "--", "sh", "-c",
                  f"setsid perl -e '{SERVER}' 8080 http >/dev/null 2>&1 </dev/null &")
        def rows():
            return [row for row in self.b.json("vm", "ports", "web") if row["port"] == 8080]
        wait_until(lambda: [row["scheme"] for row in rows()] == ["http"], "the server")
        self.assertEqual([(row["forward"], row["url"], row["note"]) for row in rows()], [("", "", "")])


if __name__ == "__main__":
    unittest.main()
