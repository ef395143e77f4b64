"""A guest that is the real agent, in its own namespaces and with its own root directory, which holds little more than
busybox.

The files that the guest has written stand for its memory and disks. A saved state contains these files but no
processes, so a restored guest has its files but not its commands. The configured disks are never opened."""
import base64
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

from .guest import AGENT_PORT, HERE, Guest, cpio_file

SAVED = ("etc", "root", "run", "tmp", "var")


def boot_config(boot):
    """Returns the machine's configuration from its initrd."""
    return json.loads(cpio_file(pathlib.Path(boot["initrd_path"]).read_bytes(), "banger/config.json"))


def connect_to(path):
    guest = socket.socket(socket.AF_UNIX)
    try:
        guest.connect(path)
    except OSError:
        return None
    return guest


class AgentGuest(Guest):
    """`where` is the directory in which the guest's temporary directory is created."""

    def __init__(self, end, agent, where=None):
        super().__init__(end)
        self.agent, self.where, self.process, self.halted = agent, where, None, False

    def boot(self, boot):
        super().boot(boot)
        self.boot_as(boot_config(boot))

    def boot_as(self, config):
        root = self.make_root()
        for name, text in (("config.json",
                            json.dumps({key: config[key] for key in ("link_token", "interfaces", "environment")
                                        if key in config})),
                           ("init", "none"), ("system-ready", "")):
            (root / "run/banger" / name).write_text(text)
        # The guest shares its host's cgroups, so its agent may not mount them there.
        (root / "run/banger/cgroup").write_text("")
        (root / "etc/hostname").write_text(config["hostname"] + "\n")
        (root / "etc/machine-id").write_text(config["machine_id"] + "\n")
        self.start(config["hostname"])

    def make_root(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="banger-fake-guest-", dir=self.where))
        root = self.place / "root"
        for name in ("bin", "etc/ssh", "root", "run/banger", "tmp", "var", "proc", "dev"):
            (root / name).mkdir(parents=True)
        shutil.copy(shutil.which("busybox") or "/bin/busybox", root / "bin/busybox")
        shutil.copy(self.agent, root / "bin/banger-agent")
        for applet in subprocess.run([root / "bin/busybox", "--list"], capture_output=True, text=True,
                                     check=True).stdout.split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        return root

    def start(self, name):
        self.path = str(self.place / "vsock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(8)
        button_reader, self.button = os.pipe()
        halt_reader, halt_writer = os.pipe()
        # The parent-death signal ends the guest together with its VMM, even while the guest is paused.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--mount", "--uts", "--net", "--ipc", "--fork",
             "--kill-child", sys.executable, str(HERE / "guest_init.py"),
             str(self.place / "root"), name, str(listener.fileno()), str(button_reader), str(halt_writer)],
            pass_fds=[listener.fileno(), button_reader, halt_writer], stdin=subprocess.DEVNULL, stdout=1, stderr=1,
            cwd="/", start_new_session=True)
        listener.close()
        os.close(button_reader)
        os.close(halt_writer)
        threading.Thread(target=self.watch, daemon=True).start()
        threading.Thread(target=self.wait_for_halt, args=(halt_reader,), daemon=True).start()

    def watch(self):
        code = self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)
        self.end(0 if code == 0 else 1)

    def wait_for_halt(self, halt_reader):
        self.halted = bool(os.read(halt_reader, 1))

    def unresponsive(self):
        return self.still or self.halted

    def set_paused(self, still):
        super().set_paused(still)
        if self.process is None and not still:
            self.start((self.place / "root/etc/hostname").read_text().strip())
        elif self.process is not None:
            os.killpg(self.process.pid, signal.SIGSTOP if still else signal.SIGCONT)

    def press_button(self):
        os.write(self.button, b"!")

    def describe(self):
        files = io.BytesIO()
        with tarfile.open(fileobj=files, mode="w") as tar:
            for name in SAVED:
                tar.add(self.place / "root" / name, name)
        return {"booted": True, "files": base64.b64encode(files.getvalue()).decode()}

    def restore(self, what):
        super().restore(what)
        root = self.make_root()
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(what["files"]))) as tar:
            tar.extractall(root)

    def connect(self, port):
        if port != AGENT_PORT or self.process is None:
            return None
        return connect_to(self.path)
