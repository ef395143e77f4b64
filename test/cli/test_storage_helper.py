"""Requests that the root helper's storage operations refuse, with real files, links and devices."""
import os
import pathlib
import pwd
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import Case, wait_until  # noqa: E402
from marks import for_root  # noqa: E402
from test_helper import OWNER, Helper as HelperCase  # noqa: E402

ID = "abcdefghijkl"
MIB = 2**20
NO_DEVICE_MAPPER = not os.path.exists("/dev/mapper/control")


@for_root
class StorageHelper(HelperCase):
    def setUp(self):
        super().setUp()
        # The helper is started again, now with a directory of the owner as a root.
        self.helper.terminate()
        self.helper.wait(180)
        self.own = self.dir / "own"
        self.own.mkdir(mode=0o700)
        self.config.write_text(self.config.read_text() + f'roots = ["{self.own}"]\n')
        self.socket.unlink(missing_ok=True)
        self.log.write_text("")
        self.helper = self.start()
        self.await_helper()
        for name in ("image", "disk"):
            self.file(name)
        self.give(self.own)

    def await_helper(self):
        wait_until(lambda: self.socket.exists() and "helper.started" in self.log.read_text(), "the helper to listen")

    def give(self, path, user=OWNER):
        owner = pwd.getpwnam(user)
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)

    def file(self, name, user=OWNER, size=8 * MIB):
        path = self.own / name
        with open(path, "wb") as file:
            file.truncate(size)
        path.chmod(0o600)
        self.give(path, user)
        return path

    def create(self, **changes):
        arguments = {"vm": ID, "image": str(self.own / "image"), "disk": str(self.own / "disk"), "size_bytes": 64 * MIB,
                     **changes}
        return {"operation": "storage.snapshot.create",
                "arguments": {key: value for key, value in arguments.items() if value is not None}}

    def loops(self):
        return [path.read_text() for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file")
                if str(self.dir) in path.read_text()]

    def assert_nothing_made(self):
        self.assertEqual(self.loops(), [])
        self.assertFalse(os.path.lexists(f"/dev/banger/{ID}"))

    def test_invalid_names_sizes_and_missing_arguments_are_refused(self):
        for vm in ("", "short", "ABCDEFGHIJKL", "../../../../a", "abcdefghijk/", "abcdefghijk\n", "abcdefghijkl\x00", 7,
                   None):
            self.refused(self.create(vm=vm), "invalid")
            self.refused({"operation": "storage.snapshot.remove", "arguments": {} if vm is None else {"vm": vm}},
                         "invalid")
        for size in (-1, 0, 4096, 2**62, 1.5, "64M", None):
            self.refused(self.create(size_bytes=size), "invalid")
        self.refused(self.create(table="0 8 linear /dev/sda 0"), "invalid")
        self.assert_nothing_made()

    def test_paths_to_other_files_are_refused(self):
        outside = self.dir / "outside"
        outside.write_bytes(bytes(MIB))
        self.give(outside)
        (self.own / "link").symlink_to(outside)
        (self.own / "through").symlink_to(self.dir)
        os.link(outside, self.own / "hard")
        os.mkfifo(self.own / "pipe")
        os.mknod(self.own / "device", 0o600 | 0o060000, os.makedev(7, 0))
        (self.own / "folder").mkdir()
        for name in ("link", "pipe", "device", "folder"):
            self.give(self.own / name)
        self.file("roots", user="root")
        self.file("strangers", user="nobody")
        for key in ("image", "disk"):
            for path in ("relative", "/", f"{self.own}/../outside", f"{self.own}//image", ""):
                self.refused(self.create(**{key: path}), "invalid")
            for path in (outside, "/etc/shadow", "/dev/loop0", self.own, self.own / "link",
                         self.own / "through" / "outside", self.own / "hard",
                         self.own / "pipe", self.own / "device", self.own / "folder", self.own / "roots",
                         self.own / "strangers"):
                self.refused(self.create(**{key: str(path)}), "denied")
            self.refused(self.create(**{key: str(self.own / "none")}), "not_found")
        self.assert_nothing_made()

    @unittest.skipUnless(NO_DEVICE_MAPPER, "this kernel has device-mapper")
    def test_without_device_mapper_the_error_says_so_and_nothing_is_left(self):
        message = self.refused(self.create(), "unsupported")
        self.assertIn("no device-mapper", message)
        self.assertEqual(self.ask({"operation": "storage.snapshot.remove", "arguments": {"vm": ID}}), {"result": {}})
        self.assert_nothing_made()


class NoDeviceMapper(Case):
    needs_images = False
    config = 'storage = "dm-snapshot"\n'

    @unittest.skipUnless(NO_DEVICE_MAPPER, "this kernel has device-mapper")
    def test_create_and_doctor_name_the_missing_part_and_the_alternative(self):
        for more in ((), ("--storage", "dm-snapshot")):
            self.fails(125, "vm", "create", *more, says=["no device-mapper", 'the storage "copy"'])
        self.assertEqual(self.b.json("vm", "list"), [])
        done = self.b.run("doctor")
        self.assertRegex(done.stdout,
                         r"fail +dm-snapshot +storage dm-snapshot: this host's kernel has no device-mapper")
        self.fails(2, "vm", "create", "--storage", "zfs")


def load_tests(loader, _, __):
    """Leaves out the inherited cases, because test_helper.py runs those."""
    return unittest.TestSuite(case(name) for case in (StorageHelper, NoDeviceMapper)
                              for name in loader.getTestCaseNames(case) if name in vars(case))


if __name__ == "__main__":
    unittest.main()
