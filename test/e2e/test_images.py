"""A kernel and an image made by root. Other stories use those made by an ordinary user, in a user namespace."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import IMAGE, KERNEL, Case  # noqa: E402
from marks import for_root, long  # noqa: E402


@long
@for_root
class MadeByRoot(Case):
    needs_images = False

    def test_a_guest_boots_from_an_image_made_by_root(self):
        self.b.ok("kernel", "pull", KERNEL, timeout=1200)
        self.b.ok("image", "build", IMAGE, timeout=1200)
        self.b.ok("vm", "create", "--name", "v")
        self.assertEqual(self.b.ok("vm", "exec", "v", "--", "hostname"), "v\n")


if __name__ == "__main__":
    unittest.main()
