"""VMs under the stand-in for Firecracker, whose guest is the real agent. The stories test the driver, the vsock, the
link and the agent's listener. The stand-in has no virtual machine, so kernels and disks are not tested here."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from firecracker import FirecrackerCase  # noqa: E402
from harness import alive, wait_until  # noqa: E402


class Firecracker(FirecrackerCase):
    def test_a_guest_runs_commands_and_its_console_is_logged(self):
        self.create("fc")
        self.assertEqual(self.b.ok("vm", "exec", "fc", "--", "sh", "-c", "echo $((6*7))"), "42\n")
        self.assertEqual(self.b.run("vm", "exec", "fc", "--", "sh", "-c", "exit 7").returncode, 7)
        shown = self.b.json("vm", "show", "fc")
        self.assertEqual(shown["machine"], "firecracker 1.16.2")
        self.assertEqual(shown["accelerator"], "kvm")
        self.assertIn("console=ttyS0", self.b.ok("vm", "logs", "fc"))

    def test_a_stop_resets_the_guest_because_firecracker_has_no_power_off(self):
        self.create("fc")
        self.b.ok("vm", "stop", "fc")
        shown = self.b.json("vm", "show", "fc")
        self.assertEqual((shown["state"], shown["last_error"]), ("stopped", ""))
        self.assertNotIn("vm.forced", self.b.log())
        self.b.ok("vm", "start", "fc")
        self.assertEqual(self.b.ok("vm", "exec", "fc", "--", "echo", "again"), "again\n")

    def test_a_new_daemon_finds_the_vm_and_connects_again(self):
        self.create("fc")
        pid = self.b.json("vm", "show", "fc")["pid"]
        self.b.kill_daemon()
        self.assertEqual(self.b.ok("vm", "exec", "fc", "--", "echo", "there"), "there\n")
        self.assertEqual(self.b.json("vm", "show", "fc")["pid"], pid)
        # The kernel reports the exit status only to the process that started Firecracker. The new daemon reads
        # Firecracker's log instead.
        self.b.ok("vm", "stop", "fc")
        self.assertEqual(self.b.json("vm", "show", "fc")["last_error"], "")

    def test_a_dead_process_is_noticed_and_delete_leaves_nothing(self):
        self.create("fc")
        pid = self.b.json("vm", "show", "fc")["pid"]
        self.b.ok("vm", "kill", "fc")
        self.assertFalse(alive(pid))
        self.b.ok("vm", "delete", "--force", "fc")
        self.assertEqual(self.b.vm_dirs(), [])
        wait_until(lambda: self.b.machines() == [], "the VM's processes to end")

    def test_a_vm_with_user_mode_network_is_refused_with_a_hint(self):
        done = self.b.run("vm", "create", "--name", "out", "--image", "bare", "--memory", "128M")
        self.addCleanup(self.b.run, "vm", "delete", "--force", "out")
        self.assertEqual(done.returncode, 125)
        self.assertIn("no user-mode network", done.stderr)
        self.assertIn("--no-nat", done.stderr)
        self.assertEqual(self.b.machines(), [])

    def test_doctor_says_whether_firecracker_is_used_and_why(self):
        def check():
            # doctor as a whole may fail, because this host may have no KVM.
            return next(each for each in json.loads(self.b.run("doctor", "--json").stdout)
                        if each["name"] == "firecracker")
        self.assertIn("1.16.2; ", check()["detail"])
        self.addCleanup(self.use, "firecracker")
        self.use("auto")
        self.assertIn("not used: Firecracker has no user-mode network", check()["detail"])
        self.use("qemu")
        self.assertEqual(check()["detail"], 'not used: machine = "qemu"')


if __name__ == "__main__":
    unittest.main()
