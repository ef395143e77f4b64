"""Garbage collection: replaced images, directories of interrupted builds, and machines without a VM.

mmdebstrap is replaced by a script that prints a busybox tree at once, or hangs. Machines are replaced by waiting shells
with the two properties of a VMM: its directory and a token on the command line."""
import contextlib
import json
import os
import pathlib
import secrets
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import alive, wait_until  # noqa: E402
from marks import as_root  # noqa: E402

NAME = "debian-bookworm"
MMDEBSTRAP = """#!/bin/sh
[ "$1" = --unshare-helper ] && {{ shift; exec "$@"; }}
[ -e {root}/hang ] && {{ echo $$ >{root}/pid; touch "$TMPDIR/half"; exec sleep 1000; }}
cat {root}/bare.tar
"""


# An image build gains privileges through newuidmap, but the ordinary user of a test run may not gain privileges.
@as_root
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

    def build_directories(self):
        return {item["path"] for item in self.b.json("gc", "--dry-run") if item["kind"] == "build"}

    def test_a_replaced_image_is_removed_at_once_if_unused_or_else_by_the_next_gc(self):
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
        self.assertEqual(b.leftovers(), [])  # the VM still needs the old image
        b.ok("vm", "delete", "v")
        (item,) = b.leftovers()
        self.assertEqual(item["kind"], "image")
        self.assertIn(second, item["path"])
        b.ok("gc")
        self.assertEqual([name for _, name in self.images()], [NAME])
        self.assertFalse(pathlib.Path(item["path"]).exists())
        self.assertEqual(b.leftovers(), [])

    def test_a_build_directory_is_garbage_after_all_processes_of_the_build_ended(self):
        b = self.b
        before = self.build_directories()
        (b.root / "hang").touch()
        build = b.popen("image", "build", NAME, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
        wait_until(lambda: (b.root / "pid").exists() and (b.root / "pid").read_text().strip(),
                   "the build to start its tool")
        pid = int((b.root / "pid").read_text())
        (b.root / "hang").unlink()
        self.assertEqual(self.build_directories() - before, set())
        b.kill_daemon()
        build.wait(timeout=180)
        self.assertTrue(alive(pid))  # the tool survives the daemon, and still uses its directory
        self.assertEqual(self.build_directories() - before, set())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), "the build tool to end")
        (directory,) = self.build_directories() - before
        self.assertTrue(directory.startswith((f"/var/tmp/banger-build-{os.geteuid()}-",
                                              f"/tmp/banger-build-{os.geteuid()}-")), directory)
        self.assertTrue((pathlib.Path(directory) / "half").exists())
        b.ok("gc")
        self.assertFalse(pathlib.Path(directory).exists())
        self.assertNotIn(directory, self.build_directories())


class Machines(BareCase):
    def setUp(self):
        self.b.ok("vm", "create", "--name", "v", "--no-start", "--image", "bare")
        self.addCleanup(self.b.run, "vm", "delete", "--force", "v")
        self.vm_id = self.b.json("vm", "show", "v")["id"]

    def machine(self, vm_id, *words):
        directory = self.b.state / "vms" / vm_id
        directory.mkdir(exist_ok=True)
        process = subprocess.Popen(["sh", "-c", "read wait", *words], cwd=directory, stdin=subprocess.PIPE)
        self.addCleanup(process.communicate)
        return process

    def sql(self, statement, *values):
        """Writes to the database directly. The daemon must be stopped, or must not write at that time."""
        with contextlib.closing(sqlite3.connect(self.b.state / "banger.db", isolation_level=None)) as db:
            db.execute(statement, values)

    def collected_processes(self, *more):
        return {item["path"] for item in self.b.json("gc", *more) if item["kind"] == "process"}

    def test_gc_ends_machines_without_a_vm_and_no_other_process(self):
        qemu = self.machine(self.vm_id, "-name", f"guest=banger-{self.vm_id}/{secrets.token_hex(16)},debug-threads=off")
        firecracker = self.machine("abcdefghijkl", "--id", secrets.token_hex(16), "--api-sock", "api.sock")
        shell = self.machine(self.vm_id, "console.log")
        self.assertEqual(self.collected_processes("--dry-run"), {f"pid {qemu.pid}", f"pid {firecracker.pid}"})
        self.assertIsNone(qemu.poll())
        self.b.ok("gc")
        self.assertEqual((qemu.wait(180), firecracker.wait(180)), (-signal.SIGKILL, -signal.SIGKILL))
        self.assertIsNone(shell.poll())
        self.assertEqual(self.b.leftovers(), [])

    def test_a_machine_whose_recovery_failed_keeps_running_until_it_can_be_adopted(self):
        b = self.b
        token = secrets.token_hex(16)
        machine = self.machine(self.vm_id, token)
        started = pathlib.Path(f"/proc/{machine.pid}/stat").read_text().rsplit(") ", 1)[1].split()[19]
        record = {"driver": "qemu", "accelerator": "tcg", "version": "7.2", "pid": machine.pid,
                  "start_time": int(started),
                  "token": token, "directory": str(b.state / "vms" / self.vm_id)}
        b.kill_daemon()
        self.sql("UPDATE vms SET state = 'running', machine = ? WHERE id = ?", json.dumps(record), self.vm_id)
        self.sql("CREATE TRIGGER full BEFORE UPDATE ON vms BEGIN SELECT RAISE(FAIL, 'it cannot be written now'); END")
        self.assertEqual(self.collected_processes(), set())
        self.assertIn("could not be recovered", b.ok("daemon", "status"))
        # Commands for this VM are refused until its recovery succeeds. Otherwise the machine would lose its owner.
        self.assertNotEqual(b.run("vm", "stop", "v").returncode, 0)
        self.assertEqual(self.collected_processes(), set())
        self.assertIsNone(machine.poll())
        self.sql("DROP TRIGGER full")
        wait_until(lambda: b.json("vm", "show", "v")["pid"] == machine.pid, "the machine to be adopted")
        self.assertIn("adopted", b.ok("daemon", "status"))
        b.ok("vm", "kill", "v")
        self.assertEqual(machine.wait(180), -signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
