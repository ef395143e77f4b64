"""The script that builds images in the VM, guest/image-builder.sh, with stand-ins for the guest's tools."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "guest" / "image-builder.sh"
TOOLS = ("flock", "systemctl", "systemd-run", "buildah", "df")


class Script(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="banger-builder-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        (self.root / "bin").mkdir()
        (self.root / "run").mkdir()
        for tool in TOOLS:
            self.put(tool)

    def put(self, tool, body=""):
        """A tool that writes its name and arguments into a log."""
        path = self.root / "bin" / tool
        path.write_text(f'#!/bin/sh\necho "{tool} $1 $2" >>{self.root}/log\n{body}\n')
        path.chmod(0o755)

    def begin(self):
        text = SCRIPT.read_text().replace("/root", f"{self.root}/home").replace("/run/", f"{self.root}/run/")
        env = dict(os.environ, PATH=f"{self.root}/bin:/usr/bin:/bin")
        done = subprocess.run(["/bin/sh", "-c", text, "sh", "begin", "b1"], env=env, capture_output=True, text=True)
        return done, (self.root / "log").read_text().splitlines()

    def test_the_unit_that_stops_an_idle_vm_is_started_by_one_build_at_a_time(self):
        self.put("systemctl", "[ $1 != is-active ]")
        done, log = self.begin()
        self.assertEqual(done.returncode, 0, done.stderr)
        started = next(i for i, line in enumerate(log) if line.startswith("systemd-run"))
        self.assertLess(log.index("flock 9 "), started)

    def test_a_unit_that_exists_but_is_not_active_ends_no_build(self):
        self.put("systemd-run", "exit 1")
        self.put("systemctl", "[ $1 != is-active ] && echo loaded")
        done, log = self.begin()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(any(line.startswith("buildah") for line in log), log)

    def test_a_unit_that_cannot_be_started_ends_the_build(self):
        self.put("systemd-run", "exit 1")
        self.put("systemctl", "[ $1 != is-active ] && echo not-found")
        self.assertNotEqual(self.begin()[0].returncode, 0)


if __name__ == "__main__":
    unittest.main()
