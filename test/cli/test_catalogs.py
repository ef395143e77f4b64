"""Catalogs: what is published in one place is pulled in another. No VM boots here."""
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from file_server import FileServer  # noqa: E402
from harness import BIN, Banger, Case, wait_until  # noqa: E402

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
# The smallest ELF that is taken for a kernel: a header of 64 bytes, and the banner.
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(40) + b"Linux version 6.1.0-test (a@b)\n"


class Catalogs(Case):
    """`self.b` publishes into the directory `self.site`, and `self.user()` pulls from there."""

    needs_images = False

    def setUp(self):
        super().setUp()
        self.site = self.b.root / "site"
        self.make_image("app", "first")

    def make_image(self, name, hostname):
        tree = self.b.root / hostname
        (tree / "etc").mkdir(parents=True)
        (tree / "etc/hostname").write_text(hostname)
        (tree / "noise").write_bytes(os.urandom(3 << 20))  # so that the bundle has some length
        subprocess.run(["tar", "-C", tree, "-cf", self.b.root / "root.tar", "."], check=True)
        self.b.run("image", "delete", name)
        return self.b.json("image", "import", name, str(self.b.root / "root.tar"))

    def publish(self, kind="image", name="app", *more, to=None, env=None):
        return subprocess.run([SCRIPTS / f"publish-{kind}", name, "--to", to or str(self.site), "--banger",
                               str(BIN / "banger"), *more], env=self.b.env | (env or {}), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def published(self, *args, **kwargs):
        done = self.publish(*args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def user(self, config):
        user = Banger(config=config)
        self.addCleanup(user.destroy)
        return user

    def from_site(self):
        return self.user(f'catalog = "{self.site}/catalog.json"\n')

    def edit(self, change):
        path = self.site / "catalog.json"
        catalog = json.loads(path.read_text())
        change(catalog["entries"])
        path.write_text(json.dumps(catalog))

    def key(self, name="key.pem"):
        path = self.b.root / name
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout
        return path, base64.b64encode(der[-32:]).decode()

    def test_the_compiled_in_catalog_lists_the_images_and_kernels_that_can_be_made(self):
        names = {entry["name"] for entry in self.b.json("image", "catalog")}
        self.assertLessEqual({"debian-bookworm", "debian-bookworm-dev"}, names)
        self.assertEqual(self.b.ok("kernel", "catalog", "-q"), "debian-cloud\n")
        self.assertIn("not pulled yet: debian-bookworm (", self.b.ok("image", "list"))
        self.assertIn("not pulled yet: debian-cloud\n", self.b.ok("kernel", "list"))
        offered = self.b.ok("__complete", "--", "image", "pull", "")
        self.assertIn("debian-bookworm-dev", offered)
        missing = self.b.run("kernel", "pull", "none")
        self.assertIn("the catalog has no kernel 'none' (hint: these can be pulled: debian-cloud)", missing.stderr)

    def test_a_published_image_is_pulled_and_updated(self):
        self.assertIn("app-", self.published("image", "app", "--description", "an app"))
        user = self.from_site()
        self.assertIn("an app", user.ok("image", "catalog"))
        made, pulled = self.b.json("image", "show", "app"), user.json("image", "pull", "app")
        self.assertEqual(pulled["name"], "app")
        self.assertEqual(pulled["sha256"], made["sha256"])
        self.assertTrue(pulled["source"].startswith("catalog:"))
        self.assertIn("is here already", user.ok("image", "pull", "app"))
        self.make_image("app", "second")
        self.published()
        self.assertNotEqual(user.json("image", "pull", "app")["id"], pulled["id"])
        self.assertEqual(len(user.json("image", "list")), 1)
        entries = json.loads((self.site / "catalog.json").read_text())["entries"]
        self.assertEqual([entry["description"] for entry in entries], ["an app"])
        self.assertEqual(user.leftovers(), [])

    def test_a_published_kernel_is_pulled(self):
        (self.b.root / "vmlinux").write_bytes(ELF)
        self.b.ok("kernel", "import", "mine", "--vmlinux", str(self.b.root / "vmlinux"))
        self.published("kernel", "mine")
        user = self.from_site()
        self.assertEqual(user.json("kernel", "pull", "mine")["release"], "6.1.0-test")

    def test_a_source_that_fails_is_told_and_the_next_one_is_used(self):
        self.published()
        server = FileServer(self.site)
        self.addCleanup(server.close)
        gone = {"from": "bundle", "location": "gone.tar.zst", "size": 7, "sha256": "a" * 64}
        self.edit(lambda entries: entries[0]["sources"].insert(0, gone))
        user = self.user(f'catalog = "http://{server.address}/catalog.json"\n')
        done = user.run("image", "pull", "app")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("banger: warning: bundle gone.tar.zst does not work: ", done.stderr)
        self.assertIn("the server answers 404 Not Found; next is bundle app-", done.stderr)
        self.assertIn("gone.tar.zst", [name for name, _ in server.asked])

    def test_a_killed_download_goes_on(self):
        self.published()
        server = FileServer(self.site)
        self.addCleanup(server.close)
        bundle = json.loads((self.site / "catalog.json").read_text())["entries"][0]["sources"][0]["location"]
        server.stalls[bundle] = 2 << 20
        user = self.user(f'catalog = "http://{server.address}/catalog.json"\n')
        pull = user.popen("image", "pull", "app", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cache = pathlib.Path(user.env["XDG_CACHE_HOME"]) / "banger/blobs/sha256"
        wait_until(lambda: any(path.stat().st_size >= 2 << 20 for path in cache.glob("*.partial")), "the first bytes")
        user.kill_daemon()
        pull.communicate()
        self.assertEqual(user.json("image", "pull", "app")["name"], "app")
        self.assertEqual([part for name, part in server.asked if name == bundle], [None, f"bytes={2 << 20}-"])
        self.assertEqual(list(cache.iterdir()), [])

    def test_an_interrupted_download_keeps_what_it_has(self):
        self.published()
        server = FileServer(self.site)
        self.addCleanup(server.close)
        bundle = json.loads((self.site / "catalog.json").read_text())["entries"][0]["sources"][0]["location"]
        server.stalls[bundle] = 1 << 20
        user = self.user(f'catalog = "http://{server.address}/catalog.json"\n')
        pull = user.popen("image", "pull", "app", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: (bundle, None) in server.asked, "the download")
        pull.send_signal(signal.SIGINT)
        pull.communicate()
        self.assertEqual(pull.returncode, 130)
        self.assertEqual(user.json("image", "list"), [])
        self.assertEqual(user.json("image", "pull", "app")["name"], "app")

    def test_a_signed_catalog_refuses_what_was_altered(self):
        key, public = self.key()
        self.assertIn(f'catalog_key = "{public}"', self.published("image", "app", "--key", str(key)))
        user = self.user(f'catalog = "{self.site}/catalog.json"\ncatalog_key = "{public}"\n')
        self.assertEqual(user.json("image", "pull", "app")["name"], "app")
        user.ok("image", "delete", "app")

        bundle = next(self.site.glob("*.tar.zst"))
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.assertIn("does not match its digest", user.run("image", "pull", "app").stderr)
        bundle.write_bytes(whole)

        signed = (self.site / "catalog.json").read_bytes()
        self.edit(lambda entries: entries[0].update(description="another app"))
        self.assertIn("the catalog does not match its signature", user.run("image", "pull", "app").stderr)
        (self.site / "catalog.json").write_bytes(signed)
        (self.site / "catalog.json.sig").unlink()
        self.assertIn("the catalog is not signed", user.run("image", "pull", "app").stderr)
        self.assertEqual(user.json("image", "list"), [])

    def test_publishing_never_signs_a_catalog_of_somebody_else(self):
        key, _ = self.key()
        other, _ = self.key("other.pem")
        self.published("image", "app", "--key", str(other))
        refused = self.publish("image", "app", "--key", str(key))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is not signed with this key", refused.stdout)
        self.published("image", "app", "--key", str(key), "--trust-catalog")

    def test_publishing_that_cannot_sign_changes_nothing(self):
        key, _ = self.key()
        self.published("image", "app", "--key", str(key))
        before = {path.name: path.read_bytes() for path in self.site.iterdir()}
        self.make_image("app", "second")
        not_ed25519 = self.b.root / "rsa.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-out", not_ed25519], check=True,
                       stderr=subprocess.DEVNULL)
        for more, says in (((), "add --key FILE"), (("--key", "missing.pem"), "openssl"),
                           (("--key", str(not_ed25519), "--trust-catalog"), "no Ed25519 key")):
            with self.subTest(more):
                refused = self.publish("image", "app", *more)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(says, refused.stdout)
                self.assertEqual({path.name: path.read_bytes() for path in self.site.iterdir()}, before)

    def test_publishing_refuses_what_no_client_reads(self):
        self.b.ok("image", "tag", "app", "localhost:5000/team/app:v1")
        for words, says in ((("localhost:5000/team/app:v1",), "--entry NAME"), (("app", "--entry", "A b"), "use a-z"),
                            (("app", "--description", "a\nb"), "one line")):
            with self.subTest(words):
                refused = self.publish("image", *words)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(says, refused.stdout)
        self.assertFalse(self.site.exists())

    def test_publishing_names_a_catalog_that_is_none(self):
        self.site.mkdir()
        (self.site / "catalog.json").write_text("[]")
        refused = self.publish("image", "app")
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stdout, "publish-image: catalog.json of the target is no catalog of version 1\n")

    @unittest.skipUnless(shutil.which("rclone"), "rclone is not installed")
    def test_an_rclone_remote_is_a_target(self):
        env = {"RCLONE_CONFIG_STORE_TYPE": "local"}
        for hostname in ("second", "third"):
            self.make_image("app", hostname)
            self.published(to=f"rclone:store:{self.site}", env=env)
        self.assertEqual(len(list(self.site.glob("*.tar.zst"))), 2)
        self.assertEqual(self.from_site().json("image", "pull", "app")["sha256"],
                         self.b.json("image", "show", "app")["sha256"])

    def test_a_broken_catalog_is_named(self):
        self.site.mkdir()
        user = self.from_site()
        self.assertIn("there is no catalog at", user.run("image", "pull", "app").stderr)
        (self.site / "catalog.json").write_text('{"version": 1, "entries": [{"kind": "disk"}]}')
        done = user.run("image", "pull", "app")
        self.assertIn("catalog.json: entry 1: 'disk' is no kind of entry", done.stderr)


