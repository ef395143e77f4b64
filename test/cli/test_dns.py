"""The daemon's DNS server, without a guest: queried directly, and through a real dnsmasq."""
import json
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import dns  # noqa: E402
from harness import Banger, Case, free_port, wait_until  # noqa: E402


class Dns(Case):
    needs_images = False

    def setUp(self):
        self.server = ("127.0.0.1", free_port())
        self.config = f'dns_listen_addr = "{self.server[0]}:{self.server[1]}"\n'
        super().setUp()

    def doctor_line(self):
        checks = json.loads(self.b.run("doctor", "--json").stdout)
        return next(check for check in checks if check["name"] == "dns")

    def test_it_answers_only_for_vm_names_and_forwards_no_query(self):
        self.b.ok("daemon", "start")
        for ask in (dns.ask, dns.ask_tcp):
            answer = ask(self.server, "nobody.vm")
            self.assertEqual((answer.rcode, answer.recursion_available, answer.authorities), (dns.NXDOMAIN, False, 1))
            answer = ask(self.server, "example.com")
            self.assertEqual((answer.rcode, answer.recursion_available, answer.authorities), (dns.NXDOMAIN, False, 0))
        self.assertEqual(dns.ask(self.server, "nobody.vm", edns=True).additionals, 1)
        self.assertEqual(self.doctor_line()["status"], "pass")

    def test_a_second_daemon_reports_the_port_in_use_and_listens_when_it_is_free(self):
        self.b.ok("daemon", "start")
        other = Banger(config=self.config)
        self.addCleanup(other.destroy)
        other.ok("daemon", "start")
        done = other.run("doctor", "--json")
        self.assertIn(f"{self.server[0]}:{self.server[1]} is in use", done.stdout)
        self.assertIn("dns.not_listening", other.log())
        self.b.ok("daemon", "stop")
        wait_until(lambda: "dns.listening" in other.log(), "the second daemon to listen", timeout=180)
        self.assertEqual(dns.ask(self.server, "nobody.vm").rcode, dns.NXDOMAIN)

    def test_an_empty_address_turns_the_dns_server_off(self):
        (self.b.root / "config/banger/config.toml").write_text('dns_listen_addr = ""\n')
        self.b.ok("daemon", "start")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(self.server)  # fails if the daemon listens there
        self.assertIn("turned off", self.doctor_line()["detail"])

    def test_an_invalid_address_is_a_config_error(self):
        (self.b.root / "config/banger/config.toml").write_text('\ndns_listen_addr = "localhost:53"\n')
        done = self.b.run("daemon", "start")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("config.toml:2: 'dns_listen_addr'", done.stderr)
        self.assertIn("127.0.0.1:42069", done.stderr)


class Dnsmasq(Case):
    """The setup with dnsmasq that docs/dns-routing.md describes."""
    needs_images = False

    def setUp(self):
        self.server = ("127.0.0.1", free_port())
        self.config = f'dns_listen_addr = "{self.server[0]}:{self.server[1]}"\n'
        super().setUp()

    def test_dnsmasq_forwards_only_vm_names_to_the_daemon(self):
        self.b.ok("daemon", "start")
        through = dns.dnsmasq(self, self.server)
        answer = dns.ask(through, "nobody.vm")
        self.assertEqual((answer.rcode, answer.authorities), (dns.NXDOMAIN, 1))  # the SOA record comes from the daemon
        # The daemon would answer NXDOMAIN. dnsmasq has no other upstream server, so it gives another error.
        self.assertNotEqual(dns.ask(through, "example.com").rcode, dns.NXDOMAIN)


if __name__ == "__main__":
    unittest.main()
