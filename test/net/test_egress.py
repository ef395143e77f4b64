"""What a guest with an egress policy reaches, with one real guest of an owner without rights."""
import json
import pathlib
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import client_hello  # noqa: E402
import dns  # noqa: E402
import egress  # noqa: E402
import netns  # noqa: E402
from egress import HOST_PUBLIC, LAN, METADATA, NOTHING, OTHER, PORTS, SHARED, WEB, request  # noqa: E402
from harness import wait_until  # noqa: E402
from internet import DATAGRAMS, ECHO_PORT, IPV6, OTHER_WEB_PORT, RESOLVER, TLS_PORT, WEB_PORT  # noqa: E402
from marks import long  # noqa: E402
from test_private_network import PrivateCase  # noqa: E402

RULES = ("web.example", "ports.example:8080", "*.wild.example", "one.cdn.example", "www.alias.example",
         "tls.example:443", "six.example", "*.rebind.example", "echo.example:7777", "greeter.example:8022",
         "93.184.216.128/28:8080", "8.20.30.40")
NEVER_OPENED = "93.184.216.60"


class OneGuest(egress.OnTheInternet, PrivateCase):
    """Cases that share one guest with RULES. Lookups of an earlier case stay open, so each case has names of its own.
    """

    def setUp(self):
        if not self.b.json("vm", "list"):
            self.make("one", "--egress", "none", *(word for rule in RULES for word in ("--allow", rule)))
        self.internet.seen.clear()


