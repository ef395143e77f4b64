"""The host's end of a vsock. It expects a CONNECT command in one piece, and answers OK or closes the connection. After
OK it copies bytes in both directions."""
import re
import selectors
import socket
import threading
import time

REQUEST_SECONDS = 2
FIRST_HOST_PORT = 1 << 30


class Vsock:
    def __init__(self, path, guest):
        self.guest, self.deaf, self.open, self.next_port = guest, False, [], FIRST_HOST_PORT
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            host, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(host,), daemon=True).start()

    def port_of(self, host):
        """Returns the requested port, or None. Like Firecracker, reads only once: the command must be one piece."""
        ready = selectors.DefaultSelector()
        ready.register(host, selectors.EVENT_READ)
        if not ready.select(REQUEST_SECONDS):
            return None
        command = host.recv(32)
        match = re.fullmatch(rb"connect (\d+)\n", command, re.I) if len(command) >= 10 else None
        return int(match[1]) if match else None

    def serve(self, host):
        port = self.port_of(host)
        if port is not None and (self.deaf or self.guest.unresponsive()):
            time.sleep(REQUEST_SECONDS)  # simulates a guest that does not answer
            port = None
        guest = self.guest.connect(port) if port is not None else None
        if guest is None:
            host.close()  # without an error message
            return
        self.next_port += 1
        host.sendall(f"OK {self.next_port}\n".encode())
        self.open.append(guest)
        threading.Thread(target=self.to_guest, args=(host, guest), daemon=True).start()
        copy(guest, host)
        if guest in self.open:
            self.open.remove(guest)
            shut(host)

    def to_guest(self, host, guest):
        copy(host, guest)
        shut(guest)
        shut(host)

    def reset(self):
        """Closes the guest's end of all connections. The host's ends stay open, but receive nothing."""
        ended, self.open = self.open, []
        for guest in ended:
            shut(guest)


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
