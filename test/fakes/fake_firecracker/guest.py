"""What stands for the guest: something that listens on a vsock port. By default it gives back what it is sent; with
BANGER_FAKE_AGENT it is the real agent in a PID namespace of its own, so that what it asks of PID 1 reaches no one else."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

AGENT_PORT = 867
HERE = pathlib.Path(__file__).resolve().parent


def cpio_file(archive, wanted):
    """A file's content from concatenated newc archives, or None. The last one counts."""
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
    """Gives back what it is sent, and ends when its button is pressed."""

    def __init__(self, end):
        self.end, self.still, self.running = end, False, False
        self.ports = {int(port) for port in os.environ.get("BANGER_FAKE_LISTENS", str(AGENT_PORT)).split(",") if port}

    def console(self, text):
        os.write(1, (text + "\r\n").encode())

    def boot(self, boot):
        self.running = True
        self.console("fake guest: " + boot.get("boot_args", ""))
        if "BANGER_FAKE_EXIT" in os.environ:
            threading.Timer(0.05, self.end, [int(os.environ["BANGER_FAKE_EXIT"])]).start()

    def asleep(self):
        return self.still

    def stand_still(self, still):
        self.still = still

    def press_button(self):
        threading.Timer(0.05, self.end, [0]).start()

    def describe(self):
        return {"booted": True}

    def restore(self, what):
        self.running = what["booted"]

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


def link_token(boot):
    return json.loads(cpio_file(pathlib.Path(boot["initrd_path"]).read_bytes(), "banger/config.json"))["link_token"]


class AgentGuest(Guest):
    """A real agent. It is never restored: giving it an identity would change the machine this runs on."""

    def __init__(self, end, agent):
        super().__init__(end)
        self.agent = agent

    def boot(self, boot):
        self.running = True
        self.console("fake guest: " + boot.get("boot_args", ""))
        self.start(link_token(boot))

    def start(self, token, place=None):
        self.run_dir = tempfile.mkdtemp(prefix="banger-fake-guest-", dir=place)
        (pathlib.Path(self.run_dir) / "config.json").write_text(json.dumps({"link_token": token}))
        (pathlib.Path(self.run_dir) / "init").write_text("none")
        (pathlib.Path(self.run_dir) / "system-ready").write_text("")
        self.path = self.run_dir + "/vsock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(8)
        seen, self.button = os.pipe()
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", sys.executable, str(HERE / "guest_init.py"),
             self.agent, self.run_dir, str(listener.fileno()), str(seen)],
            pass_fds=[listener.fileno(), seen], stdin=subprocess.DEVNULL, stdout=1, stderr=1, cwd="/", start_new_session=True)
        listener.close()
        os.close(seen)
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        code = self.process.wait()
        self.end(0 if code == 0 else 1)

    def stand_still(self, still):
        super().stand_still(still)
        os.killpg(self.process.pid, signal.SIGSTOP if still else signal.SIGCONT)

    def press_button(self):
        os.write(self.button, b"!")

    def restore(self, what):
        raise ValueError("this stand-in restores no real agent")

    def connect(self, port):
        if port != AGENT_PORT:
            return None
        guest = socket.socket(socket.AF_UNIX)
        try:
            guest.connect(self.path)
        except OSError:
            return None
        return guest


class OutsideGuest(AgentGuest):
    """An agent that test/fakes/guests runs, for as long as this process lives."""

    def __init__(self, end, place):
        Guest.__init__(self, end)
        self.place = pathlib.Path(place)

    def boot(self, boot):
        self.running = True
        self.console("fake guest: " + boot.get("boot_args", ""))
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(self.place / "boot.sock"))
        self.line.sendall(json.dumps({"token": link_token(boot)}).encode() + b"\n")
        self.answers = self.line.makefile()
        self.path = json.loads(self.answers.readline())["path"]
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        self.end(0 if self.answers.readline() == "ended 0\n" else 1)

    def stand_still(self, still):
        Guest.stand_still(self, still)
        self.line.sendall(b"stop\n" if still else b"go on\n")

    def press_button(self):
        self.line.sendall(b"button\n")
