"""A system install into a separate directory tree: systemd's checks of the units, repetition, upgrade and uninstall."""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN  # noqa: E402
from marks import for_users  # noqa: E402

OWNER = "daemon"
UNITS = {"bangerd.service": 4.0, "bangerd-root.service": 5.0}
SYSTEM = pathlib.Path("etc/systemd/system")


class SystemInstall(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="banger-install-")
        self.addCleanup(place.cleanup)
        self.root = pathlib.Path(place.name)
        (self.root / "etc").mkdir()
        user = pwd.getpwnam(OWNER)
        owner = f"{OWNER}:x:{user.pw_uid}:{user.pw_gid}::/home/{OWNER}:/bin/sh\n"
        (self.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n" + owner)

    def banger(self, *words, program=BIN / "banger"):
        return subprocess.run([program, "system", *words, "--destdir", self.root], capture_output=True, text=True,
                              timeout=180)

    def ok(self, *words, **kwargs):
        done = self.banger(*words, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def files(self):
        return {str(path.relative_to(self.root)): os.readlink(path) if path.is_symlink() else path.stat().st_mtime_ns
                for path in self.root.rglob("*") if path.is_symlink() or path.is_file()}

    def test_install_is_complete_and_repeatable_and_uninstall_removes_it(self):
        before = self.files()
        self.ok("install", "--owner", OWNER)
        made = self.files()
        self.assertEqual(set(made) - set(before), {
            "etc/banger/install.toml", *(str(SYSTEM / name) for name in (*UNITS, "bangerd-root.socket")),
            "usr/lib/banger/banger", "usr/lib/banger/README",
            *(f"usr/bin/{name}" for name in ("banger", "bangerd", "bangerd-root", "banger-agent"))})
        self.assertIn("the install is up to date", self.ok("install"))
        self.assertEqual(self.files(), made)
        for name in ("banger", "bangerd-root"):
            self.assertTrue((self.root / "usr/bin" / name).resolve().samefile(self.root / "usr/lib/banger/banger"))
        output = self.ok("uninstall")
        self.assertIn(f"/home/{OWNER}/.local/state/banger", output)  # named, because uninstall keeps it
        self.assertEqual(self.files(), before)
        self.assertIn("nothing to remove", self.ok("uninstall"))

    def test_an_upgrade_keeps_the_previous_program(self):
        other = self.root / "other"
        other.write_bytes((BIN / "banger").read_bytes() + b"\0")
        other.chmod(0o755)
        self.ok("install", "--owner", OWNER)
        self.ok("install", program=other)
        lib = self.root / "usr/lib/banger"
        self.assertEqual((lib / "banger").read_bytes(), other.read_bytes())
        self.assertEqual((lib / "banger.old").read_bytes(), (BIN / "banger").read_bytes())
        subprocess.run([lib / "banger.old", "--version"], check=True, capture_output=True)

    def test_systemd_accepts_the_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        self.ok("install", "--owner", OWNER)
        self.check_units()
        self.ok("install", "--jailer", "/usr/bin/jailer", "--firecracker", "/usr/bin/firecracker")
        self.assertIn("CAP_SYS_ADMIN", (self.root / SYSTEM / "bangerd-root.service").read_text())
        self.check_units()

    def check_units(self):
        for name in (*UNITS, "bangerd-root.socket"):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={self.root}", name],
                                  capture_output=True, text=True)
            # The tree has no units of systemd itself, so messages about missing targets are expected.
            wrong = [line for line in done.stderr.splitlines() if "banger" in line
                     and not line.endswith("target not found.")]
            self.assertEqual(wrong, [], name)
        for name, most in UNITS.items():
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={int(most * 10)}",
                                   "--no-pager", self.root / SYSTEM / name],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout[-600:] + done.stderr)
            self.assertIn("Overall exposure level", done.stdout)

    def test_jails_need_absolute_paths_of_both_programs(self):
        for words in (("--jailer", "/usr/bin/jailer"), ("--firecracker", "/usr/bin/firecracker"),
                      ("--jailer", "jailer", "--firecracker", "/usr/bin/firecracker")):
            self.assertNotEqual(self.banger("install", "--owner", OWNER, *words).returncode, 0)
        self.assertFalse((self.root / "usr").exists())

    @for_users
    def test_it_needs_root_or_another_destination(self):
        for word in ("install", "restart", "uninstall"):
            done = subprocess.run([BIN / "banger", "system", word], capture_output=True, text=True, timeout=180)
            self.assertEqual(done.returncode, 125)
            self.assertIn("root", done.stderr)


if __name__ == "__main__":
    unittest.main()
