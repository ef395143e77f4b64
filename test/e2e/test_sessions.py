"""Sessions: guest commands that outlive their clients, with real guests."""
import os
import pathlib
import pty
import select
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import ShapedCase, wait_until  # noqa: E402

COUNT = 'i=0; while read -r line; do i=$((i+1)); echo "$i $line"; done; echo end'
DETACH = b"\x10\x11"


class Client:
    """An attached client, whose output is collected. With `terminal`, it has a terminal of its own."""

    def __init__(self, b, *words, terminal=False):
        if terminal:
            ours, theirs = pty.openpty()
            self.process = b.popen(*words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
            os.close(theirs)
            self.reader = self.writer = ours
            self.ends = [os.fdopen(ours, "rb", buffering=0)]
        else:
            self.process = b.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.ends = [self.process.stdout, self.process.stdin]
            self.reader, self.writer = (end.fileno() for end in self.ends)
        self.output = b""

    def write(self, data):
        os.write(self.writer, data)

    def read_until(self, text, timeout=180):
        end = time.monotonic() + timeout
        while text not in self.output:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.reader], [], [], left)[0]:
                raise AssertionError(f"waited for {text!r}, got {self.output!r}")
            try:
                chunk = os.read(self.reader, 65536)
            except OSError:  # the terminal of a process that has ended
                chunk = b""
            if not chunk:
                raise AssertionError(f"the client ended before {text!r}: {self.output!r}")
            self.output += chunk

    def end(self):
        self.process.kill()
        self.process.wait()
        for end in self.ends:
            end.close()


