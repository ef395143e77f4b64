"""A guest whose agent runs outside the jail, in test/fakes/guests, because a jail has neither the files nor the
privileges to run one. The agent ends with this process."""
import json
import pathlib
import socket
import threading

from .agent_guest import boot_config, connect_to
from .guest import AGENT_PORT, Guest


class OutsideGuest(Guest):
    def __init__(self, end, place):
        super().__init__(end)
        self.place = pathlib.Path(place)

    def boot(self, boot):
        super().boot(boot)
        config = boot_config(boot)
        wanted = {key: config[key] for key in ("link_token", "interfaces", "environment", "hostname", "machine_id")
                  if key in config}
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(self.place / "boot.sock"))
        self.line.sendall(json.dumps(wanted).encode() + b"\n")
        self.answers = self.line.makefile()
        self.path = json.loads(self.answers.readline())["path"]
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        self.end(0 if self.answers.readline() == "ended 0\n" else 1)

    def set_paused(self, still):
        super().set_paused(still)
        self.line.sendall(b"stop\n" if still else b"go on\n")

    def press_button(self):
        self.line.sendall(b"button\n")

    def restore(self, what):
        raise ValueError("this stand-in restores no real agent in a jail")

    def connect(self, port):
        return connect_to(self.path) if port == AGENT_PORT else None
