"""Container images from a registry, in real guests."""
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import registry as registries  # noqa: E402
from bare import BareCase  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
