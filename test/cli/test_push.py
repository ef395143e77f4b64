"""Images that are pushed into a registry: Debian's docker-registry on a loopback port. No VM boots here."""
import base64
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import registry as registries  # noqa: E402
from marks import for_root  # noqa: E402
from registry import MANIFEST, TokenServer, listing, run  # noqa: E402
from test_registries import RegistryCase  # noqa: E402


class Push(RegistryCase):
    def tree(self):
        """A small root file system that is not easy to keep, as a directory and as a tar beside it."""
        root = self.root()
        tree = root / "tree"
        (tree / "bin").mkdir(parents=True)
        (tree / "root").mkdir()
        (tree / "bin" / "sh").write_text("#!/bin/false\n" * 30000)
        os.chmod(tree / "bin" / "sh", 0o4755)
        os.link(tree / "bin" / "sh", tree / "bin" / "z-again")
        (tree / "link").symlink_to("bin/sh")
        (tree / ("n" * 150)).write_text("long")
        (tree / "ä").write_text("umlaut")
        with (tree / "holes").open("wb") as file:
            file.truncate(1 << 30)
            file.seek(5_000_000)
            file.write(b"data")
        if os.geteuid() == 0:
            os.mknod(tree / "device", 0o020640, os.makedev(1, 5))
            os.chown(tree / "root", 0, 4321)
            os.setxattr(tree / "bin" / "sh", "security.capability",
                        bytes.fromhex("0100000200200000000000000000000000000000"))
        run("tar", "--xattrs", "--xattrs-include=*", "--sparse", "-C", tree, "-cf", root / "tree.tar", ".")
        return root

    def import_tree(self, root, name="mine"):
        config = root / "config.json"
        config.write_text(json.dumps({"Env": ["A=1"], "Entrypoint": ["/bin/sh"], "WorkingDir": "/root"}))
        self.b.ok("image", "import", name, str(root / "tree.tar"), "--config", str(config))

    def inspect(self, registry, name, *options):
        return json.loads(run("skopeo", "inspect", "--tls-verify=false", *options,
                              f"docker://{registry.address}/{name}"))

    def test_an_image_becomes_a_container_image(self):
        registry = self.registry()
        self.root_of_image()
        name = f"{registry.address}/team/mine:v1"
        pushed = self.b.json("image", "push", "mine", name)
        self.assertEqual(pushed["name"], name)
        self.assertGreater(pushed["sent_bytes"], 0)
        shown = self.inspect(registry, "team/mine:v1")
        self.assertEqual((shown["Digest"], shown["Architecture"], shown["Os"]), (pushed["digest"], "amd64", "linux"))
        config = self.inspect(registry, "team/mine:v1", "--config")
        self.assertEqual(config["config"], {"Env": ["A=1"], "Entrypoint": ["/bin/sh"], "WorkingDir": "/root"})
        self.assertEqual(len(config["history"]), len(config["rootfs"]["diff_ids"]))

        again = self.b.json("image", "push", "mine", name)
        self.assertEqual((again["digest"], again["sent_bytes"]), (pushed["digest"], 0))  # the same bytes
        self.assert_clean()

    def root_of_image(self):
        root = self.tree()
        self.import_tree(root)
        return root

    @for_root
    def test_umoci_reads_the_same_tree(self):
        registry, root = self.registry(), self.root_of_image()
        self.b.ok("image", "push", "mine", f"{registry.address}/mine:v1")
        layout = root / "layout"
        run("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
            f"docker://{registry.address}/mine:v1", f"oci:{layout}:v1")
        run("umoci", "unpack", "--image", f"{layout}:v1", root / "bundle")
        self.assertEqual(listing(root / "bundle" / "rootfs"), listing(root / "tree"))

    def test_a_pulled_image_keeps_its_digest_and_is_not_sent_twice(self):
        registry = self.registry()
        registry.push(registries.busybox_layout(self.root()), "latest", "tiny:v1")
        source = f"{registry.address}/tiny:v1"
        self.b.ok("image", "pull", source)
        pushed = self.b.json("image", "push", source, f"{registry.address}/copy/tiny:v2")
        self.assertEqual(pushed["digest"], self.b.json("image", "show", source)["digest"])
        original = registry.request("GET", "/v2/tiny/manifests/v1", headers={"Accept": MANIFEST})[2]
        copy = registry.request("GET", "/v2/copy/tiny/manifests/v2", headers={"Accept": MANIFEST})[2]
        self.assertEqual(copy, original)

        other = self.registry()
        self.b.ok("image", "push", source, f"{other.address}/tiny:v1")
        self.assertEqual(other.request("GET", "/v2/tiny/manifests/v1", headers={"Accept": MANIFEST})[2], original)

    def test_a_layer_that_is_gone_everywhere_is_named(self):
        registry, other = self.registry(), self.registry()
        registry.push(registries.busybox_layout(self.root()), "latest", "tiny:v1")
        source = f"{registry.address}/tiny:v1"
        self.b.ok("image", "pull", source)
        for blob in self.blobs():
            blob.unlink()
        self.fails(125, "image", "push", source, f"{other.address}/tiny:v1",
                   says=["no longer in the cache", f"banger image pull --force {source}"])

    def login(self, registry, login):
        run("skopeo", "login", "--tls-verify=false", "--authfile", self.b.root / ".docker" / "config.json", "-u",
            login.split(":")[0], "-p", login.split(":")[1], registry.address)

    def test_a_login_is_required_and_used(self):
        registry = self.registry(login="user:secret")
        self.root_of_image()
        name = f"{registry.address}/mine:v1"
        self.fails(125, "image", "push", "mine", name, says=["somebody without a login", "docker login"])
        (self.b.root / ".docker").mkdir(exist_ok=True)
        self.login(registry, "user:secret")
        self.b.ok("image", "push", "mine", name)
        self.assertEqual(registry.request("HEAD", "/v2/mine/manifests/v1", headers={"Accept": MANIFEST})[0], 200)

    def test_a_token_server_is_asked_for_the_right_to_push(self):
        tokens = TokenServer(self.root())
        self.addCleanup(tokens.close)
        registry = self.registry(auth=tokens.auth())
        self.root_of_image()
        (self.b.root / ".docker").mkdir(exist_ok=True)
        login = base64.b64encode(tokens.login.encode()).decode()
        (self.b.root / ".docker" / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": login}}}))
        self.b.ok("image", "push", "mine", f"{registry.address}/mine:v1")
        self.assertIn("push", "".join(asked["scope"] for asked in tokens.asked))

    def test_bad_answers_are_sentences(self):
        registry = self.registry()
        proxy = self.proxy(registry)
        self.root_of_image()
        name = f"{proxy.address}/mine:v1"
        for status, words in ((413, "as too large"), (403, "does not accept"), (405, "accepts no pushes")):
            with self.subTest(status):
                proxy.faults[:] = [("POST", proxy.status(status))]
                self.fails(125, "image", "push", "mine", name, says=[words, "(hint: "])
        self.assert_clean()

    def test_a_registry_that_fails_for_a_while_gets_the_image(self):
        registry = self.registry()
        proxy = self.proxy(registry)
        self.root_of_image()
        proxy.faults.append(("PUT", proxy.status(503, times=2)))
        self.b.ok("image", "push", "mine", f"{proxy.address}/mine:v1")
        self.assertEqual(registry.request("HEAD", "/v2/mine/manifests/v1", headers={"Accept": MANIFEST})[0], 200)

    def test_a_digest_is_no_place_to_push_to(self):
        self.root_of_image()
        self.fails(125, "image", "push", "mine", "localhost:1/mine@sha256:" + "0" * 64, says="push to a tag")


del RegistryCase  # its own cases belong to test_registries.py

if __name__ == "__main__":
    unittest.main()
