"""A base class for tests of VMs under the stand-in for Firecracker. Its guest is the real agent in namespaces."""
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

from harness import BIN, wait_until
from marks import for_root
import bare

FAKE = pathlib.Path(__file__).resolve().parents[1] / "fakes" / "firecracker"


def can_isolate():
    words = ["unshare", "--pid", "--mount", "--uts", "--net", "--ipc", "--fork", "--mount-proc", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(words, capture_output=True).returncode == 0


@for_root
class FirecrackerCase(bare.BareCase):
    """A home with the image `bare`, whose configured Firecracker is the stand-in."""

    config = "templates = false\n"

    @classmethod
    def setUpClass(cls):
        if not can_isolate():
            raise unittest.SkipTest("the stand-in's guest needs namespaces, which cannot be created here")
        super().setUpClass()
        cls.wrapper = cls.b.root / "firecracker"
        cls.install()
        cls.use("firecracker")

    @classmethod
    def install(cls, **settings):
        """Installs the stand-in with these environment variables. A running daemon still uses what it found before."""
        exports = {"TMPDIR": cls.b.root, "BANGER_FAKE_AGENT": f"{BIN}/banger-agent", **settings}
        text = "#!/bin/sh\n" + "".join(f"export {name}='{value}'\n" for name, value in exports.items())
        fresh = cls.wrapper.with_suffix(".new")
        fresh.write_text(text + f"exec {sys.executable} {FAKE} \"$@\"\n")
        fresh.chmod(0o755)
        fresh.rename(cls.wrapper)

    @classmethod
    def use(cls, machine):
        cls.b.run("daemon", "stop")
        path = pathlib.Path(cls.b.env["XDG_CONFIG_HOME"]) / "banger"
        path.mkdir(parents=True, exist_ok=True)
        # The stand-in's guest has namespaces of its own, for which a machine in a private network has no rights.
        settings = f'network = "user"\nmachine = "{machine}"\nfirecracker_bin = "{cls.wrapper}"\n'
        (path / "config.toml").write_text(cls.config + settings)

    def create(self, name, *more):
        self.addCleanup(self.b.run, "vm", "delete", "--force", name)
        made = self.b.json("vm", "create", "--name", name, "--image", "bare", "--no-nat", "--memory", "128M",
                           "--disk-size", "256M", *more)
        self.settle(name)
        return made

    def settle(self, name):
        """Waits until the guest has written its new identity to a file, because the stand-in saves only files."""
        def written():
            db = sqlite3.connect(f"file:{self.b.state}/banger.db?mode=ro", uri=True)
            try:
                token = db.execute("SELECT link_token FROM vms WHERE name = ?", (name,)).fetchone()[0]
            finally:
                db.close()
            return token in self.b.ok("vm", "exec", name, "--", "cat", "/run/banger/config.json")
        wait_until(written, "the guest to write its identity")

    def sh(self, name, script):
        return self.b.ok("vm", "exec", name, "--", "sh", "-c", script)

    def show(self, name):
        return self.b.json("vm", "show", name)
