"""The package: its wheel builds from the repository, installs alone, and brings the fixture of pytest."""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from fake import VM, FakeDaemon, FrameType, stream

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEST = """
import pytest

@pytest.fixture(scope="session")
def banger_client():
    import banger
    return banger.Client(socket={path!r})

@pytest.mark.banger_vm(memory="1G")
def test_echo(banger_vm):
    assert banger_vm.run("echo hi").text == "hi"
"""


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


class Package(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = pathlib.Path(folder.name)

    def run_program(self, *words, **more):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, cwd=self.scratch, timeout=300, **more)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    @unittest.skipUnless(has("pip", "setuptools", "wheel"), "needs pip, setuptools and wheel")
    def test_the_wheel_installs_into_a_new_environment(self):
        source = self.scratch / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        self.run_program(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", "wheels", source)
        wheel, = self.scratch.glob("wheels/*.whl")
        self.run_program(sys.executable, "-m", "venv", "--without-pip", "env")
        self.run_program(*pip, "--python", "env/bin/python", "install", "--no-index", wheel)
        script = ("import banger, banger.aio, importlib.metadata as m, pathlib\n"
                  "assert (pathlib.Path(banger.__file__).parent / 'py.typed').exists()\n"
                  "print([e.value for e in m.entry_points(group='pytest11') if e.name == 'banger'],"
                  " m.requires('banger'), banger.__file__)")
        said = self.run_program("env/bin/python", "-I", "-c", script)
        self.assertTrue(said.startswith("['banger.pytest_plugin'] None "), said)
        self.assertIn("/env/lib/", said)

    @unittest.skipUnless(has("pytest"), "needs pytest")
    def test_the_fixture_makes_a_vm_with_the_options_of_its_mark_and_deletes_it(self):
        def echo(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, spec["argv"][2].split()[1].encode())
            peer.exit()
        daemon = FakeDaemon()
        self.addCleanup(daemon.stop)
        daemon.methods.update({"vm.exec": stream(echo), "vm.create": VM})
        (self.scratch / "test_it.py").write_text(TEST.format(path=daemon.path))
        env = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self.run_program(sys.executable, "-m", "pytest", "-q", "-p", "banger.pytest_plugin", "--strict-markers",
                         "test_it.py", env=env)
        self.assertEqual(daemon.methods_called(), ["vm.create", "vm.exec", "vm.delete"])
        self.assertEqual(daemon.calls[0][1], {"memory_bytes": 1 << 30, "ephemeral": True})


if __name__ == "__main__":
    unittest.main()