class Registered(Case):
    needs_images = False

    def setUp(self):
        super().setUp()
        self.file = self.b.root / "mine.ext4"
        (self.b.root / "tree/root").mkdir(parents=True)
        (self.b.root / "tree/root/notes").write_text("notes")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", self.b.root / "tree", self.file, "64M"],
                       check=True)

    def registered(self):
        return self.b.json("image", "register", "mine", "--rootfs", str(self.file))

    def test_a_registered_image_uses_the_hosts_file_and_leaves_it_there(self):
        image = self.registered()
        self.assertEqual((image["rootfs"], image["host_file"]), (str(self.file), str(self.file)))
        notes = subprocess.run(["debugfs", "-R", "cat /notes", image["work_seed"]], check=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL).stdout
        self.assertEqual(notes, b"notes")
        self.assertIn("the host, not banger", self.b.ok("image", "show", "mine"))
        self.b.ok("image", "delete", "mine")
        self.assertTrue(self.file.exists())
        self.assertEqual(self.b.leftovers(), [])

    def test_a_missing_or_changed_file_is_told_at_each_use(self):
        self.registered()
        away = self.file.with_suffix(".away")
        self.file.rename(away)
        self.assertIn(f"uses {self.file}, which is gone", self.b.ok("image", "show", "mine"))
        for words in (("vm", "create", "--name", "a", "--image", "mine"), ("image", "export", "mine"),
                      ("image", "promote", "mine")):
            self.fails(125, *words, says=f"image 'mine' uses {self.file}, which is gone")
        away.rename(self.file)
        self.b.ok("image", "show", "mine")
        with self.file.open("ab") as file:
            file.write(b"x")
        self.fails(125, "vm", "create", "--name", "a", "--image", "mine", says="has changed since it was registered")

    def test_a_promoted_image_owns_a_copy(self):
        before = self.registered()
        image = self.b.json("image", "promote", "mine")
        self.assertEqual(image["host_file"], "")
        self.assertEqual(image["sha256"], before["sha256"])
        self.assertEqual(pathlib.Path(image["rootfs"]).read_bytes(), self.file.read_bytes())
        self.assertEqual(self.b.json("image", "promote", "mine")["id"], image["id"])
        self.file.unlink()
        self.b.ok("image", "export", "mine", "-o", str(self.b.root / "bundle"))
        self.b.ok("image", "delete", "mine")
        self.assertFalse(pathlib.Path(image["rootfs"]).exists())
        self.assertEqual(self.b.leftovers(), [])

    def test_what_is_no_clean_root_file_system_is_refused(self):
        text = self.b.root / "text"
        text.write_text("no file system")
        self.fails(125, "image", "register", "a", "--rootfs", str(text), says="'banger image import' takes tar files")
        self.file.chmod(0o666)
        self.fails(125, "image", "register", "a", "--rootfs", str(self.file), says="chmod go-w")
        self.fails(125, "image", "register", "a", "--rootfs", "/nowhere", says="No such file")
        self.fails(2, "image", "register", "a", says="needs --rootfs FILE")
        self.assertEqual(self.b.json("image", "list"), [])

    def test_completion_offers_all_names_of_an_image(self):
        self.registered()
        self.b.ok("image", "tag", "mine", "host/app:1")
        offered = self.b.ok("__complete", "--", "image", "show", "")
        self.assertIn("mine", offered)
        self.assertIn("host/app:1", offered)


if __name__ == "__main__":
    unittest.main()
