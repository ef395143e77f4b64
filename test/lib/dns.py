"""A small DNS client (RFC 1035), so that the tests do not depend on the host's resolver or its tools."""
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile

from harness import free_port, wait_until

A, SOA, OPT, AAAA = 1, 6, 41, 28
NXDOMAIN = 3


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def query(name, kind=A, edns=False, identity=None):
    identity = os.urandom(2) if identity is None else identity
    extra = b"\0" + struct.pack(">HHIH", OPT, 1232, 0, 0) if edns else b""
    return identity + struct.pack(">HHHHH", 0x0100, 1, 0, 0, int(edns)) + encode_name(name) + struct.pack(">HH", kind,
                                                                                                          1) + extra


class Answer:
    """A DNS reply: rcode, flags, and the addresses of the answer section."""

    def __init__(self, message, question):
        identity, self.flags, questions, answers, self.authorities, self.additionals = struct.unpack(">HHHHHH",
                                                                                                     message[:12])
        if struct.pack(">H", identity) != question[:2] or not self.flags & 0x8000 or questions > 1:
            raise ValueError(f"the message does not answer the question: {message!r}")
        self.rcode = self.flags & 15
        self.recursion_available = bool(self.flags & 0x80)
        self.addresses, self.ttls = [], []
        at = 12
        for _ in range(questions):
            at = self._skip_name(message, at) + 4
        for _ in range(answers):
            at = self._skip_name(message, at)
            kind, _, ttl, size = struct.unpack(">HHIH", message[at:at + 10])
            if kind == A:
                self.addresses.append(socket.inet_ntoa(message[at + 10:at + 10 + size]))
                self.ttls.append(ttl)
            at += 10 + size

    @staticmethod
    def _skip_name(message, at):
        while message[at] and message[at] < 0xc0:
            at += 1 + message[at]
        return at + (2 if message[at] else 1)


def ask(server, name, kind=A, edns=False, timeout=180):
    """Asks over UDP. `server` is (address, port)."""
    question = query(name, kind, edns)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect(server)
        client.send(question)
        return Answer(client.recv(4096), question)


def ask_tcp(server, name, kind=A, timeout=180):
    question = query(name, kind)
    with socket.create_connection(server, timeout=timeout) as client:
        client.sendall(struct.pack(">H", len(question)) + question)
        reply = b""
        while len(reply) < 2 or len(reply) < 2 + struct.unpack(">H", reply[:2])[0]:
            more = client.recv(4096)
            if not more:
                raise ConnectionError("the server closed the connection")
            reply += more
        return Answer(reply[2:], question)


def dnsmasq(case, server):
    """Starts a real dnsmasq that forwards .vm names to `server`, as docs/dns-routing.md describes. Returns its address.

    dnsmasq runs until the test ends."""
    program = shutil.which("dnsmasq", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin")
    if not program:
        case.skipTest("dnsmasq is not installed")
    port = free_port()
    place = tempfile.TemporaryDirectory()
    case.addCleanup(place.cleanup)
    config = pathlib.Path(place.name) / "banger.conf"
    config.write_text(f"server=/vm/{server[0]}#{server[1]}\n")
    process = subprocess.Popen([program, "--no-daemon", "--no-resolv", "--no-hosts", f"--conf-file={config}",
                                "--pid-file", "--user=", "--group=",
                                "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.addCleanup(process.wait)
    case.addCleanup(process.terminate)

    def answers():
        case.assertIsNone(process.poll(), "dnsmasq ended")
        try:
            ask_tcp(("127.0.0.1", port), "nobody.vm")
            return True
        except OSError:
            return False
    wait_until(answers, "dnsmasq to answer")
    return "127.0.0.1", port
