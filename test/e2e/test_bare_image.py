"""A busybox image without an init. It is imported from a tar, and banger's own small init boots it."""
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import KERNEL, wait_until  # noqa: E402
from marks import long  # noqa: E402


class BareImage(BareCase):
    def test_an_image_without_an_init_runs_commands(self):
        b = self.b
        self.assertEqual(b.json("image", "show", "bare")["init"], "none")
        done = b.run("vm", "run", "--rm", "--image", "bare", "--", "sh", "-c", "cat /proc/1/comm; echo $((6*7))")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "42")
        self.assertEqual(b.json("vm", "list"), [])

    def test_a_guest_keeps_its_files_powers_off_cleanly_and_reaps_orphans(self):
        b = self.b
        b.ok("vm", "create", "--name", "bare1", "--image", "bare")
        b.ok("vm", "exec", "bare1", "--", "sh", "-c", "echo kept >/root/x; echo kept >/etc/x")
        b.ok("vm", "exec", "bare1", "--", "sh", "-c", "(sleep 0.1 &) ; exit 0")
        wait_until(lambda: "Z" not in b.ok("vm", "exec", "bare1", "--", "sh", "-c",
                                           "cat /proc/[0-9]*/stat 2>/dev/null | cut -d' ' -f3 | tr -d '\\n'"),
                   "orphans to be reaped")
        b.ok("vm", "stop", "bare1")
        self.assertEqual(b.json("vm", "show", "bare1")["last_error"], "")
        b.ok("vm", "start", "bare1")
        self.assertEqual(b.ok("vm", "exec", "bare1", "--", "cat", "/root/x", "/etc/x"), "kept\nkept\n")
        b.ok("vm", "delete", "--force", "bare1")

    def test_a_detached_command_goes_on_without_its_client(self):
        b = self.b
        b.ok("vm", "create", "--name", "bare3", "--image", "bare")
        b.ok("vm", "exec", "-d", "bare3", "sh", "-c",
             "while [ ! -e /root/go ]; do sleep 0.1; done; echo done >/root/done")
        b.ok("vm", "exec", "bare3", "touch", "/root/go")
        wait_until(lambda: b.run("vm", "exec", "bare3", "cat", "/root/done").stdout == "done\n",
                   "the detached command to end")
        missing = b.run("vm", "exec", "-d", "bare3", "nonesuch", "-x")
        self.assertEqual((missing.returncode, missing.stderr),
                         (127, "banger: 'nonesuch': command not found in the guest\n"))
        b.ok("vm", "stop", "bare3")
        b.ok("vm", "wait", "bare3", "--for", "stopped")
        tail = b.ok("vm", "logs", "bare3", "--tail", "2")
        self.assertTrue(b.ok("vm", "logs", "bare3").endswith(tail), tail)
        self.assertLessEqual(tail.count("\n"), 2)
        b.ok("vm", "delete", "--force", "bare3")

    def test_the_network_and_names_work_without_any_guest_tool(self):
        b = self.b
        b.ok("vm", "create", "--name", "bare2", "--image", "bare", "--network", "user")
        self.assertEqual(b.ok("vm", "exec", "bare2", "--", "hostname"), "bare2\n")
        self.assertIn("10.0.2.15", b.ok("vm", "exec", "bare2", "--", "ifconfig"))
        self.assertIn("10.0.2.3", b.ok("vm", "exec", "bare2", "--", "cat", "/etc/resolv.conf"))
        b.ok("vm", "delete", "--force", "bare2")

    def test_a_guest_of_the_user_network_reaches_the_hosts_loopback_unless_it_has_no_network(self):
        """The documents warn about this access, because it matters to everyone who runs untrusted code."""
        b = self.b
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        server.settimeout(60)
        ask = ["sh", "-c", f"nc 10.0.2.2 {server.getsockname()[1]} </dev/null"]

        def answer():
            connection, _ = server.accept()
            connection.sendall(b"from the host\n")
            connection.close()
        thread = threading.Thread(target=answer)
        thread.start()
        run = ("vm", "run", "--rm", "--network", "user", "--image", "bare", "--")
        self.assertEqual(b.ok(*run, *ask), "from the host\n")
        thread.join()
        done = b.run("vm", "run", "--rm", "--no-nat", "--image", "bare", "--", *ask)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")

    def test_a_guest_does_not_reach_link_local_addresses(self):
        done = self.b.run("vm", "run", "--rm", "--image", "bare", "--", "nc", "-w", "60", "169.254.169.254", "80")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("No route to host", done.stderr)

    def start_endless_run(self):
        """Starts a `vm run --rm` with an endless command. Returns after the command's first output."""
        run = self.b.popen("vm", "run", "--rm", "--image", "bare", "--no-nat", "--", "sh", "-c",
                           "echo on; while :; do sleep 1; done",
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.assertEqual(run.stdout.readline(), b"on\n")
        vm, = self.b.json("vm", "list")
        self.assertTrue(vm["ephemeral"])
        return run

    def assert_vm_deleted(self):
        wait_until(lambda: self.b.json("vm", "list") == [], "the VM to be deleted")
        wait_until(lambda: self.b.machines() == [] and self.b.vm_dirs() == [],
                   "the VM's process and directory to be removed")
        self.assertEqual(self.b.leftovers(), [])

    def test_run_rm_deletes_its_vm_when_the_command_is_killed(self):
        self.start_endless_run().kill()
        self.assert_vm_deleted()

    def test_run_rm_deletes_its_vm_when_the_daemon_and_the_command_are_killed(self):
        run = self.start_endless_run()
        run.send_signal(signal.SIGSTOP)  # otherwise the command itself would delete the VM
        self.b.kill_daemon()
        run.kill()
        self.assert_vm_deleted()
        self.assertIn("deleted together with the command that it was made for",
                      " ".join(self.b.json("daemon", "status")["recovered"]))

    def test_the_command_of_run_rm_deletes_its_vm_when_the_daemon_is_killed(self):
        run = self.start_endless_run()
        self.b.kill_daemon()
        self.assertEqual(run.wait(180), 125)
        errors = run.stderr.read().decode()
        self.assertIn("the connection to the command was lost", errors)
        self.assertNotIn("there is no VM", errors)
        self.assert_vm_deleted()

    def test_a_vm_without_rm_survives_its_client(self):
        run = self.b.popen("vm", "run", "--name", "stays", "--image", "bare", "--no-nat", "--", "sleep", "600",
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.b.run("vm", "exec", "stays", "--", "pidof", "sleep").returncode == 0,
                   "the VM's command to run")
        run.kill()
        run.wait()
        self.b.kill_daemon()
        vm = self.b.json("vm", "show", "stays")
        self.assertEqual((vm["state"], vm["ephemeral"]), ("running", False))
        self.b.ok("vm", "delete", "--force", "stays")

    def test_an_image_in_use_cannot_be_deleted_and_the_vm_is_named(self):
        b = self.b
        b.ok("vm", "create", "--name", "user1", "--image", "bare", "--no-start")
        done = b.run("image", "delete", "bare")
        self.assertEqual(done.returncode, 125)
        self.assertIn("user1", done.stderr)
        done = b.run("kernel", "delete", KERNEL)
        self.assertEqual(done.returncode, 125)
        self.assertIn("user1", done.stderr)
        b.ok("vm", "delete", "user1")

    def test_logs_explain_a_kernel_without_disk_drivers(self):
        b = self.b
        vmlinux = next((pathlib.Path(b.env["XDG_DATA_HOME"]) / "banger/kernels" / KERNEL).glob("vmlinux"))
        b.ok("kernel", "import", "bald", "--vmlinux", str(vmlinux))
        done = b.run("vm", "create", "--name", "lost", "--image", "bare", "--kernel", "bald")
        self.assertEqual(done.returncode, 125)
        self.assertIn("banger vm logs lost", done.stderr)
        self.assertEqual(b.json("vm", "show", "lost")["state"], "stopped")  # kept, so that its logs can be read
        self.assertIn("banger:", b.ok("vm", "logs", "lost"))
        # `vm run --rm` also keeps such a VM.
        done = b.run("vm", "run", "--rm", "--name", "lost2", "--image", "bare", "--kernel", "bald", "--", "true")
        self.assertIn("banger vm logs lost2", done.stderr)
        b.kill_daemon()
        self.assertEqual(b.json("vm", "show", "lost2")["state"], "stopped")
        b.ok("vm", "delete", "lost", "lost2")
        b.ok("kernel", "delete", "bald")

    def test_a_corrupt_root_file_system_is_a_clear_error(self):
        b = self.b
        b.ok("image", "import", "broken", str(b.root / "bare.tar"), "--kernel", KERNEL)
        rootfs = pathlib.Path(b.json("image", "show", "broken")["rootfs"])
        with open(rootfs, "r+b") as f:
            f.seek(1024)
            f.write(b"\xff" * 1024)
        done = b.run("vm", "create", "--name", "br", "--image", "broken")
        self.assertEqual(done.returncode, 125)
        self.assertIn("rootfs", done.stderr)
        b.run("vm", "delete", "--force", "br")
        b.ok("image", "delete", "broken")
        self.assertEqual(b.leftovers(), [])


@long
class ClonedBareImage(BareImage):
    """The same tests with VMs that are clones of a template."""

    config = "pool_size = 0\n"


if __name__ == "__main__":
    unittest.main()
