"""Suspended VMs that come back when they are needed, and VMs that start again by themselves, with real guests."""
import concurrent.futures
import os
import pathlib
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import SHAPE, SharedCase, free_port, wait_until  # noqa: E402
from marks import long  # noqa: E402
from test_ports import SERVER, talk  # noqa: E402


class Wake(SharedCase):
    config = "pool_size = 0\n"
    seeded = True

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.b.ok("vm", "create", "--name", "web", *SHAPE, "-p", f"{self.port}:7000")
        self.b.ok("vm", "exec", "web", "--", "sh", "-c",
                  f"setsid perl -e '{SERVER}' 7000 echo 127.0.0.1 >/dev/null 2>&1 </dev/null &")
        wait_until(self.answers, "the server in the guest")

    def answers(self):
        try:
            return talk(("127.0.0.1", self.port), b"hello") == b"heard hello"
        except OSError:
            return False

    def state(self):
        return self.b.json("vm", "show", "web")["state"]

    def test_what_needs_the_guest_resumes_it_and_a_look_does_not(self):
        b = self.b
        file = b.root / "file"
        file.write_text("words")
        b.chown_home()
        boot = b.ok("vm", "exec", "web", "--", "cat", "/proc/sys/kernel/random/boot_id")
        for words in (("vm", "exec", "web", "--", "true"), ("vm", "cp", str(file), "web:/root/"),
                      ("vm", "cp", "web:/root/file", str(b.root / "back")), ("vm", "ssh", "web", "--", "true"),
                      ("vm", "session", "start", "web", "--", "true")):
            with self.subTest(" ".join(words[:2])):
                b.ok("vm", "suspend", "web")
                for look in (("vm", "list"), ("vm", "show", "web"), ("vm", "logs", "web")):
                    b.ok(*look)
                self.assertEqual(self.state(), "suspended")
                b.ok(*words)
                self.assertEqual(self.state(), "running")
        self.assertEqual(b.ok("vm", "exec", "web", "--", "cat", "/proc/sys/kernel/random/boot_id"), boot)

    def test_many_connections_to_a_port_resume_the_vm_once(self):
        self.b.ok("vm", "suspend", "web")
        self.b.kill_daemon()
        self.b.ok("vm", "list")
        self.assertEqual(self.state(), "suspended")
        before = self.b.log().count("vm.wakes")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(lambda i: talk(("127.0.0.1", self.port), b"%d" % i, 300), range(6)))
        self.assertEqual(replies, [b"heard %d" % i for i in range(6)])
        self.assertEqual(self.b.log().count("vm.wakes") - before, 1)
        self.assertEqual(len(self.b.machines()), 1)

    @long
    def test_an_editor_reaches_an_agent_in_a_suspended_vm(self):
        b = self.b
        self.assertEqual(b.run("vm", "acp", "web").returncode, 127)
        b.ok("vm", "exec", "web", "--", "sh", "-c",
             "printf '#!/bin/sh\nread line; echo \"$PWD $* $line\"\n' >/usr/local/bin/goose; "
             "chmod +x /usr/local/bin/goose; echo 'echo noise; echo noise >&2' >>/root/.profile")
        b.ok("vm", "suspend", "web")
        done = b.run("vm", "acp", "web", "--cwd", "/tmp", stdin=b'{"jsonrpc": "2.0"}\n')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '/tmp acp {"jsonrpc": "2.0"}\n', ""))

    def test_ssh_starts_a_stopped_vm(self):
        self.b.ok("vm", "stop", "web")
        self.fails(125, "vm", "exec", "web", "--", "true", says="vm 'web' is stopped")
        self.assertEqual(self.b.ok("vm", "ssh", "web", "--", "hostname"), "web\n")

    @long
    def test_a_wake_that_fails_leaves_the_vm_suspended(self):
        b = self.b
        b.ok("vm", "suspend", "web")
        b.ok("daemon", "stop")
        db = sqlite3.connect(b.state / "banger.db")
        db.execute("UPDATE saves SET build_key = 'another' WHERE kind = 'suspend'")
        db.commit()
        db.close()
        self.fails(125, "vm", "exec", "web", "--", "true", says="only the build of the VMM")
        with self.assertRaises(ConnectionResetError):
            talk(("127.0.0.1", self.port), b"you", 300)
        self.assertEqual(self.state(), "suspended")


class Asleep(SharedCase):
    config = "pool_size = 0\nauto_wake = false\n"
    seeded = True

    def test_without_auto_wake_a_suspended_vm_stays_suspended(self):
        port = free_port()
        self.b.ok("vm", "create", "--name", "web", *SHAPE, "-p", f"{port}:7000")
        self.b.ok("vm", "suspend", "web")
        self.fails(125, "vm", "exec", "web", "--", "true", says="vm 'web' is suspended")
        self.fails(125, "vm", "ssh", "web", "--", "true", says="vm 'web' is suspended")
        with self.assertRaises(ConnectionRefusedError):
            talk(("127.0.0.1", port), b"you")


class Unused(BareCase):
    config = 'templates = false\nauto_stop_stale_after = "3s"\nauto_stop_action = "suspend"\n'

    def test_an_unused_vm_is_suspended_and_comes_back_again_and_again(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--image", "bare")
        b.ok("vm", "exec", "v", "--", "sh", "-c", "echo kept > /tmp/memory")
        for _ in range(2):
            wait_until(lambda: b.json("vm", "show", "v")["state"] == "suspended", "the VM to be suspended")
            self.assertEqual(b.ok("vm", "exec", "v", "--", "cat", "/tmp/memory"), "kept\n")
        b.ok("vm", "delete", "--force", "v")


class Again(BareCase):
    def test_a_vm_starts_again_after_its_machine_has_died_but_not_after_a_stop(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--image", "bare", "--restart", "on-failure")
        os.kill(b.json("vm", "show", "v")["pid"], signal.SIGKILL)
        wait_until(lambda: b.run("vm", "exec", "v", "--", "true").returncode == 0, "the next machine")
        b.ok("vm", "stop", "v")
        b.kill_daemon()
        self.assertEqual(b.json("vm", "show", "v")["state"], "stopped")
        b.ok("vm", "delete", "v")

    def test_a_vm_starts_with_the_daemon(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--image", "bare", "--autostart")
        b.ok("vm", "create", "--name", "w", "--image", "bare")
        b.ok("vm", "stop", "v", "w")
        b.ok("daemon", "stop")
        wait_until(lambda: b.run("vm", "exec", "v", "--", "true").returncode == 0, "the VM to run")
        self.assertEqual(b.json("vm", "show", "w")["state"], "stopped")
        b.ok("vm", "delete", "--force", "v", "w")


if __name__ == "__main__":
    unittest.main()
