"""Compares banger's statements about the host with the host's behaviour: KVM, a QEMU without software emulation, and
closed outputs."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import Case, wait_until  # noqa: E402


class Kvm(Case):
    def check(self, *flags):
        done = self.b.run("doctor", "--json", *flags)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return {c["name"]: c for c in json.loads(done.stdout)}["kvm"]

    def test_doctor_probes_kvm_once_and_again_with_fix(self):
        b = self.b
        first = self.check()
        self.assertEqual(self.check(), first)
        usable = os.access("/dev/kvm", os.R_OK | os.W_OK)
        self.assertEqual(b.log().count("kvm.probed"), 1 if usable else 0, b.log())
        if usable and first["status"] != "pass":
            self.assertIn("doctor --fix", first["hint"])
            # Either QEMU ended with an error message, or its guest did not boot.
            self.assertRegex(first["detail"],
                             r"qemu-system|kvm|did not reach its init within|ended before it reached its init")
        elif not usable:
            self.assertIn("/dev/kvm", first["detail"])
        self.assertEqual(self.check("--fix")["status"], first["status"])
        self.assertEqual(b.log().count("kvm.probed"), 2 if usable else 0)
        # The guest uses the accelerator that doctor named.
        b.ok("vm", "create", "--name", "v")
        shown = b.json("vm", "show", "v")
        self.assertEqual(shown["accelerator"], "kvm" if first["status"] == "pass" else "tcg")
        # The VM and doctor give the same reason for the choice of QEMU.
        check = next(check for check in json.loads(b.run("doctor", "--json").stdout) if check["name"] == "firecracker")
        self.assertTrue(shown["machine_reason"])
        self.assertIn(shown["machine_reason"], check["detail"])
        self.assertIn(shown["machine_reason"], b.ok("vm", "show", "v"))
        b.ok("vm", "delete", "--force", "v")

    def test_a_qemu_without_any_accelerator_is_a_clear_error(self):
        b = self.b
        # A wrapper of the real QEMU that lists no accelerators.
        qemu = b.root / "qemu"
        qemu.write_text(f"""#!/bin/sh
case "$*" in *"-accel help"*) echo 'Accelerators supported in QEMU binary:'; exit 0;; esac
exec {shutil.which("qemu-system-x86_64")} "$@"
""")
        qemu.chmod(0o755)
        config = pathlib.Path(b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(f'qemu_bin = "{qemu}"\n')
        self.fails(125, "vm", "create", "--name", "v", says=["without software emulation", "qemu_bin", str(qemu)])
        self.assert_nothing_left()
        check = self.check()
        self.assertEqual(check["status"], "fail")
        self.assertIn("no software emulation", check["detail"])


class LostOutput(BareCase):
    """The reader of the output closes it early, as in `banger … | head -1`."""

    def lose(self, *args):
        p = self.b.popen(*args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertTrue(p.stdout.read(1))
        p.stdout.close()
        code = p.wait(timeout=180)
        err = p.stderr.read().decode()
        p.stderr.close()
        self.assertNotIn("terminate", err)
        return code

    def test_commands_end_when_their_output_is_closed_and_the_vm_is_unharmed(self):
        b = self.b
        b.ok("vm", "create", "--name", "x", "--image", "bare")
        self.assertEqual(self.lose("vm", "exec", "x", "--", "yes"), 141)
        self.assertEqual(self.lose("vm", "run", "--image", "bare", "--name", "y", "--rm", "--", "yes"), 141)
        self.assertIn(self.lose("vm", "list"), (0, 141))  # 0 if all was written before the reader closed
        self.assertIn(self.lose("vm", "list", "--json"), (0, 141))
        self.assertIn(self.lose("vm", "logs", "x"), (0, 141))
        wait_until(lambda: b.run("vm", "exec", "x", "--", "pidof", "yes").returncode == 1, "the command to end")
        self.assertEqual([vm["name"] for vm in b.json("vm", "list")], ["x"])
        self.assertEqual(b.ok("vm", "exec", "x", "--", "echo", "unharmed"), "unharmed\n")
        b.ok("vm", "delete", "--force", "x")
        self.assertEqual((b.vm_dirs(), b.machines(), b.leftovers()), ([], [], []))


if __name__ == "__main__":
    unittest.main()
