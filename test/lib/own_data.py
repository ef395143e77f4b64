"""Stories that add kernels or images: their home has a copy of the shared kernel and image."""
import pathlib
import subprocess
import unittest

from harness import DATA, Banger


class OwnDataCase(unittest.TestCase):
    config = "templates = false\n"

    @classmethod
    def setUpClass(cls):
        if not DATA:
            raise unittest.SkipTest("no images: BANGER_DATA is not set")
        cls.b = Banger(config=cls.config)
        cls.addClassCleanup(cls.b.destroy)
        data = pathlib.Path(cls.b.env["XDG_DATA_HOME"])
        data.mkdir()
        subprocess.run(["cp", "-a", "--sparse=always", "--reflink=auto", f"{DATA}/.", data], check=True)

    def create(self, *words):
        """Returns the name of a new VM that is deleted after the test."""
        vm = self.b.json("vm", "create", *words)["name"]
        self.addCleanup(self.b.run, "vm", "delete", "--force", vm)
        return vm

    def sh(self, vm, script, *options):
        return self.b.ok("vm", "exec", *options, vm, "--", "sh", "-euc", script)
