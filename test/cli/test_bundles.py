"""Bundles: images and kernels leave one state as a file, and arrive in another. No VM boots here."""
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import Banger, Case, wait_until  # noqa: E402

# The smallest ELF that is taken for a kernel: a header of 64 bytes, and the banner.
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(40) + b"Linux version 6.1.0-test (a@b)\n"


class Bundles(Case):
    needs_images = False

    def setUp(self):
        super().setUp()
        self.other = Banger()
        self.addCleanup(self.other.destroy)
        tree = self.b.root / "tree"
        (tree / "etc").mkdir(parents=True)
        (tree / "etc/hostname").write_text("bundled\n")
        subprocess.run(["tar", "-C", tree, "-cf", self.b.root / "root.tar", "."], check=True)
        (self.b.root / "vmlinux").write_bytes(ELF)
        (self.b.root / "config.json").write_text('{"Cmd": ["serve"], "Env": ["A=1"]}')

    def image(self):
        return self.b.json("image", "import", "mine", str(self.b.root / "root.tar"), "--config",
                           str(self.b.root / "config.json"))

    def test_an_image_moves_to_another_state(self):
        made = self.image()
        path = pathlib.Path(self.b.ok("image", "export", "mine", "-o", str(self.b.root)).strip())
        self.assertRegex(path.name, r"^mine-[0-9a-f]{12}\.tar\.zst$")
        arrived = self.other.json("image", "import", str(path))
        for key in ("name", "kernel", "sha256", "rootfs_bytes", "config", "init"):
            self.assertEqual(arrived[key], made[key])
        hostname = subprocess.run(["debugfs", "-R", "cat /etc/hostname", arrived["rootfs"]], check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        self.assertEqual(hostname, b"bundled\n")
        again = self.other.run("image", "import", str(path))
        self.assertIn("the image 'mine' exists already", again.stderr)
        self.assertEqual(self.other.json("image", "import", str(path), "--name", "second")["name"], "second")
        self.assertEqual(self.other.leftovers(), [])

    def test_a_full_disk_is_told(self):
        self.image()
        done = self.b.run("image", "export", "mine", "-o", "/dev/full")
        self.assertEqual(done.returncode, 125)
        self.assertIn("No space left on device", done.stderr)
        self.assertIn("(hint: free some space there", done.stderr)

    def test_an_export_never_replaces_a_file(self):
        self.image()
        target = self.b.root / "taken"
        target.write_text("precious")
        done = self.b.run("image", "export", "mine", "-o", str(target))
        self.assertEqual(done.returncode, 125)
        self.assertIn("taken exists already", done.stderr)
        self.assertEqual(target.read_text(), "precious")

    def test_a_bundle_goes_through_a_pipe(self):
        made = self.image()
        bundle = self.b.run("image", "export", "mine", "-o", "-", text=False)
        self.assertEqual(bundle.returncode, 0, bundle.stderr)
        done = self.other.run("image", "import", "-", stdin=bundle.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.other.json("image", "show", "mine")["config"], made["config"])
        self.assertEqual(self.other.leftovers(), [])

    def test_a_root_file_system_comes_through_a_pipe(self):
        done = self.b.run("image", "import", "piped", "-", stdin=(self.b.root / "root.tar").read_bytes())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.b.json("image", "show", "piped")["source"], "import")
        self.assertEqual(self.b.leftovers(), [])

    def test_an_import_from_a_silent_pipe_ends_on_ctrl_c(self):
        self.b.ok("image", "list")
        words = ("image", "import", "silent", "-")
        with self.b.popen(*words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as waiting:
            wait_until(lambda: list(self.b.root.rglob("*.partial")), "the import to read its input")
            waiting.send_signal(signal.SIGINT)
            self.assertEqual(waiting.wait(60), 130)
        self.assertEqual(self.b.leftovers(), [])

    def test_a_damaged_bundle_leaves_nothing(self):
        self.image()
        path = pathlib.Path(self.b.ok("image", "export", "mine", "-o", str(self.b.root / "b.tar.zst")).strip())
        content = path.read_bytes()
        for damaged in (content[:len(content) // 2], content[:200] + b"x" + content[201:], b"", b"no bundle"):
            path.write_bytes(damaged)
            done = self.other.run("image", "import", str(path))
            self.assertEqual(done.returncode, 125)
            self.assertIn("import a bundle: ", done.stderr)
        self.assertEqual(self.other.json("image", "list"), [])
        self.assertEqual(self.other.leftovers(), [])

    def test_a_kernel_moves_to_another_state(self):
        made = self.b.json("kernel", "import", "mine", "--vmlinux", str(self.b.root / "vmlinux"))
        path = self.b.ok("kernel", "export", "mine", "-o", str(self.b.root)).strip()
        arrived = self.other.json("kernel", "import", path)
        for key in ("name", "release", "sha256"):
            self.assertEqual(arrived[key], made[key])
        wrong = self.other.run("image", "import", path)
        self.assertIn("the bundle holds the kernel 'mine' (hint: banger kernel import)", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
