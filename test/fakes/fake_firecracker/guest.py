"""The simplest guest: it listens on a vsock port and echoes everything."""
import os
import pathlib
import socket
import threading

AGENT_PORT = 867
HERE = pathlib.Path(__file__).resolve().parent


def cpio_file(archive, wanted):
    """Returns a file's content from concatenated newc archives, or None. The last file of that name wins."""
    at, found = 0, None
    while (at := archive.find(b"070701", at)) >= 0:
        fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + 110:at + 110 + name_size - 1].decode("latin-1")
        start = at + 110 + name_size + (-(110 + name_size) & 3)
        if name == wanted:
            found = archive[start:start + size]
        at = start + size
    return found


class Guest:
    """Echoes everything, and ends when its power button is pressed. `end` is called with the exit code."""

    def __init__(self, end):
        self.end, self.still, self.running = end, False, False
        self.ports = {int(port) for port in os.environ.get("BANGER_FAKE_LISTENS", str(AGENT_PORT)).split(",") if port}

    def console(self, text):
        os.write(1, (text + "\r\n").encode())

    def boot(self, boot):
        self.running = True
        self.console("fake guest: " + boot.get("boot_args", ""))

    def answered(self):
        """Called after the answer to each API request has been sent."""
        if self.running and "BANGER_FAKE_EXIT" in os.environ:
            self.end(int(os.environ["BANGER_FAKE_EXIT"]))

    def unresponsive(self):
        return self.still

    def set_paused(self, still):
        self.still = still

    def press_button(self):
        threading.Timer(0.05, self.end, [0]).start()

    def describe(self):
        return {"booted": True}

    def restore(self, what):
        self.running, self.still = what["booted"], True

    def connect(self, port):
        if not self.running or port not in self.ports:
            return None
        ours, theirs = socket.socketpair()

        def echo():
            try:
                while data := theirs.recv(65536):
                    theirs.sendall(data)
            except OSError:
                pass
            theirs.close()
        threading.Thread(target=echo, daemon=True).start()
        return ours
