"""Guests that have stopped answering: their VMM stands still, or their agent does.

Every command that asks such a guest ends by itself, with a sentence that names the VM. One signal ends it at once.
Other guests are not affected."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import PATIENT, alive, free_port, wait_until  # noqa: E402
from marks import long  # noqa: E402

# Less than the patience of any command for a guest that is merely slow.
LONGEST = 300


class FrozenGuests(BareCase):
    config = "pool_size = 0\ntemplates = false\n"

    def setUp(self):
        self.b.ok("vm", "create", "--name", "warm", "--image", "bare")
        self.addCleanup(self.b.run, "vm", "delete", "--force", "warm")
        known = set(self.b.machines())
        self.b.ok("vm", "create", "--name", "ice", "--image", "bare")
        self.machine, = set(self.b.machines()) - known
        self.addCleanup(self.b.run, "vm", "delete", "--force", "ice")
        (self.b.root / "file").write_text("kept\n")

    def freeze_machine(self):
        os.kill(self.machine, signal.SIGSTOP)
        self.addCleanup(subprocess.run, ["kill", "-CONT", str(self.machine)], capture_output=True)

    def freeze_agent(self):
        client = self.b.popen("vm", "exec", "ice", "--", "sh", "-c",
                              "kill -STOP $PPID; echo the agent stands still >/dev/console; sleep 100000",
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        wait_until(lambda: "the agent stands still" in self.b.ok("vm", "logs", "ice"), "the agent to be stopped")

    def commands(self):
        here = str(self.b.root)
        return [("vm", "exec", "ice", "--", "true"),
                ("vm", "shell", "ice"),
                ("vm", "stats", "ice"),
                ("vm", "stats"),
                ("vm", "ports", "ice"),
                ("vm", "cp", f"{here}/file", "ice:/root/"),
                ("vm", "cp", "ice:/etc/passwd", f"{here}/out"),
                ("vm", "snapshot", "create", "ice", "--name", "snap"),
                ("vm", "fork", "ice", "--name", "child"),
                ("vm", "suspend", "ice")]

    def start(self, *words):
        client = self.b.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(client.kill)
        return client

    def check_each_command_ends(self):
        started = [(words, self.start(*words)) for words in self.commands()]
        # Meanwhile others are served.
        self.assertEqual(self.b.ok("vm", "exec", "warm", "--", "echo", "ok"), "ok\n")
        self.assertGreater(self.b.json("vm", "stats", "warm")[0]["memory_total_bytes"], 0)
        listed = self.b.run("vm", "list", "--wide")
        self.assertEqual(listed.returncode, 0)
        self.assertRegex(listed.stdout, r"(?ms)^warm .*^ice ")
        # The list does not wait for the ports of a guest that does not answer.
        if "silent" not in listed.stdout:
            self.assertIn("ports are missing: vm 'ice'", listed.stderr)
        for words, client in started:
            with self.subTest(" ".join(words)):
                out, errors = client.communicate(timeout=LONGEST)
                self.assertEqual(client.returncode, 125, errors)
                self.assertIn(b"'ice'", errors)
                if words == ("vm", "stats"):
                    self.assertRegex(out.decode(), r"(?m)^ice +- ")
                    self.assertRegex(out.decode(), r"(?m)^warm +\d")

    def check_forwards_end(self):
        port = free_port()
        forward = self.start("vm", "forward", "ice", f"{port}:80")
        self.assertIn(str(port).encode(), forward.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(LONGEST)
            with self.assertRaises(ConnectionResetError):
                connection.recv(1)
        forward.send_signal(signal.SIGTERM)
        _, errors = forward.communicate(timeout=LONGEST)
        self.assertIn(b"'ice'", errors)

    def check_one_signal_ends_each_command(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            for words in self.commands():
                with self.subTest(" ".join(words)):
                    client = self.start(*words)
                    # The client catches signals from the moment on at which it shows in its status.
                    status = pathlib.Path(f"/proc/{client.pid}/status")
                    wait_until(lambda: client.poll() is not None or blocks(status, number), "the client to wait")
                    client.send_signal(number)
                    client.communicate(timeout=LONGEST)
                    self.assertIn(client.returncode, (125, 130, 128 + number))

    def check_the_vm_is_told_as_silent_and_can_be_ended(self):
        b = self.b
        wait_until(lambda: b.json("vm", "show", "ice")["silent"], "the silence to be noted")
        done = b.run("vm", "exec", "ice", "--", "true")
        self.assertEqual(done.returncode, 125)
        self.assertIn("vm 'ice' has not answered for", done.stderr)
        b.ok("vm", "stop", "--timeout", "1s", "ice")
        self.assertEqual(b.json("vm", "show", "ice")["state"], "stopped")
        self.assertEqual([vm["name"] for vm in b.json("vm", "list")], ["warm", "ice"])
        self.assertEqual(b.leftovers(), [])
        self.assertEqual(b.ok("vm", "exec", "warm", "--", "echo", "ok"), "ok\n")

    def test_commands_to_a_machine_that_stands_still(self):
        self.freeze_machine()
        self.check_each_command_ends()
        self.check_forwards_end()
        self.check_one_signal_ends_each_command()
        self.check_the_vm_is_told_as_silent_and_can_be_ended()

    def test_commands_to_a_guest_whose_agent_stands_still(self):
        self.freeze_agent()
        self.check_each_command_ends()
        self.check_forwards_end()
        self.check_one_signal_ends_each_command()
        self.check_the_vm_is_told_as_silent_and_can_be_ended()


def blocks(status, number):
    """Whether a process has blocked a signal, which it then reads from a descriptor."""
    try:
        line = next(line for line in status.read_text().splitlines() if line.startswith("SigBlk:"))
    except (OSError, StopIteration):
        return False
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


class FrozenBoots(BareCase):
    config = "pool_size = 0\n"

    def setUp(self):
        b = self.b
        config = pathlib.Path(b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        self.addCleanup(b.ok, "daemon", "stop")
        self.addCleanup(config.write_text, config.read_text())
        config.write_text(config.read_text().replace(PATIENT, 'ready_timeout = "20s"\n'))
        b.run("daemon", "stop")

    def start_and_freeze(self, *words):
        """Freezes the guest while it boots: the daemon has let it run, and it is not ready."""
        starts = self.b.log().count("machine.started")
        client = self.b.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(client.kill)
        wait_until(lambda: self.b.log().count("machine.started") > starts or client.poll() is not None,
                   "the machine to start")
        if client.poll() is not None:
            self.fail(client.communicate())
        machine, = self.b.machines()
        os.kill(machine, signal.SIGSTOP)
        self.addCleanup(subprocess.run, ["kill", "-CONT", str(machine)], capture_output=True)
        return client, machine

    def test_a_run_ends_at_its_deadline_or_at_a_signal(self):
        words = ("vm", "run", "--cold", "--name", "frost", "--image", "bare", "--", "true")
        client, machine = self.start_and_freeze(*words)
        client.send_signal(signal.SIGTERM)
        client.communicate(timeout=LONGEST)
        self.assertIn(client.returncode, (130, 143))
        wait_until(lambda: not alive(machine) and self.b.json("vm", "list") == [], "the VM to be undone")
        client, _ = self.start_and_freeze(*words)
        _, errors = client.communicate(timeout=LONGEST)
        self.assertEqual(client.returncode, 125)
        self.assertIn(b"'frost'", errors)
        self.assertIn(b"did not become ready within 20s", errors)
        self.b.ok("vm", "delete", "--force", "frost")

    @long
    def test_a_build_of_a_template_ends_at_its_deadline_or_at_a_signal(self):
        words = ("template", "build", "--image", "bare")
        client, machine = self.start_and_freeze(*words)
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=LONGEST)
        self.assertEqual(client.returncode, 130)
        # The daemon goes on with the build, and remembers a build that failed.
        wait_until(lambda: not alive(machine) and "template.failed" in self.b.log(), "the build to end")
        self.b.ok("daemon", "stop")
        client, _ = self.start_and_freeze(*words)
        _, errors = client.communicate(timeout=LONGEST)
        self.assertEqual(client.returncode, 125, errors)
        self.assertIn(b"did not become ready within 20s", errors)
        self.assertEqual(self.b.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
