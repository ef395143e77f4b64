"""What nobody owns any more: images that lost their name, rooms of builds that were cut short. mmdebstrap is a stand-in here
that gives out a busybox tree at once, or hangs; e2e builds the real image."""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import alive, wait_until  # noqa: E402

NAME = "debian-bookworm"
MMDEBSTRAP = """#!/bin/sh
[ "$1" = --unshare-helper ] && {{ shift; exec "$@"; }}
[ -e {root}/hang ] && {{ echo $$ >{root}/pid; touch "$TMPDIR/half"; exec sleep 1000; }}
cat {root}/bare.tar
"""


class Garbage(BareCase):
    def setUp(self):
        b = self.b
        tools = b.root / "tools"
        if not tools.exists():
            tools.mkdir()
            (tools / "mmdebstrap").write_text(MMDEBSTRAP.format(root=b.root))
            (tools / "mmdebstrap").chmod(0o755)
            b.ok("daemon", "stop")
            b.env["PATH"] = f"{tools}:{b.env['PATH']}"
        done = b.run("image", "build", NAME)
        if done.returncode != 0:
            self.skipTest(f"images cannot be built here: {done.stderr.strip()}")

    def images(self):
        return [(i["id"], i["name"]) for i in self.b.json("image", "list") if i.get("id") and i["name"] != "bare"]

    def rooms(self):
        return {item["path"] for item in self.b.json("gc", "--dry-run") if item["kind"] == "build"}

    def test_a_rebuilt_image_goes_when_no_vm_was_made_from_it_and_else_with_the_next_gc(self):
        b = self.b
        ((first, _),) = self.images()
        b.ok("image", "build", NAME)
        ((second, name),) = self.images()
        self.assertEqual(name, NAME)
        self.assertNotEqual(second, first)

        b.ok("vm", "create", "--name", "v", "--no-start")
        b.ok("image", "build", NAME)
        self.assertEqual(len(self.images()), 2)
        self.assertIn((second, ""), self.images())
        self.assertEqual(b.leftovers(), [])  # the VM needs it
        b.ok("vm", "delete", "v")
        (item,) = b.leftovers()
        self.assertEqual(item["kind"], "image")
        self.assertIn(second, item["path"])
        b.ok("gc")
        self.assertEqual([name for _, name in self.images()], [NAME])
        self.assertFalse(pathlib.Path(item["path"]).exists())
        self.assertEqual(b.leftovers(), [])

    def test_the_room_of_a_build_is_garbage_once_nothing_of_the_build_lives(self):
        b = self.b
        before = self.rooms()
        (b.root / "hang").touch()
        build = b.popen("image", "build", NAME, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: (b.root / "pid").exists() and (b.root / "pid").read_text().strip(), "the build to be under way")
        pid = int((b.root / "pid").read_text())
        (b.root / "hang").unlink()
        self.assertEqual(self.rooms() - before, set())
        b.kill_daemon()
        build.wait(timeout=60)
        self.assertTrue(alive(pid))  # the tool outlives the daemon, and holds its room
        self.assertEqual(self.rooms() - before, set())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), "the build tool to end")
        (room,) = self.rooms() - before
        self.assertTrue(room.startswith((f"/var/tmp/banger-build-{os.geteuid()}-", f"/tmp/banger-build-{os.geteuid()}-")), room)
        self.assertTrue((pathlib.Path(room) / "half").exists())
        b.ok("gc")
        self.assertFalse(pathlib.Path(room).exists())
        self.assertNotIn(room, self.rooms())


if __name__ == "__main__":
    unittest.main()
