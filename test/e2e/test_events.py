"""What happens to VMs, as clients follow it, with real guests."""
import json
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import wait_until  # noqa: E402


class Events(BareCase):
    def follow(self, *words):
        """Starts `vm events --json` and returns the process, and the list that its events go to."""
        process = self.b.popen("vm", "events", "--json", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
        events = []

        def read():
            for line in process.stdout:
                events.append(json.loads(line))
        reader = threading.Thread(target=read)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process, events

    @staticmethod
    def words(events):
        return [event["event"] for event in events if event["event"] not in ("ready", "silent", "answers")]

    def test_the_life_of_a_vm(self):
        b = self.b
        b.ok("daemon", "start")
        process, events = self.follow()
        b.ok("vm", "create", "--name", "v", "--image", "bare")
        b.ok("vm", "set", "v", "--label", "a=b")
        b.ok("vm", "rename", "v", "w")
        b.ok("vm", "suspend", "w")
        b.ok("vm", "exec", "w", "--", "true")
        b.ok("vm", "fork", "w", "--name", "child")
        b.ok("vm", "delete", "--force", "child")
        b.ok("vm", "stop", "w")
        b.ok("vm", "delete", "w")
        wait_until(lambda: sum(event["event"] == "deleted" for event in events) == 2, "the last event")
        one = [event for event in events if event["id"] == events[0]["id"]]
        self.assertEqual(self.words(one),
                         ["created", "starting", "running", "changed", "renamed", "suspending", "suspended", "starting",
                          "resumed", "stopping", "stopped", "deleted"])
        self.assertEqual(one[-1]["name"], "w")
        self.assertIn("forked", [event["event"] for event in events if event["name"] == "child"])
        first = events[0]["sequence"]
        self.assertEqual([event["sequence"] for event in events], list(range(first, first + len(events))))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)

    def test_a_named_vm_ends_the_command_and_the_guests_own_end_has_its_reason(self):
        b = self.b
        b.ok("vm", "create", "--name", "v", "--image", "bare")
        b.ok("vm", "create", "--name", "other", "--image", "bare")
        process, events = self.follow("v")
        wait_until(lambda: events, "the present state")
        self.assertEqual((events[0]["event"], events[0]["state"]), ("current", "running"))
        b.ok("vm", "kill", "other")
        b.run("vm", "exec", "v", "--", "poweroff", "-f")
        wait_until(lambda: events[-1]["event"] == "stopped", "the end of the guest")
        self.assertEqual(events[-1]["detail"], "the guest shut down")
        b.ok("vm", "delete", "v", "other")
        self.assertEqual(process.wait(60), 0)
        self.assertEqual({event["name"] for event in events}, {"v"})

    def test_the_end_of_the_daemon_is_an_error(self):
        self.b.ok("daemon", "start")
        process, _ = self.follow()
        text = self.b.ok("rpc", "daemon.status")
        self.assertTrue(text)
        self.b.ok("daemon", "stop")
        self.assertEqual(process.wait(60), 125)


if __name__ == "__main__":
    unittest.main()
