"""Container images from a registry, in real guests."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import registry as registries  # noqa: E402
import roots  # noqa: E402
from bare import BareCase  # noqa: E402
from marks import for_root, long  # noqa: E402


@unittest.skipIf(registries.missing_tools(), f"not installed: {registries.missing_tools()}")
class RegistryImages(BareCase):
    def test_a_container_image_is_pulled_and_runs(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="banger-registry-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        registry = registries.Registry()
        self.addCleanup(registry.close)
        registry.push(registries.busybox_layout(root), "latest", "tiny:v1")
        name = f"{registry.address}/tiny:v1"
        words = ("vm", "run", "--rm", "--image", name, "--memory", "256M", "--", "cat", "/etc/os-release")
        self.assertIn("ID=tiny", self.b.ok(*words))
        registry.close()  # the image is here now
        self.assertIn("ID=tiny", self.b.ok(*words))

    def unpacked(self, root, registry, name):
        """The tree of an image in the registry, as skopeo and umoci read it."""
        layout = root / name.replace("/", "-").replace(":", "-")
        registries.run("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
                       f"docker://{registry.address}/{name}", f"oci:{layout}:it")
        registries.run("umoci", "unpack", "--image", f"{layout}:it", f"{layout}-tree")
        return registries.listing(pathlib.Path(f"{layout}-tree") / "rootfs")

    def layers(self, registry, repository):
        body = registry.request("GET", f"/v2/{repository}/manifests/v1", headers={"Accept": registries.MANIFEST})[2]
        return [layer["digest"] for layer in json.loads(body)["layers"]]

    @for_root
    def test_an_image_from_a_vm_keeps_the_layers_of_its_base(self):
        b, root = self.b, pathlib.Path(tempfile.mkdtemp(prefix="banger-registry-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        registry = registries.Registry()
        self.addCleanup(registry.close)
        registry.push(registries.busybox_layout(root), "latest", "tiny:v1")
        base = f"{registry.address}/tiny:v1"
        b.ok("vm", "create", "--name", "web", "--image", base, "--memory", "256M")
        self.addCleanup(b.run, "vm", "delete", "--force", "web")
        b.ok("vm", "exec", "web", "--", "sh", "-c", "echo new >/new && /bin/busybox rm /bin/ls && "
             "/bin/busybox chmod 700 /etc/os-release && /bin/busybox ln /new /etc/same")
        b.ok("image", "build", "--from-vm", "web", "--name", "box")
        pushed = b.json("image", "push", "box", f"{registry.address}/box:v1")
        self.assertEqual((pushed["layers"], pushed["note"]), (3, ""))
        self.assertLess(pushed["sent_bytes"], 64 * 1024)
        self.assertEqual(self.layers(registry, "box")[:2], self.layers(registry, "tiny"))
        tree = self.unpacked(root, registry, "box:v1")
        self.assertIn("new", tree)
        self.assertNotIn("bin/ls", tree)
        again = b.json("image", "push", "box", f"{registry.address}/box:v1")
        self.assertEqual((again["digest"], again["sent_bytes"]), (pushed["digest"], 0))

        # Without the base, one layer gives the same files.
        b.ok("vm", "delete", "--force", "web")
        b.ok("image", "delete", base)
        shutil.rmtree(pathlib.Path(b.env["XDG_CACHE_HOME"]) / "banger" / "blobs")
        alone = b.run("image", "push", "box", f"{registry.address}/alone:v1")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertIn("warning: the image is one layer", alone.stderr)
        self.assertEqual(len(self.layers(registry, "alone")), 1)
        self.assertEqual(self.unpacked(root, registry, "alone:v1"), tree)


@long
@unittest.skipIf(registries.missing_tools(), f"not installed: {registries.missing_tools()}")
class OtherInits(BareCase):
    """Images with the inits of Alpine and Void, from a registry. Alpine has OpenRC, Void has runit."""

    def boot(self, kind, process):
        b = self.b
        tar = roots.debian(b.root, kind)
        if tar is None:
            self.skipTest("mmdebstrap cannot make a root file system here")
        registry = registries.Registry()
        self.addCleanup(registry.close)
        registry.push_layers(f"{kind}:v1", [tar.read_bytes()], config={"Cmd": ["/bin/sh"], "Env": ["FROM=registry"]})
        name = f"{registry.address}/{kind}:v1"
        b.ok("image", "pull", name)
        self.assertEqual(b.json("image", "show", name)["init"], kind)
        self.assertIn("ID=debian", b.ok("vm", "run", "--rm", "--image", name, "--", "cat", "/etc/os-release"))

        b.ok("vm", "create", "--name", kind, "--image", name, "--wait", "system")
        self.addCleanup(b.run, "vm", "delete", "--force", kind)
        script = "cat /proc/1/comm; hostname; echo $FROM; cat"
        self.assertEqual(b.ok("vm", "exec", kind, "--", "sh", "-c", script, stdin=b"input"),
                         f"{process}\n{kind}\nregistry\ninput")
        (b.root / "in").write_text("copied")
        b.ok("vm", "cp", str(b.root / "in"), f"{kind}:/root/in")
        b.ok("vm", "stop", "--timeout", "5m", kind)
        self.assertEqual(b.json("vm", "show", kind)["ended"], "stopped")
        b.ok("vm", "start", kind)
        b.ok("vm", "cp", f"{kind}:/root/in", str(b.root / "out"))
        self.assertEqual((b.root / "out").read_text(), "copied")

    def test_openrc(self):
        self.boot("openrc", "init")

    def test_runit(self):
        self.boot("runit", "runit")


if __name__ == "__main__":
    unittest.main()
