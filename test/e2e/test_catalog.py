"""Images that travel between states, and images of the host's files, boot."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from file_server import FileServer  # noqa: E402
from harness import BIN, KERNEL, Banger  # noqa: E402
from marks import long  # noqa: E402

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
SHAPE = ("--memory", "256M", "--vcpu", "1")


class Travel(BareCase):
    def boots(self, banger, image):
        answer = banger.ok("vm", "run", "--rm", "--image", image, *SHAPE, "--", "echo", "it", "boots")
        self.assertEqual(answer, "it boots\n")

    def empty(self, config=""):
        banger = Banger(config=self.config + config)
        self.addCleanup(banger.destroy)
        return banger

    def test_an_exported_image_boots_in_an_empty_state(self):
        image = self.b.ok("image", "export", "bare", "-o", str(self.b.root)).strip()
        kernel = self.b.ok("kernel", "export", KERNEL, "-o", str(self.b.root)).strip()
        other = self.empty()
        other.ok("image", "import", image)
        other.ok("kernel", "import", kernel)
        self.boots(other, "bare")
        self.assertEqual(other.leftovers(), [])

    def test_vm_run_pulls_image_and_kernel_of_a_signed_catalog_by_itself(self):
        site, key = self.b.root / "site", self.b.root / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
        for kind, name in (("kernel", KERNEL), ("image", "bare")):
            words = (SCRIPTS / f"publish-{kind}", name, "--to", site, "--key", key, "--banger", BIN / "banger")
            said = subprocess.run(words, env=self.b.env, check=True, stdout=subprocess.PIPE, text=True).stdout
        server = FileServer(site)
        self.addCleanup(server.close)
        other = self.empty(f'catalog = "http://{server.address}/catalog.json"\n{said.splitlines()[-1]}\n')
        self.boots(other, "bare")
        self.assertEqual(other.leftovers(), [])

    @long
    def test_a_registered_image_boots_until_its_file_changes_and_then_promoted(self):
        file = self.b.root / "mine.ext4"
        file.write_bytes(pathlib.Path(self.b.json("image", "show", "bare")["rootfs"]).read_bytes())
        self.b.ok("image", "register", "mine", "--rootfs", str(file))
        self.b.ok("vm", "create", "--name", "kept", "--image", "mine", *SHAPE)
        self.b.ok("vm", "start", "kept")
        self.b.ok("vm", "exec", "kept", "--", "sh", "-c", "echo notes > /etc/notes")
        self.b.ok("vm", "stop", "kept")
        away = file.with_suffix(".away")
        file.rename(away)
        done = self.b.run("vm", "start", "kept")
        self.assertIn(f"image 'mine' uses {file}, which is gone", done.stderr)
        away.rename(file)
        self.b.ok("image", "promote", "mine")
        file.unlink()
        self.b.ok("vm", "start", "kept")
        self.assertEqual(self.b.ok("vm", "exec", "kept", "--", "cat", "/etc/notes"), "notes\n")
        self.b.ok("vm", "delete", "--force", "kept")


if __name__ == "__main__":
    unittest.main()
