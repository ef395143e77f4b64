"""Guests that never answer, guests that end by themselves, and guests whose agent dies.

A guest that never answers gives a clear error within its deadline, and is kept so that its logs can be read. An agent
that dies is replaced by a new one, and the host connects to it."""
import os
import pathlib
import signal
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BUSYBOX, BareCase, cpio  # noqa: E402
from harness import BIN, DATA, KERNEL, PATIENT, wait_until  # noqa: E402
from marks import long  # noqa: E402

FILE, DIR = stat.S_IFREG | 0o755, stat.S_IFDIR | 0o755
# The agent comes as /init in a later archive of the initrd. The kernel cannot replace a non-empty directory by it.
NO_AGENT = {"init": (DIR, b""), "init/in-the-way": (FILE, b"")}


class DeadGuests(BareCase):
    def kernel_with(self, name, initrd):
        path = self.b.root / f"{name}.cpio"
        path.write_bytes(cpio(initrd))
        vmlinux = pathlib.Path(DATA) / "banger" / "kernels" / KERNEL / "vmlinux"
        self.b.ok("kernel", "import", name, "--vmlinux", str(vmlinux), "--initrd", str(path))

    def create_fails(self, name, kernel, *says):
        """Asserts that a create fails with these texts and a hint to the logs, and that the stopped VM is kept."""
        done = self.b.run("vm", "create", "--name", name, "--image", "bare", "--kernel", kernel)
        self.assertEqual(done.returncode, 125, done.stderr)
        for text in (*says, f"banger vm logs {name}"):
            self.assertIn(text, done.stderr)
        vm = self.b.json("vm", "show", name)
        self.assertEqual(vm["state"], "stopped")
        for text in says:
            self.assertIn(text, vm["last_error"])
        self.assertEqual(self.b.machines(), [])
        self.assertEqual(self.b.leftovers(), [])

    @long
    def test_a_guest_that_never_becomes_ready_fails_at_the_deadline_and_is_kept(self):
        b = self.b
        config = pathlib.Path(b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        self.addCleanup(config.write_text, config.read_text())
        config.write_text(config.read_text().replace(PATIENT, 'ready_timeout = "20s"\n'))
        self.addCleanup(b.ok, "daemon", "stop")  # so that the next daemon reads the restored config
        b.ok("daemon", "stop")
        script = (b"#!/bin/busybox sh\necho 'this init never starts the agent' >/dev/console\n"
                  b"exec /bin/busybox sleep 1000000\n")
        self.kernel_with("asleep",
                         NO_AGENT | {"bin": (DIR, b""), "bin/busybox": (FILE, pathlib.Path(BUSYBOX).read_bytes()),
                                               "sbin": (DIR, b""), "sbin/init": (FILE, script)})
        self.create_fails("sleepy", "asleep", "did not become ready within 20s")
        self.assertIn("this init never starts the agent", b.ok("vm", "logs", "sleepy"))
        # The same on a later start.
        done = b.run("vm", "start", "sleepy")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("did not become ready within 20s", done.stderr)
        b.ok("vm", "delete", "sleepy")
        self.assertEqual(b.vm_dirs(), [])
        b.ok("kernel", "delete", "asleep")

    def test_a_kernel_that_panics_is_a_clear_error_long_before_the_deadline(self):
        b = self.b
        self.kernel_with("panics", NO_AGENT)
        self.create_fails("panicked", "panics", "the guest ended before it was ready")
        self.assertIn("Kernel panic", b.ok("vm", "logs", "panicked"))
        # --rm keeps the VM too, because the user needs its logs.
        done = b.run("vm", "run", "--rm", "--name", "again", "--image", "bare", "--kernel", "panics", "--", "true")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("banger vm logs again", done.stderr)
        self.assertIn("Kernel panic", b.ok("vm", "logs", "again"))
        b.ok("vm", "delete", "panicked", "again")
        b.ok("kernel", "delete", "panics")

    def test_a_paused_guest_does_not_block_clients(self):
        b = self.b
        b.ok("vm", "create", "--name", "ice", "--image", "bare")

        def start():
            client = b.popen("vm", "exec", "ice", "--", "sh", "-c", "trap '' TERM; echo ready; read line; exit 5",
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(client.stdout.readline(), b"ready\n")
            return client

        # A command that ignores a signal does not count as a guest that does not answer.
        deaf = start()
        deaf.send_signal(signal.SIGTERM)
        b.ok("vm", "exec", "ice", "--", "true")
        deaf.communicate(b"go on\n", timeout=180)
        self.assertEqual(deaf.returncode, 5)

        running = start()
        machine, = b.machines()
        self.addCleanup(subprocess.run, ["kill", "-CONT", str(machine)], capture_output=True)
        os.kill(machine, signal.SIGSTOP)
        timed = subprocess.run(["timeout", "5", BIN / "banger", "vm", "exec", "ice", "--", "true"],
                               env=b.env, timeout=180, capture_output=True, text=True)
        self.assertEqual(timed.returncode, 124, timed.stderr)
        done = b.run("vm", "exec", "ice", "--", "true", timeout=180)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("the guest did not answer in time", done.stderr)
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=180)
        self.assertEqual(running.returncode, 143)
        self.assertIn(b"did not confirm SIGTERM", errors)

        # These commands have lost their clients, so they end. The guest itself still works.
        os.kill(machine, signal.SIGCONT)
        wait_until(lambda: "read line" not in b.ok("vm", "exec", "ice", "--", "ps"), "the command to end")
        b.ok("vm", "delete", "--force", "ice")


class EndedGuests(BareCase):
    def ends(self, name, *command):
        """Runs a command that ends its guest. Returns the VM after that. The client may be killed with its VM."""
        b = self.b
        b.ok("vm", "create", "--name", name, "--image", "bare")
        self.addCleanup(b.run, "vm", "delete", "--force", name)
        client = b.popen("vm", "exec", name, "--", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(client.kill)
        wait_until(lambda: b.json("vm", "show", name)["state"] == "stopped", "the VM to be stopped")
        client.communicate(timeout=180)
        self.assertEqual(client.returncode, 125)
        vm = b.json("vm", "show", name)
        self.assertGreater(vm["ended_at"], 0)
        self.assertEqual(b.machines(), [])
        return vm

    def test_a_halted_guest_is_stopped(self):
        vm = self.ends("halted", "halt", "-f")
        self.assertEqual((vm["ended"], vm["last_error"]), ("the guest shut down", ""))
        # The words of its last end, which are still on the console, do not end the next start.
        self.b.ok("vm", "start", "halted")
        self.assertEqual(self.b.ok("vm", "exec", "halted", "--", "echo", "up"), "up\n")
        self.assertEqual(self.b.json("vm", "show", "halted")["ended"], "")

    def test_a_crashed_guest_says_that_it_crashed(self):
        vm = self.ends("crashed", "sh", "-c", "echo c >/proc/sysrq-trigger")
        self.assertEqual(vm["ended"], "kernel panic: sysrq triggered crash")
        self.assertIn("kernel panic: sysrq triggered crash", vm["last_error"])
        self.assertIn("kernel panic", self.b.ok("vm", "show", "crashed"))

    def test_a_rebooted_guest_runs_again(self):
        b = self.b
        b.ok("vm", "create", "--name", "rebooted", "--image", "bare")
        self.addCleanup(b.run, "vm", "delete", "--force", "rebooted")
        b.ok("vm", "exec", "rebooted", "--", "sh", "-c", "echo kept >/root/mark; sync")
        before = b.json("vm", "show", "rebooted")["pid"]
        b.run("vm", "exec", "rebooted", "--", "reboot", "-f")
        wait_until(lambda: b.json("vm", "show", "rebooted")["pid"] not in (before, None), "another machine")
        wait_until(lambda: b.json("vm", "show", "rebooted")["state"] == "running", "the guest to boot")
        self.assertEqual(b.ok("vm", "exec", "rebooted", "--", "cat", "/root/mark"), "kept\n")
        vm = b.json("vm", "show", "rebooted")
        self.assertEqual((vm["state"], vm["ended"], vm["last_error"]), ("running", "", ""))

    def test_a_guest_that_stopped_answering_is_silent_until_it_answers(self):
        b = self.b
        b.ok("vm", "create", "--name", "mute", "--image", "bare")
        self.addCleanup(b.run, "vm", "delete", "--force", "mute")
        machine, = b.machines()
        self.addCleanup(subprocess.run, ["kill", "-CONT", str(machine)], capture_output=True)
        os.kill(machine, signal.SIGSTOP)
        wait_until(lambda: b.json("vm", "show", "mute")["silent"], "the silence to be noted")
        self.assertRegex(b.ok("vm", "list"), r"mute +\w+ +silent")
        self.assertEqual(b.json("vm", "show", "mute")["state"], "running")
        os.kill(machine, signal.SIGCONT)
        wait_until(lambda: not b.json("vm", "show", "mute")["silent"], "the guest to answer")
        self.assertEqual(b.ok("vm", "exec", "mute", "--", "echo", "back"), "back\n")


class DeadAgents(BareCase):
    config = "pool_size = 0\n"

    def check_agent_may_die(self, name):
        b = self.b
        for script in ("kill -9 $PPID; sleep 20", "agent=$PPID; head -c 3000000 /dev/zero; kill -9 $agent; sleep 20"):
            done = b.run("vm", "exec", name, "--", "sh", "-c", script)
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn("the connection to the command was lost before it ended", done.stderr)
            self.assertEqual(b.ok("vm", "exec", name, "--", "echo", "ok"), "ok\n")
        self.assertEqual(b.json("vm", "show", name)["state"], "running")

    def test_a_killed_agent_loses_only_the_running_commands(self):
        b = self.b
        for name, way, more in (("booted", "cold", ["--cold"]), ("cloned", "clone", [])):
            with self.subTest(name):
                made = b.json("vm", "create", "--name", name, "--image", "bare", "--memory", "256M",
                              "--disk-size", "256M", *more)
                self.assertEqual(made["way"], way)
                self.check_agent_may_die(name)
                b.ok("vm", "delete", "--force", name)

    def test_the_agent_survives_when_memory_runs_out(self):
        b = self.b
        b.ok("vm", "create", "--name", "full", "--image", "bare", "--memory", "256M", "--disk-size", "256M", "--cold")
        self.addCleanup(b.run, "vm", "delete", "--force", "full")
        scores = "cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj /proc/1/oom_score_adj"
        self.assertEqual(b.ok("vm", "exec", "full", "--", "sh", "-c", scores), "0\n-1000\n0\n")
        agent = b.ok("vm", "exec", "full", "--", "sh", "-c", "echo $PPID")
        # tail of busybox keeps a whole line in memory, and this line never ends.
        done = b.run("vm", "exec", "full", "--", "sh", "-c", "tail -n 1 /dev/zero")
        self.assertEqual(done.returncode, 137, done.stderr)
        self.assertEqual(b.ok("vm", "exec", "full", "--", "sh", "-c", "echo $PPID"), agent)


if __name__ == "__main__":
    unittest.main()
