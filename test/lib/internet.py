"""The internet of a test: names, addresses and servers in the outside namespace of netns.Network.

The servers are threads of the test. Their sockets were made inside the namespace, so nothing else reaches them. They
record all that reaches them, and answer with the names that they saw."""
import collections
import concurrent.futures
import contextlib
import ctypes
import http.server
import pathlib
import re
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading

import client_hello
import dns
import netns
from harness import wait_until

# Networks of the real internet, because networks for examples are closed to guests. Every address in them answers.
NETWORKS = "93.184.216.1/24", "8.20.30.1/24"
# Private addresses, and the metadata of clouds. Their servers are there, so a guest that gets through is noticed.
CLOSED = "192.168.7.7", "10.9.8.7", "169.254.169.254"
IPV6, IPV6_HOST = "2606:2800:220:1::34", "2606:2800:220:1::1"
SECURE = "93.184.216.44"  # the only address with a whole TLS server
RESOLVER = "8.20.30.53"  # another DNS server, which records and never answers
DATAGRAMS = "93.184.216.77"  # echoes UDP
WEB_PORT, OTHER_WEB_PORT, TLS_PORT, ECHO_PORT = 80, 8080, 443, 7777
NAME_SERVER = netns.OUTSIDE_ADDRESS
TTL = 600

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

# `what` is connection, host, sni, echo or datagram. `text` is the host with the path, the name in the hello, or bytes.
Seen = collections.namedtuple("Seen", "what address port text")


def inside(space, function, *args):
    """Returns what the function returns in a new thread inside that network namespace. Its sockets stay there."""
    def enter():
        with open(f"/run/netns/{space}") as file:
            if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return function(*args)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(enter).result()


class Server(socketserver.ThreadingMixIn):
    """A server that tells what comes. Clients that go away are no errors."""

    daemon_threads = allow_reuse_address = allow_reuse_port = True
    request_queue_size = 128

    def __init__(self, address, handler, internet):
        self.internet = internet
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        pass


class TcpServer(Server, socketserver.TCPServer):
    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()

    def process_request(self, request, client_address):
        self.internet.note("connection", request)
        super().process_request(request, client_address)


class UdpServer(Server, socketserver.UDPServer):
    pass