class Sessions(ShapedCase):
    def session(self, *words):
        return self.b.ok("vm", "session", *words)

    def state(self, vm, name):
        return self.b.json("vm", "session", "show", vm, name)["state"]

    def client(self, *words, terminal=False):
        client = Client(self.b, *words, terminal=terminal)
        self.addCleanup(client.end)
        return client

    def wait_for_log(self, vm, name, text):
        wait_until(lambda: text in self.b.run("vm", "session", "logs", vm, name).stdout, f"{text!r} in the log")

    def send(self, vm, text):
        self.session("send", vm, "count", text)

    def test_a_session_survives_its_client_the_daemon_the_agent_a_suspend_and_a_fork(self):
        b = self.b
        self.create("web")
        self.session("start", "web", "--name", "count", "--require-command", "sh", "--", "sh", "-c", COUNT)
        self.send("web", "sent")
        first = self.client("vm", "session", "attach", "web", "count")
        first.read_until(b"1 sent\n")
        first.write(b"attached\n")
        first.read_until(b"2 attached\n")
        first.end()

        b.kill_daemon()
        self.send("web", "daemon")
        self.wait_for_log("web", "count", "3 daemon\n")

        b.run("vm", "exec", "web", "--", "sh", "-c", "kill -9 $(cat /run/banger/agent.pid)")
        wait_until(lambda: b.run("vm", "session", "send", "web", "count", "agent").returncode == 0, "the next agent")
        self.wait_for_log("web", "count", "agent\n")

        b.ok("vm", "suspend", "web")
        b.ok("vm", "resume", "web")
        self.send("web", "resumed")
        self.wait_for_log("web", "count", "resumed\n")

        b.ok("vm", "fork", "web", "--name", "child")
        before = b.json("vm", "session", "show", "web", "count")
        for vm in ("web", "child"):
            shown = b.json("vm", "session", "show", vm, "count")
            self.assertEqual((shown["state"], shown["pid"], shown["id"]), ("running", before["pid"], before["id"]))
            self.send(vm, f"in {vm}")
            self.wait_for_log(vm, "count", f"in {vm}\n")
        self.assertNotIn("in child", b.ok("vm", "session", "logs", "web", "count"))

        again = self.client("vm", "session", "attach", "child", "count")
        again.read_until(b"in child\n")
        again.write(b"last\n")
        again.read_until(b"last\n")
        self.session("send", "child", "count", "--close", "over")
        again.read_until(b"end\n")
        self.assertEqual(again.process.wait(timeout=180), 0)
        lines = again.output.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines], [str(i + 1) for i in range(len(lines) - 1)] + ["end"])
        self.assertEqual(self.state("child", "count"), "exited")
        self.assertEqual(self.state("web", "count"), "running")

    def test_one_client_writes_others_read_and_one_takes_over(self):
        b = self.b
        self.create("web")
        self.session("start", "web", "--name", "count", "--", "sh", "-c", COUNT)
        writer = self.client("vm", "session", "attach", "web", "count")
        writer.write(b"one\n")
        writer.read_until(b"1 one\n")
        second = b.run("vm", "session", "attach", "web", "count")
        self.assertEqual(second.returncode, 125)
        self.assertIn("another client is attached to session 'count'", second.stderr)
        readers = [self.client("vm", "session", "attach", "--read-only", "web", "count") for _ in range(2)]
        thief = self.client("vm", "session", "attach", "--steal", "web", "count")
        writer.read_until(b"another client has taken session 'count' over")
        self.assertEqual(writer.process.wait(timeout=180), 125)
        thief.write(b"two\n")
        for client in (thief, *readers):
            client.read_until(b"1 one\n2 two\n")
        self.session("kill", "web", "count")
        for client in (thief, *readers):
            self.assertEqual(client.process.wait(timeout=180), 137)

    def test_a_shell_can_be_left_and_found_again(self):
        self.create("web")
        shell = ("vm", "shell", "web", "--session", "dev")
        first = self.client(*shell, terminal=True)
        first.write(b"x=6; echo first-$((x*7))\r")
        first.read_until(b"first-42")
        first.write(DETACH)
        first.read_until(b"detached from session 'dev'")
        self.assertEqual(first.process.wait(timeout=180), 0)
        again = self.client(*shell, terminal=True)
        again.read_until(b"first-42")
        again.write(b"echo again-$((x*8))\r")
        again.read_until(b"again-48")
        again.write(b"exit 5\r")
        self.assertEqual(again.process.wait(timeout=180), 5)

    def test_logs_and_ends_survive_a_stop_of_the_vm(self):
        b = self.b
        self.create("web")
        failed = b.run("vm", "session", "start", "web", "--name", "lost", "--cwd", "/nonexistent", "--", "true")
        self.assertEqual(failed.returncode, 125)
        self.assertIn("'/nonexistent' is not a directory in the guest", failed.stderr)
        self.session("start", "web", "--name", "done", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        self.session("start", "web", "--name", "busy", "--", "sh", "-c", "echo working; exec sleep 100000")
        wait_until(lambda: self.state("web", "done") == "exited", "the session to end")
        self.wait_for_log("web", "busy", "working\n")
        b.ok("vm", "stop", "web")
        b.ok("vm", "start", "web")
        states = {each["name"]: each for each in b.json("vm", "session", "list", "web")}
        self.assertEqual(states["lost"]["state"], "failed")
        self.assertEqual((states["done"]["state"], states["done"]["exit_code"]), ("exited", 3))
        self.assertIn(states["busy"]["state"], ("exited", "lost"))
        self.assertTrue(states["busy"]["reason"])
        done = b.run("vm", "session", "logs", "web", "done")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))
        self.assertEqual(self.session("logs", "web", "busy"), "working\n")
        self.session("delete", "web", "done")
        self.assertEqual(b.run("vm", "session", "show", "web", "done").returncode, 125)

    def test_a_detached_run_is_a_session(self):
        b = self.b
        b.ok("vm", "run", "--detach", "--name", "web", *self.shape, "--", "sh", "-c", "echo hello; exec sleep 100000")
        self.wait_for_log("web", "main", "hello\n")
        stopped = b.json("vm", "session", "stop", "web", "main")
        self.assertEqual((stopped["state"], stopped["exit_signal"]), ("exited", 15))


if __name__ == "__main__":
    unittest.main()
