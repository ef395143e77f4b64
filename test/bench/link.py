"""A minimal client for the link to a guest's agent: the handshake, HTTP/2 with literal headers, and exec frames.

It takes the place of banger's daemon and does only what one command needs."""
import json
import os
import socket
import struct
import time

RETRY = 0.25  # seconds, as in banger; a hello can get lost before the agent reads the port
DATA, HEADERS, RESET, SETTINGS, GOAWAY = 0, 1, 3, 4, 7  # RFC 9113, 6
SPEC, STDIN_END, STDOUT, EXIT, FAILED = 1, 3, 17, 19, 20  # docs/rpc.md, exec frames


def http_frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header(name, value):
    """Encodes a literal header field without indexing, with a new name (RFC 7541, 6.2.2)."""
    return b"".join([b"\0", bytes([len(name)]), name.encode(), bytes([len(value)]), value.encode()])


def exec_frame(kind, payload=b""):
    return struct.pack(">BI", kind, len(payload)) + payload


def exec_request(argv):
    spec = {"argv": argv, "env": {}, "cwd": "", "user": "root", "tty": False, "rows": 24, "cols": 80, "term": "dumb"}
    fields = ((":method", "POST"), (":scheme", "http"), (":path", "/exec"), (":authority", "guest"))
    body = exec_frame(SPEC, json.dumps(spec).encode()) + exec_frame(STDIN_END)
    return b"".join([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http_frame(SETTINGS, 0, 0),
                     http_frame(HEADERS, 0x4, 1, b"".join(header(*field) for field in fields)),
                     http_frame(DATA, 0, 1, body)])  # no END_STREAM: the end of the body would end the command


class Link:
    """A session with the agent behind the socket `path`. The constructor returns when the agent has answered."""

    def __init__(self, path, token, timeout=120):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.buffer = b""
        self._shake_hands(token, time.monotonic() + timeout)
        self.socket.settimeout(timeout)

    def _shake_hands(self, token, end):
        hello = token + os.urandom(16)
        self.socket.settimeout(RETRY)
        self.socket.sendall(hello)
        seen = b""
        while hello not in seen:
            try:
                more = self.socket.recv(65536)
                if not more:
                    raise RuntimeError("the machine ended before its agent answered")
                seen = seen[-64:] + more
            except TimeoutError:
                if time.monotonic() > end:
                    raise RuntimeError("the agent did not answer") from None
                self.socket.sendall(hello)
        self.buffer = seen.split(hello, 1)[1]
        self.stripping = hello

    def _more(self):
        more = self.socket.recv(65536)
        if not more:
            raise RuntimeError("the link broke")
        self.buffer += more

    def _strip_answers(self):
        """Removes answers to repeated hellos. The agent answers every hello before the first byte of the session."""
        hello = self.stripping
        while hello.startswith(self.buffer[:len(hello)]):
            if len(self.buffer) < len(hello):
                self._more()
            else:
                self.buffer = self.buffer[len(hello):]
        self.stripping = None

    def _read(self, count):
        if self.stripping:
            self._strip_answers()
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _body(self):
        """Yields the bytes of the response as they arrive."""
        while True:
            head = self._read(9)
            kind, flags = head[3], head[4]
            payload = self._read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & 1:
                self.socket.sendall(http_frame(SETTINGS, 1, 0))
            elif kind in (RESET, GOAWAY):
                raise RuntimeError(f"the agent refused the command: {payload!r}")
            elif kind == DATA:
                yield payload

    def run(self, argv):
        """Runs a command to its end. Returns its standard output, and the time at which the first byte arrived."""
        self.socket.sendall(exec_request(argv))
        pending, out, first = b"", b"", None
        for data in self._body():
            pending += data
            while len(pending) >= 5 and len(pending) >= 5 + int.from_bytes(pending[1:5], "big"):
                size = int.from_bytes(pending[1:5], "big")
                kind, payload, pending = pending[0], pending[5:5 + size], pending[5 + size:]
                if kind == STDOUT:
                    first = first or time.perf_counter()
                    out += payload
                if kind in (EXIT, FAILED):
                    return out, first
        raise RuntimeError("the link broke")

    def close(self):
        self.socket.close()
