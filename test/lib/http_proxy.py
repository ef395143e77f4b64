"""An HTTP proxy of a test's host. It demands a user and a password, and records the heads of all requests.

    python3 http_proxy.py ADDRESS PORT LOG USER:PASSWORD"""
import base64
import pathlib
import socket
import socketserver
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line.decode().strip())
        if not lines:
            return
        with self.server.lock, open(self.server.log, "a") as log:
            log.write("\n".join(lines) + "\n\n")
        if f"Proxy-Authorization: {self.server.authorization}" not in lines:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, _ = lines[0].split()
        try:
            self.tunnel(target) if method == "CONNECT" else self.fetch(method, target, lines)
        except OSError as error:
            self.wfile.write(f"HTTP/1.1 502 {error}\r\nContent-Length: 0\r\n\r\n".encode())

    def tunnel(self, target):
        host, port = target.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 30) as server:
            server.settimeout(None)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(server.recv, self.connection), daemon=True)
            back.start()
            self.copy(self.rfile.read1, server)
            back.join()

    @staticmethod
    def copy(read, to):
        try:
            while data := read(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def fetch(self, method, target, lines):
        url = urllib.parse.urlsplit(target)
        with socket.create_connection((url.hostname, url.port or 80), 30) as server:
            head = [f"{method} {url.path or '/'} HTTP/1.1", *lines[1:]]
            server.sendall("\r\n".join([*head, "", ""]).encode())
            self.copy(server.recv, self.connection)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, address, port, log, login):
        self.log, self.lock = log, threading.Lock()
        self.authorization = "Basic " + base64.b64encode(login.encode()).decode()
        super().__init__((address, int(port)), Handler)


class Proxy:
    """The proxy in the host's namespace of a netns.Network."""

    def __init__(self, net, address, port, log, login):
        from harness import wait_until  # pylint: disable=import-outside-toplevel
        self.log, self.url = pathlib.Path(log), f"http://{login}@{address}:{port}"
        self.process = subprocess.Popen(net.command(net.host, "python3", __file__, address, str(port), log, login))
        wait_until(lambda: f"{address}:{port}" in net.sh(net.host, "ss -Hltn"), "the proxy to listen")

    def heads(self):
        """Returns the heads so far, as lists of lines."""
        text = self.log.read_text() if self.log.exists() else ""
        return [head.splitlines() for head in text.split("\n\n") if head]

    def targets(self):
        return [head[0].split()[1] for head in self.heads()]

    def end(self):
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    Server(*sys.argv[1:]).serve_forever()
