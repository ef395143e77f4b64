"""The cage of a running QEMU, seen from outside, and tried from inside: QEMU's control socket opens what it is told to.

A VMM that its guest has taken over would try the same."""
import json
import os
import pathlib
import re
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, SeededCase, wait_until  # noqa: E402
from marks import for_both  # noqa: E402

# The capabilities that root's QEMU keeps in the user network: CAP_DAC_OVERRIDE, CAP_NET_RAW (capabilities(7)).
KEPT = 1 << 1 | 1 << 13


class Control:
    """QEMU's control socket (QMP). QEMU serves one client, so no daemon may run."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        # The name may be too long for an address.
        parent = os.open(path.parent, os.O_PATH)
        self.socket.connect(f"/proc/self/fd/{parent}/{path.name}")
        os.close(parent)
        self.lines = self.socket.makefile("rw")
        self.lines.readline()
        self.error_of("qmp_capabilities")

    def error_of(self, command, **arguments):
        """Runs a command. Returns its error, or "" if it succeeds."""
        self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline())
            if "return" in answer or "error" in answer:
                return answer.get("error", {}).get("desc", "")

    def open_error(self, name, path):
        return self.error_of("blockdev-add", **{"driver": "file", "node-name": name, "read-only": True,
                                                "locking": "off", "filename": str(path)})

    def connect_error(self, path):
        address = {"type": "unix", "data": {"path": str(path)}}
        return self.error_of("chardev-add", id="tried",
                             backend={"type": "socket", "data": {"addr": address, "server": False}})


@for_both
class Cage(SeededCase):
    def landlock(self):
        check = {c["name"]: c for c in json.loads(self.b.run("doctor", "--json").stdout)}["cage"]
        found = re.search(r"Landlock version (\d+)", check["detail"])
        if not found:
            self.skipTest(check["detail"])
        return int(found[1])

    def test_a_vmm_keeps_few_rights(self):
        self.b.ok("vm", "create", "--name", "x", *SHAPE)
        pid, = self.b.machines()
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.assertGreaterEqual(int(status.get("Seccomp_filters", 2)), 2)  # banger's and QEMU's own
        allowed = KEPT if os.geteuid() == 0 else 0
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16) & ~allowed, 0, name)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        soft, hard = re.search(r"Max open files +(\d+) +(\d+) ", limits).groups()
        self.assertEqual(soft, hard)
        self.assertLessEqual(int(hard), 4096)
        # The guest's memory stays out of core files ("dd" in VmFlags, proc(5)).
        shared = pathlib.Path(f"/proc/{pid}/smaps").read_text()
        memory = shared[shared.index("memory.img"):]
        self.assertIn(" dd ", memory[memory.index("VmFlags:"):].splitlines()[0] + " ")

    def test_a_vmm_opens_its_own_files_only(self):
        b = self.b
        self.landlock()
        for name in ("x", "other"):
            b.ok("vm", "create", "--name", name, *SHAPE)
        mine, theirs = (b.state / "vms" / b.json("vm", "show", name)["id"] for name in ("x", "other"))
        b.kill_daemon()
        qemu = Control(mine / "qmp.sock")
        self.assertEqual(qemu.open_error("own", mine / "system.img"), "")
        self.assertEqual(qemu.error_of("blockdev-del", **{"node-name": "own"}), "")
        for path in (theirs / "system.img", theirs / "console.log", b.state / "banger.db", b.state / "bangerd.log",
                     "/proc/1/status", "/dev/mem", "/root", "/usr/bin/env"):
            if pathlib.Path(path).exists():
                self.assertIn("Permission denied", qemu.open_error("tried", path), path)
        # Nor does it talk to the daemon, or to another VMM.
        for path in (b.state / "run" / "bangerd.sock", theirs / "qmp.sock"):
            self.assertNotEqual(qemu.connect_error(path), "", path)
        qemu.lines.close()
        qemu.socket.close()
        # It was only tried: the next daemon finds both VMs, and they work.
        for name in ("x", "other"):
            self.assertEqual(b.ok("vm", "exec", name, "--", "echo", "here"), "here\n")
        b.ok("vm", "suspend", "x")
        b.ok("vm", "resume", "x")
        self.assertEqual(b.ok("vm", "exec", "x", "--", "echo", "again"), "again\n")
        log = mine / "machine.log"
        wait_until(lambda: "denied" not in log.read_text(), "no complaint of QEMU about its cage", timeout=1)


if __name__ == "__main__":
    unittest.main()