class Names(OneGuest):
    def test_an_allowed_name_is_reached_on_its_ports(self):
        self.assertTrue(self.web("one", "web.example"))
        self.assertTrue(self.tls("one", "web.example"))
        page = self.guest("one", "wget", "-qO-", "--no-check-certificate", "https://tls.example/page")
        self.assertEqual(page.stdout, "host tls.example/page\n", page.stderr)
        self.assertEqual(self.talk("one", "echo.example", ECHO_PORT, b"hello and bye\n"), "hello and bye\n")
        self.assertEqual(self.talk("one", "greeter.example", egress.GREETER_PORT), f"you are {netns.HOST_ADDRESS}\n")
        wait_until(lambda: self.logged("one", "allowed", name="web.example", address=WEB, port=TLS_PORT), "the log")
        wait_until(lambda: all(self.logged("one", "allowed", name="web.example", address=WEB, port=WEB_PORT)[0][key]
                               for key in ("count", "sent", "received")), "the bytes in the log")

    def test_another_name_does_not_exist_and_no_server_is_asked(self):
        self.assertIn("NXDOMAIN", self.lookup("one", "other.example"))
        self.assertEqual(self.internet.questions("other.example"), 0)
        row = self.assert_refusal("one", "name_not_allowed", name="other.example", address="", port=0)
        self.assertIn("other.example", row["sentence"])
        self.assert_unreached("one", OTHER, WEB_PORT, request("other.example"))

    def test_another_port_of_an_allowed_name_is_closed(self):
        self.assertTrue(self.other_web("one", "ports.example"))
        self.internet.seen.clear()
        self.assertFalse(self.web("one", "ports.example", timeout=NOTHING))
        self.assertFalse(self.tls("one", "ports.example", timeout=NOTHING))
        self.assertEqual(self.internet.reached(PORTS), [])
        for port in (WEB_PORT, TLS_PORT):
            self.assert_refusal("one", "port_closed", address=PORTS, port=port)
        # The port that is open is looked into, too.
        self.assertFalse(self.other_web("one", "two.cdn.example", PORTS, timeout=NOTHING))
        self.assertEqual(self.internet.texts("host"), [])

    @long
    def test_a_wildcard_is_for_all_names_below(self):
        self.assertTrue(self.web("one", "a.wild.example"))
        self.assertTrue(self.tls("one", "a.b.wild.example"))
        for name in ("wild.example", "notwild.example"):
            self.assertIn("NXDOMAIN", self.lookup("one", name))

    @long
    def test_aliases_lead_to_their_end(self):
        self.assertIn("93.184.216.41", self.lookup("one", "www.alias.example"))
        self.assertTrue(self.web("one", "www.alias.example"))
        self.assertIn("NXDOMAIN", self.lookup("one", "mid.alias.example"))
        self.assertFalse(self.web("one", "end.alias.example", "93.184.216.41", timeout=NOTHING))

    def test_answers_with_closed_addresses_are_withheld(self):
        for name, address in (("loopback", "127.0.0.1"), ("lan", LAN), ("metadata", METADATA), ("host", HOST_PUBLIC)):
            self.assertNotIn(address, self.lookup("one", f"{name}.rebind.example"))
            self.assert_refusal("one", "answer_closed", name=f"{name}.rebind.example")
        for address in (LAN, METADATA):
            self.assert_unreached("one", address, WEB_PORT, request("lan.rebind.example"))
        answer = self.lookup("one", "mixed.rebind.example")
        self.assertIn("93.184.216.52", answer)
        self.assertNotIn("10.9.8.7", answer)

    def test_the_gate_answers_lookups_at_all_addresses(self):
        for server in (RESOLVER, NEVER_OPENED):
            self.assertIn(WEB, self.guest("one", "nslookup", "web.example", server).stdout)
            self.assertIn("NXDOMAIN", self.guest("one", "nslookup", "other.example", server).stdout)
        self.assertEqual(self.internet.reached(RESOLVER), [])

    @long
    def test_the_gate_answers_lookups_over_tcp(self):
        question = dns.query("web.example")
        answer = self.talk("one", RESOLVER, 53, struct.pack(">H", len(question)) + question, timeout=5)
        self.assertEqual(dns.Answer(answer.encode(errors="surrogateescape")[2:], question).addresses, [WEB])

    @long
    def test_a_guest_with_another_resolver_has_the_same_names(self):
        self.guest("one", "sh", "-c",
                   f"cp /etc/resolv.conf /tmp/before; echo nameserver {RESOLVER} >/etc/resolv.conf")
        self.addCleanup(self.guest, "one", "sh", "-c", "cat /tmp/before >/etc/resolv.conf")
        self.assertTrue(self.web("one", "web.example"))
        self.assertIn("NXDOMAIN", self.lookup("one", "other.example"))

    @long
    def test_a_new_answer_of_the_server_opens_the_new_address(self):
        self.addCleanup(self.internet.publish, egress.NAMES)
        for address in ("93.184.216.90", "93.184.216.91"):
            self.internet.publish({"moving.wild.example": [address]}, ttl=0)
            self.assertTrue(self.web("one", "moving.wild.example"))
            self.assertEqual(self.internet.texts("host")[-1], "moving.wild.example/")
            self.assertTrue(self.internet.reached(address))

    def test_the_log_and_the_events_tell_of_refusals(self):
        process = self.b.popen("vm", "events", "one", "--json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        events = []

        def read():
            for line in process.stdout:
                events.append(json.loads(line))
        reader = threading.Thread(target=read)
        reader.start()
        self.addCleanup(process.stdout.close)
        self.addCleanup(reader.join)
        self.addCleanup(process.kill)
        wait_until(lambda: events or process.poll() is not None, "the present state")
        for _ in range(2):
            self.lookup("one", "told.example")
        wait_until(lambda: any(each["event"] == "refused" and each["name"] == "one" for each in events), "the event")
        row = self.assert_refusal("one", "name_not_allowed", name="told.example")
        self.assertGreaterEqual(row["count"], 2)
        self.assertLessEqual({"sent", "received", "first_at", "last_at", "sequence"}, row.keys())
        sequences = [each["sequence"] for each in self.log("one")]
        self.assertEqual(sequences, sorted(sequences))
        self.assertIn("told.example", self.b.ok("vm", "egress", "one"))


class Connections(OneGuest):
    def test_addresses_and_ranges_need_no_lookup(self):
        self.assertTrue(self.other_web("one", "any.example", "93.184.216.130"))
        self.assertEqual(self.talk("one", "8.20.30.40", ECHO_PORT, b"bye\n"), "bye\n")
        self.assertTrue(self.tls("one", "any.example", "8.20.30.40"))
        self.assert_unreached("one", "93.184.216.144", OTHER_WEB_PORT, request("any.example"))
        self.assert_unreached("one", "93.184.216.131", WEB_PORT, request("any.example"))
        self.assert_unreached("one", "8.20.30.41", ECHO_PORT, b"bye\n")
        self.assert_refusal("one", "port_closed", address="93.184.216.131", port=WEB_PORT)
        self.assert_refusal("one", "address_not_opened", address="8.20.30.41", port=ECHO_PORT)

    def test_an_allowed_name_opens_no_address_that_no_lookup_gave(self):
        self.assertFalse(self.tls("one", "web.example", NEVER_OPENED, timeout=NOTHING))
        self.assertFalse(self.web("one", "web.example", NEVER_OPENED, timeout=NOTHING))
        self.assertEqual(self.internet.reached(NEVER_OPENED), [])
        self.assert_refusal("one", "address_not_opened", address=NEVER_OPENED, port=TLS_PORT)

    def test_of_the_names_of_an_address_only_the_allowed_one_passes(self):
        self.assertTrue(self.web("one", "one.cdn.example"))
        self.assertTrue(self.tls("one", "one.cdn.example"))
        self.internet.seen.clear()
        self.assertIn(" 403 ", self.talk("one", SHARED, WEB_PORT, request("two.cdn.example")))
        self.assertFalse(self.tls("one", "two.cdn.example", SHARED, timeout=NOTHING))
        self.assertEqual(self.internet.texts("host") + self.internet.texts("sni"), [])
        for port in (WEB_PORT, TLS_PORT):
            self.assert_refusal("one", "name_not_allowed", name="two.cdn.example", address=SHARED, port=port)
        # Clients use one connection for several names, so another allowed name may pass.
        self.assertTrue(self.tls("one", "web.example", SHARED))

    def test_a_hello_needs_one_name_that_can_be_read(self):
        self.assertIn(SHARED, self.lookup("one", "one.cdn.example"))
        hello = client_hello.make("one.cdn.example")
        for reason, first in (("name_missing", client_hello.make(None)),
                              ("name_encrypted", client_hello.with_extension(hello, client_hello.ENCRYPTED, bytes(40))),
                              ("several_names", client_hello.with_names("one.cdn.example", "two.cdn.example")),
                              ("name_is_address", client_hello.with_names(SHARED)),
                              ("not_tls", b"hello\r\n\r\n")):
            with self.subTest(reason):
                self.assertNotIn("sni", self.talk("one", SHARED, TLS_PORT, first, timeout=NOTHING))
                self.assertEqual(self.internet.texts("sni"), [])
                self.assert_refusal("one", reason, address=SHARED, port=TLS_PORT)

    def test_a_hello_may_come_in_pieces(self):
        self.assertIn(SHARED, self.lookup("one", "one.cdn.example"))

        def pieces(name):
            hello = client_hello.in_records(client_hello.make(name), 50)
            return hello[:3], hello[3:70], hello[70:]
        self.assertEqual(self.talk("one", SHARED, TLS_PORT, *pieces("one.cdn.example")), "sni one.cdn.example\n")
        self.assertNotIn("sni", self.talk("one", SHARED, TLS_PORT, *pieces("two.cdn.example"), timeout=NOTHING))
        self.assertEqual(self.internet.texts("sni"), ["one.cdn.example"])

    def test_each_request_of_a_connection_is_judged(self):
        first, second = request("web.example", "/1", more=()), request("web.example", "/2")
        self.assertEqual(self.talk("one", "web.example", WEB_PORT, first + second).count("host web.example/"), 2)
        self.internet.seen.clear()
        for pieces in ([first + request("two.cdn.example")], [first, request("two.cdn.example")]):
            answer = self.talk("one", "web.example", WEB_PORT, *pieces)
            self.assertNotIn("host two.cdn.example/", answer)
        self.assertLessEqual(set(self.internet.texts("host")), {"web.example/1"})
        self.assert_refusal("one", "name_not_allowed", name="two.cdn.example", address=WEB, port=WEB_PORT)

    @long
    def test_requests_that_hide_their_host_are_refused(self):
        self.assertTrue(self.web("one", "web.example"))
        self.internet.seen.clear()
        host = b"Host: web.example\r\n"
        for reason, sent in (("not_http", request("web.example", target="http://two.cdn.example/")),
                             ("not_http", b"GET / HTTP/1.1\r\n\r\n"),
                             ("not_http", b"GET / HTTP/1.1\r\n" + host + b"Host: two.cdn.example\r\n\r\n"),
                             ("not_http", b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\n"
                                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                             ("name_is_address", request(WEB)),
                             ("protocol_switch", request("web.example", more=("Connection: Upgrade", "Upgrade: h2c"))),
                             ("not_a_proxy", b"CONNECT web.example:443 HTTP/1.1\r\nHost: web.example:443\r\n\r\n")):
            with self.subTest(sent):
                self.talk("one", WEB, WEB_PORT, sent, timeout=NOTHING)
                self.assertEqual(self.internet.texts("host"), [])
                self.assert_refusal("one", reason, address=WEB, port=WEB_PORT)

    def test_nothing_of_the_host_is_reached(self):
        gateway = self.guest("one", "sh", "-c", "ip route | grep default").stdout.split()[2]
        for address in (gateway, netns.HOST_ADDRESS, HOST_PUBLIC, "10.0.2.2", "127.0.0.1"):
            self.assertEqual(self.secret("one", address), "", address)
        self.assert_refusal("one", "address_of_host", address=HOST_PUBLIC, port=egress.SECRET_PORT)
        # The service is there. Only the guest does not reach it.
        self.assertIn("you are", self.net.sh(self.net.host, f"busybox nc -w 5 {HOST_PUBLIC} {egress.SECRET_PORT}"))

    def test_only_tcp_leaves_the_guest(self):
        # These tools send many datagrams to the port, though they are for lookups.
        server = f"{DATAGRAMS}:{ECHO_PORT}"
        self.guest("one", "sh", "-c", f"for n in $(seq 30); do timeout 2 nslookup n$n.example {server} & done "
                                      ">/dev/null 2>&1; wait")
        self.assertEqual(self.internet.texts("datagram"), [])
        for address in (WEB, "8.20.30.40"):
            self.assertFalse(self.reaches("one", address, NOTHING))

    @long
    def test_there_is_no_ipv6(self):
        self.assertTrue(self.web("one", "six.example"))
        self.assertNotIn("2606", self.lookup("one", "six.example", "-type=aaaa"))
        self.guest("one", "sh", "-c", "ip -6 address add 2606:2800:220:1::9/64 dev eth0")
        self.addCleanup(self.guest, "one", "sh", "-c", "ip -6 address del 2606:2800:220:1::9/64 dev eth0")
        self.assert_unreached("one", IPV6, WEB_PORT, request("six.example"))


if __name__ == "__main__":
    unittest.main()
