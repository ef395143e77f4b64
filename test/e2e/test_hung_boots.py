"""Guests that hang while they boot, because their kernel found its timer broken on a busy host."""
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import DATA, Banger  # noqa: E402

# The first guest gets a kernel without a timer. The real QEMU runs all of them.
QEMU = """#!/bin/bash
words=("$@")
for i in "${!words[@]}"; do
  if [ "${words[i]}" = -append ] && [[ "$*" = *tcg* ]] && mkdir "%(first)s" 2>/dev/null; then
    words[i+1]+=" nolapic_timer"
  fi
done
exec %(real)s "${words[@]}"
"""


class HungBoot(unittest.TestCase):
    def test_a_guest_without_a_timer_boots_again(self):
        b = Banger(data=DATA, config="pool_size = 0\n")
        self.addCleanup(b.destroy)
        tools = b.root / "tools"
        tools.mkdir()
        name = "qemu-system-x86_64"
        qemu = tools / name
        qemu.write_text(QEMU % {"first": b.root / "first", "real": shutil.which(name)})
        qemu.chmod(0o755)
        b.env["PATH"] = f"{tools}:{b.env['PATH']}"
        b.ok("daemon", "start")
        made = b.run("vm", "create", "--cold", "--wait", "agent", "--name", "box", "--memory", "512M", "--vcpu", "1")
        self.assertEqual(made.returncode, 0, made.stderr)
        stages = [stage["name"] for stage in b.json("vm", "show", "box")["stages"]]
        self.assertEqual(stages.count("reboot"), 1, stages)
        self.assertTrue((b.root / "first").exists())
        self.assertEqual(b.ok("vm", "exec", "box", "--", "sh", "-c", "sleep 0.1; echo alive"), "alive\n")


if __name__ == "__main__":
    unittest.main()
