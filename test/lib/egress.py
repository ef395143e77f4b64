"""What stories about egress policies share: names of the internet, a guest that talks to it, and the log of its VM."""
import base64
import os
import pathlib

import client_hello
from harness import alive, wait_until
from internet import CLOSED, DATAGRAMS, IPV6, OTHER_WEB_PORT, SECURE, TLS_PORT, WEB_PORT, Internet

ANSWER, NOTHING, LOGGED = 60, 3, 60  # seconds; NOTHING is for answers that must not come.
SECRET_PORT = 8003  # of a service of the host.
HOST_PUBLIC = "93.184.220.1"  # a second address of the host, as servers have one.
GREETER_PORT = 8022  # of a server that speaks first.
LAN, _, METADATA = CLOSED

WEB, PORTS, SHARED, OTHER, GREETER = (f"93.184.216.{n}" for n in (34, 35, 40, 50, 54))
NAMES = {"web.example": [WEB], "ports.example": [PORTS], "other.example": [OTHER], "echo.example": ["93.184.216.53"],
         "greeter.example": [GREETER], "tls.example": [SECURE], "six.example": ["93.184.216.51", IPV6],
         "wild.example": ["93.184.216.38"], "a.wild.example": ["93.184.216.36"], "a.b.wild.example": ["93.184.216.37"],
         "one.cdn.example": [SHARED], "two.cdn.example": [SHARED],
         "www.alias.example": "mid.alias.example", "mid.alias.example": "end.alias.example",
         "end.alias.example": ["93.184.216.41"],
         "loopback.rebind.example": ["127.0.0.1"], "lan.rebind.example": [LAN],
         "metadata.rebind.example": [METADATA], "host.rebind.example": [HOST_PUBLIC],
         "mixed.rebind.example": ["93.184.216.52", "10.9.8.7"], "datagrams.example": [DATAGRAMS]}

# Sends pieces, and keeps its own side of the connection open until the server or the time ends it.
TALK = """
rm -f /tmp/talk; mkfifo /tmp/talk; exec 3<>/tmp/talk
host=$1 port=$2 seconds=$3; shift 3
(for piece; do echo $piece | base64 -d >&3; sleep 0.2; done) &
exec timeout $seconds nc -w $seconds $host $port <&3
"""


def request(host, path="/", more=("Connection: close",), target=None):
    return "\r\n".join([f"GET {target or path} HTTP/1.1", f"Host: {host}", *more, "", ""]).encode()


def gates(banger, net):
    """Returns the pids of gate processes in the namespaces of that banger's machines and of its host."""
    spaces = {os.stat(f"/run/netns/{net.host}").st_ino}
    spaces |= {os.stat(f"/proc/{pid}/ns/net").st_ino for pid in banger.machines()}
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if b"bangerd-gate" in (entry / "cmdline").read_bytes() and os.stat(entry / "ns/net").st_ino in spaces:
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


class OnTheInternet:
    """A mixin for the cases of test/net that have a network. Their hosts know NAMES."""

    @classmethod
    def make_banger(cls):
        banger = super().make_banger()
        cls.internet = Internet(cls.net, NAMES)
        cls.addClassCleanup(cls.internet.close)
        cls.net.serve(cls.net.outside, GREETER, GREETER_PORT)
        cls.net.sh(cls.net.host, f"ip address add {HOST_PUBLIC}/32 dev lo")
        return banger

    def check_nothing_is_left(self):
        gates = self.gates()
        super().check_nothing_is_left()
        wait_until(lambda: not any(alive(pid) for pid in gates), "the gates to end")

    def gates(self):
        return gates(self.b, self.net)

    # -- what the guest says and hears

    def talk(self, vm, host, port, *pieces, timeout=ANSWER):
        """Returns what the guest receives from there while it sends these pieces of bytes."""
        words = [base64.b64encode(piece).decode() for piece in pieces]
        return self.guest(vm, "sh", "-c", TALK, "talk", host, str(port), str(timeout), *words).stdout

    def web(self, vm, host, address=None, port=WEB_PORT, timeout=ANSWER):
        """Whether a web server answers a request for that host. The guest looks up the name if there is no address."""
        own = host if port == WEB_PORT else f"{host}:{port}"
        return f"\nhost {own}/\n" in self.talk(vm, address or host, port, request(own), timeout=timeout)

    def other_web(self, vm, host, address=None, timeout=ANSWER):
        return self.web(vm, host, address, OTHER_WEB_PORT, timeout)

    def tls(self, vm, name, address=None, timeout=ANSWER):
        """Whether a server answers a ClientHello for that name."""
        hello = client_hello.make(name)
        return self.talk(vm, address or name, TLS_PORT, hello, timeout=timeout) == f"sni {name}\n"

    def lookup(self, vm, name, *more):
        return self.guest(vm, "nslookup", *more, name).stdout

    def serve_in_guest(self, vm, port):
        """Starts a service in the guest that says hello. Returns when it listens."""
        self.b.ok("vm", "exec", vm, "--", "sh", "-c",
                  f"nc -ll -p {port} -e echo hello </dev/null >/dev/null 2>&1 &")
        wait_until(lambda: "hello" in self.talk(vm, "127.0.0.1", port, timeout=NOTHING), "the service to listen")

    def secret(self, vm, address, timeout=NOTHING):
        """What the host's service says to the guest at that address."""
        return self.talk(vm, address, SECRET_PORT, timeout=timeout)

    def assert_unreached(self, vm, address, port, *pieces):
        """Nothing comes back but a refusal, and no server of the internet has seen anything there."""
        answer = self.talk(vm, address, port, *pieces, timeout=NOTHING)
        self.assertTrue(not answer or answer.startswith("HTTP/1.1 403 "), answer)
        self.assertEqual(self.internet.reached(address), [])

    # -- what the log says

    def log(self, vm):
        return self.b.json("vm", "egress", vm)

    def logged(self, vm, reason, **wanted):
        """Returns the rows with that reason and these values. A lookup has no address and no port."""
        def value(row, key):
            return row.get(key) or (0 if key == "port" else "")
        return [row for row in self.log(vm)
                if row["reason"] == reason and all(value(row, key) == wanted[key] for key in wanted)]

    def assert_refusal(self, vm, reason, **wanted):
        wait_until(lambda: self.logged(vm, reason, **wanted), f"{vm}'s refusal: {reason} {wanted}", LOGGED)
        row = self.logged(vm, reason, **wanted)[-1]
        self.assertEqual(row["verdict"], "refused")
        self.assertTrue(row["sentence"])
        return row
