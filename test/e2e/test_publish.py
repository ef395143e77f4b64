"""Ports of the host that VMs publish: with real guests, over restarts, suspends and a killed daemon."""
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, SharedCase, free_port, wait_until  # noqa: E402
from marks import long  # noqa: E402
from test_ports import SERVER, talk  # noqa: E402


class Publish(SharedCase):
    config = "pool_size = 0\n"
    seeded = True

    def setUp(self):
        super().setUp()
        self.port = free_port()

    def create(self, name, *more):
        return self.b.json("vm", "create", "--name", name, *SHAPE, *more)

    def serve(self, vm="web"):
        self.b.ok("vm", "exec", vm, "--", "sh", "-c",
                  f"setsid perl -e '{SERVER}' 7000 echo 127.0.0.1 >/dev/null 2>&1 </dev/null &")

    def answers(self, port=None):
        try:
            return talk(("127.0.0.1", port or self.port), b"you") == b"heard you"
        except OSError:
            return False

    def is_closed(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=60).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False

    def test_a_port_is_open_whenever_its_vm_runs(self):
        b = self.b
        made = self.create("web", "-p", f"{self.port}:7000")
        self.assertEqual(made["publish"], [f"127.0.0.1:{self.port}:7000"])
        self.serve()
        wait_until(self.answers, "the server in the guest")
        row = [row for row in b.json("vm", "ports", "web") if row["port"] == 7000][0]
        self.assertEqual(row["published"], [f"127.0.0.1:{self.port}"])
        self.assertIn(f"127.0.0.1:{self.port} -> 7000", b.ok("vm", "show", "web"))
        b.kill_daemon()
        b.ok("vm", "list")
        wait_until(self.answers, "the next daemon to listen")
        b.ok("vm", "suspend", "web")
        b.ok("vm", "resume", "web")
        wait_until(self.answers, "the server after a resume")
        b.ok("vm", "stop", "web")
        wait_until(self.is_closed, "the port to be closed")
        b.ok("vm", "start", "web")
        self.serve()
        wait_until(self.answers, "the server after a start")
        b.ok("vm", "set", "web", "--clear-publish")
        wait_until(self.is_closed, "the port to be closed")

    def test_a_port_that_is_in_use_is_refused_before_anything_is_made(self):
        b = self.b
        with socket.create_server(("127.0.0.1", self.port)):
            self.fails(125, "vm", "create", "--name", "web", *SHAPE, "-p", f"{self.port}:80",
                       says=[f"publish port 127.0.0.1:{self.port}", "another program on this host listens there"])
            self.assertEqual(b.json("vm", "list"), [])
        self.create("web", "-p", f"{self.port}:80")
        self.fails(125, "vm", "create", "--name", "other", *SHAPE, "-p", f"{self.port}:80",
                   says=f"vm 'web' publishes port 127.0.0.1:{self.port}")
        self.assertEqual([vm["name"] for vm in b.json("vm", "list")], ["web"])
        b.ok("vm", "stop", "web")
        self.create("other", "-p", f"{self.port}:80")
        self.fails(125, "vm", "start", "web", says="vm 'other' publishes port")
        self.assertEqual(b.json("vm", "show", "web")["state"], "stopped")

    @long
    def test_copies_of_a_vm_publish_nothing_and_a_free_port_is_kept(self):
        b = self.b
        made = self.create("web", "-p", "0:7000")
        address, port, guest = made["publish"][0].split(":")
        self.assertEqual((address, guest), ("127.0.0.1", "7000"))
        self.assertNotEqual(port, "0")
        self.serve()
        wait_until(lambda: self.answers(int(port)), "the server in the guest")
        self.assertEqual(b.json("vm", "fork", "web", "--name", "child")["vms"][0]["publish"], [])
        b.ok("vm", "snapshot", "create", "web", "--name", "before")
        copy = b.json("vm", "create", "--from", "before", "--name", "copy", "-p", f"{self.port}:7000")
        self.assertEqual(copy["publish"], [f"127.0.0.1:{self.port}:7000"])
        wait_until(self.answers, "the server in the copy")
        self.assertTrue(self.answers(int(port)))
        b.ok("vm", "snapshot", "restore", "web", "before", "--force")
        self.assertEqual(b.json("vm", "show", "web")["publish"], made["publish"])
        b.ok("vm", "delete", "--force", "web", "child", "copy")
        b.ok("vm", "snapshot", "delete", "before")


if __name__ == "__main__":
    unittest.main()