class Web(http.server.BaseHTTPRequestHandler):
    """Answers each request of a connection with its host and its path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = f"{self.headers.get('Host')}{self.path}"
        self.server.internet.note("host", self.request, text)
        answer = f"host {text}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class SecureWeb(Web):
    def setup(self):
        self.request = self.server.internet.context.wrap_socket(self.request, server_side=True)
        super().setup()


class Hello(socketserver.BaseRequestHandler):
    """Reads a ClientHello, and answers in plain text with the name that was in it."""

    def handle(self):
        name = client_hello.read_name(self.request.recv)
        self.server.internet.note("sni", self.request, name)
        self.request.sendall(f"sni {name}\n".encode())


class Echo(socketserver.BaseRequestHandler):
    """Ends the connection after the word "bye"."""

    def handle(self):
        while received := self.request.recv(65536):
            self.server.internet.note("echo", self.request, received)
            self.request.sendall(received)
            if b"bye" in received:
                break


class EchoDatagram(socketserver.BaseRequestHandler):
    answers = True

    def handle(self):
        received, own = self.request
        self.server.internet.note("datagram", own, received)
        if self.answers:
            own.sendto(received, self.client_address)


class SilentDatagram(EchoDatagram):
    answers = False


class Internet:
    """Begins to serve at once. The namespace of the host gets a resolv.conf that names the DNS server.

    `names` are those of publish()."""

    def __init__(self, net, names):
        self.net, self.seen, self.records = net, [], {}
        with contextlib.ExitStack() as closing:
            self.place = pathlib.Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="banger-internet-")))
            self.add_addresses()
            self.make_certificate()
            for address, port, kind, handler in (
                    ("0.0.0.0", WEB_PORT, TcpServer, Web), ("0.0.0.0", OTHER_WEB_PORT, TcpServer, Web),
                    (IPV6, WEB_PORT, TcpServer, Web), ("0.0.0.0", TLS_PORT, TcpServer, Hello),
                    (SECURE, TLS_PORT, TcpServer, SecureWeb), ("0.0.0.0", ECHO_PORT, TcpServer, Echo),
                    (DATAGRAMS, ECHO_PORT, UdpServer, EchoDatagram), (RESOLVER, 53, UdpServer, SilentDatagram)):
                server = inside(net.outside, kind, (address, port), handler, self)
                closing.callback(server.server_close)
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                closing.callback(server.shutdown)
            self.name_server = None
            closing.callback(self.end_name_server)
            self.publish(names)
            self.set_resolver(closing)
            self.close = closing.pop_all().close

    def add_addresses(self):
        # All addresses of a network on the loopback link belong to the namespace.
        for address in (*NETWORKS, *(f"{each}/32" for each in CLOSED)):
            self.net.sh(self.net.outside, f"ip address add {address} dev lo")
        for space, address in ((self.net.outside, IPV6), (self.net.host, IPV6_HOST)):
            self.net.sh(space, f"ip address add {address}/64 dev eth0 nodad")

    def make_certificate(self):
        """Makes a CA, and a certificate of all names that end with .example."""
        def make(name, *more):
            words = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout",
                     self.place / f"{name}.key", "-out", self.place / f"{name}.pem", "-subj", f"/CN={name}", *more]
            subprocess.run(["openssl", "req", "-x509", *words], check=True, capture_output=True)
        make("ca")
        make("server", "-CA", self.place / "ca.pem", "-CAkey", self.place / "ca.key", "-addext",
             "subjectAltName=DNS:*.example,DNS:*.cdn.example", "-addext", "basicConstraints=critical,CA:false")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("ALL:@SECLEVEL=0")  # busybox has no newer ones
        self.context.load_cert_chain(self.place / "server.pem", self.place / "server.key")
        self.context.sni_callback = lambda connection, name, _: self.note("sni", connection, name or "")

    @property
    def ca(self):
        return self.place / "ca.pem"

    def set_resolver(self, closing):
        # ip-netns(8) puts this file in the place of /etc/resolv.conf.
        conf = pathlib.Path("/etc/netns") / self.net.host
        conf.mkdir(parents=True)
        closing.callback(subprocess.run, ["rm", "-rf", conf])
        (conf / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")

    def publish(self, names, ttl=TTL):
        """Adds or replaces names: {name: [address, …]}, or {name: another name} for an alias. The server has all names
        below .example, and other names there do not exist."""
        self.records |= {name: (value, ttl) for name, value in names.items()}
        self.end_name_server()
        words = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=",
                 "--user=root", "--bind-interfaces", f"--listen-address={NAME_SERVER}", "--local=/example/",
                 "--log-queries", "--log-facility=-", "--cache-size=0"]
        for name, (value, ttl) in self.records.items():
            words += ([f"--cname={name},{value},{ttl}"] if isinstance(value, str)
                      else [f"--host-record={name},{address},{ttl}" for address in value])
        with open(self.place / "questions", "a") as log:
            self.name_server = subprocess.Popen(self.net.command(self.net.outside, "dnsmasq", *words), stderr=log)
        wait_until(self.answers, "the DNS server to answer")

    def answers(self):
        if self.name_server.poll() is not None:
            raise AssertionError((self.place / "questions").read_text())
        try:
            return inside(self.net.outside, dns.ask, (NAME_SERVER, 53), "nobody.example", dns.A, False, 5)
        except OSError:
            return False

    def end_name_server(self):
        if self.name_server:
            self.name_server.kill()
            self.name_server.wait()

    def questions(self, name):
        """Returns how often the DNS server was asked for an address of the name."""
        return len(re.findall(rf"query\[A\] {re.escape(name)} from", (self.place / "questions").read_text()))

    def note(self, what, connection, text=""):
        address, port = connection.getsockname()[:2]
        self.seen.append(Seen(what, address, port, text))

    def texts(self, what):
        return [each.text for each in list(self.seen) if each.what == what]

    def reached(self, address):
        """Returns what reached that address."""
        return [each for each in list(self.seen) if each.address == address]
