"""A system install of banger inside a banger guest with systemd: install, use, upgrade, uninstall and .vm names."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, SHAPE, SeededCase, wait_until  # noqa: E402

SOCKET = "/run/bangerd/helper.sock"

# Packages of a Debian host with bridge networking and systemd-resolved that the guest's image lacks. They are installed
# only in the guest.
PACKAGES = ("systemd-resolved", "nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libxtables12",
            "libedit2", "libbsd0", "libmd0")


class InAGuest(SeededCase):
    def guest(self, line, status=0):
        """Runs a shell line as root in the guest, and asserts its exit status. Returns its output."""
        done = self.b.run("vm", "exec", "host", "--", "sh", "-c", line)
        self.assertEqual(done.returncode, status, f"{line}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def run_in_guest(self, line):
        return self.b.run("vm", "exec", "host", "--", "sh", "-c", line)

    def as_user(self, user, line, status=0):
        quoted = line.replace("'", "'\\''")
        return self.guest(f"su - {user} -c '{quoted}'", status)

    def helper_check(self, banger="banger"):
        # The exit code is ignored, because other checks may fail.
        done = self.b.run("vm", "exec", "host", "--", "su", "-", "ana", "-c", f"{banger} doctor --json")
        return next(check for check in json.loads(done.stdout) if check["name"] == "root helper")

    def main_pid(self, unit="bangerd.service"):
        return self.guest(f"systemctl show -p MainPID --value {unit}").strip()

    def unprivileged(self, pid):
        status = dict(line.split(":\t", 1) for line in self.guest(f"cat /proc/{pid}/status").splitlines()
                      if ":\t" in line)
        return status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


class Names(InAGuest):
    def test_a_real_resolved_asks_the_daemon_for_vm_names(self):
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=place, check=True, stderr=subprocess.DEVNULL)
            self.b.ok("vm", "create", "--name", "host", *SHAPE)
            self.b.ok("vm", "cp", place, "host:/root/debs")
        self.b.ok("vm", "cp", str(BIN / "banger"), "host:/root/banger")
        self.guest("dpkg -i /root/debs/*.deb && systemctl reload dbus && systemctl restart systemd-resolved && useradd "
                   "--create-home ana")
        # The helper makes the bridge immediately, so that the first VM does not wait for it. The DNS route for .vm
        # names is set on the bridge.
        self.guest("/root/banger system install --owner ana")
        wait_until(lambda: "~vm" in self.run_in_guest("resolvectl --no-pager domain br-banger").stdout,
                   "resolved to have the DNS route")
        self.assertIn("127.0.0.1:42069", self.guest("resolvectl --no-pager dns br-banger"))
        self.assertIn("172.16.0.1/24", self.guest("ip -4 address show br-banger"))
        # The daemon answers that there is no such VM. It gets no queries for other names.
        asked = self.run_in_guest("resolvectl --no-pager query nothing.vm")
        self.assertIn("'nothing.vm' not found", asked.stderr)
        asked = self.run_in_guest("resolvectl --no-pager query nothing.example")
        self.assertIn("No appropriate name servers", asked.stderr)
        said = self.guest("/root/banger system uninstall 2>&1")
        self.assertNotIn("~vm", self.guest("resolvectl --no-pager domain"))
        self.assertNotEqual(self.run_in_guest("ip link show br-banger").returncode, 0, said)
        self.assertEqual(self.guest("nft list tables"), "")


class SystemInstall(InAGuest):
    def test_install_use_upgrade_and_uninstall(self):
        self.b.ok("vm", "create", "--name", "host", *SHAPE)
        self.b.ok("vm", "cp", str(BIN / "banger"), "host:/root/banger")
        self.guest("useradd --create-home ana && useradd --create-home bob && systemctl is-system-running --wait || "
                   "true")
        before = self.guest("find /etc/systemd /usr/lib/systemd /usr/bin /etc/banger /usr/lib/banger 2>/dev/null | "
                            "sort")

        # The install stops a daemon that ana has started herself.
        self.guest("install -o ana /root/banger /home/ana/banger")
        own = json.loads(self.as_user("ana",
                                      "./banger daemon start >/dev/null 2>&1; ./banger daemon status --json"))["pid"]
        output = self.guest("/root/banger system install --owner ana")
        self.assertIn("stopped the daemon that ana had started", output)
        self.guest(f"test -e /proc/{own}", status=1)
        for unit in ("bangerd.service", "bangerd-root.service", "bangerd-root.socket"):
            self.assertEqual(self.guest(f"systemctl is-active {unit}").strip(), "active")
        status = json.loads(self.guest("banger system status --json"))
        self.assertEqual((status["owner"], status["helper"]), ("ana", status["version"].split()[1]))
        self.assertIn("the install is up to date", self.guest("/root/banger system install"))

        # The owner's commands reach the service's daemon, which has the helper.
        pid = self.main_pid()
        self.assertEqual(str(json.loads(self.as_user("ana", "banger daemon status --json"))["pid"]), pid)
        self.assertIn(f"version {status['helper']}", self.helper_check()["detail"])
        self.assertIn("daemon.started", self.as_user("ana", "banger daemon logs"))
        self.assertEqual(self.as_user("ana", "banger image list --json").strip()[0], "[")
        for each in (pid, self.main_pid("bangerd-root.service")):
            self.assertTrue(self.unprivileged(each))
        # The unit's hardening lets the helper write the kernel settings that bridge networking needs, but no others.
        inside = f"nsenter -t {self.main_pid('bangerd-root.service')} -m sh -c"
        self.guest(f"{inside} 'cat /proc/sys/net/ipv4/ip_forward > /tmp/f && cat /tmp/f > "
                   f"/proc/sys/net/ipv4/ip_forward'")
        self.guest(f"{inside} 'cat /proc/sys/kernel/panic > /proc/sys/kernel/panic'", status=2)
        self.guest(f"{inside} 'echo > /etc/written'", status=2)
        # In the owner's home the helper sees only the directories of VMs and images.
        self.guest("test -e /home/ana/.profile")
        self.assertEqual(self.guest(f"{inside} 'cd /home && find . -maxdepth 4 | sort'").split(),
                         [".", "./ana", "./ana/.local", "./ana/.local/share", "./ana/.local/share/banger",
                          "./ana/.local/state", "./ana/.local/state/banger"])
        output = self.as_user("ana", "banger image build debian-bookworm 2>&1", status=125)
        self.assertNotIn("may not gain", output)  # the build ran in ana's terminal, and failed without mmdebstrap
        self.assertIn("mmdebstrap", output)

        # Other users cannot reach the helper. Requests of the owner are checked and logged.
        self.guest(f"test $(stat -c %U:%a {SOCKET}) = ana:600")
        self.as_user("bob", f"curl -s --max-time 5 --unix-socket {SOCKET} http://x/", status=7)
        output = self.as_user("ana", f"curl -s --http0.9 --max-time 20 --unix-socket {SOCKET} http://x/ || true")
        self.assertIn('"invalid"', output)
        self.guest("journalctl -u bangerd-root -o cat --no-pager | grep -q "
                   "'helper.request.*operation=helper.version.*outcome=done'")
        self.guest("journalctl -u bangerd-root -o cat --no-pager | grep -q 'outcome=invalid'")

        # An upgrade replaces both programs, but does not end VMs, which run in the daemon's cgroup.
        self.guest("systemd-run -q --unit=stand-in --uid=ana sleep 10000; p=$(systemctl show -p MainPID --value "
                   "stand-in);"
                   " echo $p > /sys/fs/cgroup/system.slice/bangerd.service/cgroup.procs; echo $p > /root/vm")
        self.guest("cp /root/banger /root/newer && printf x >> /root/newer && /root/newer system install")
        self.guest("cmp /root/newer /usr/lib/banger/banger && cmp /root/banger /usr/lib/banger/banger.old")
        self.assertNotEqual(self.main_pid(), pid)
        self.guest("kill -0 $(cat /root/vm)")
        self.guest("banger system restart && kill -0 $(cat /root/vm)")
        self.assertIn(f"version {status['helper']}", self.helper_check()["detail"])
        self.guest(f"grep -q '^{self.main_pid()}$' /sys/fs/cgroup/system.slice/bangerd.service/cgroup.procs")

        # An uninstall removes everything except ana's own files.
        output = self.guest("/root/newer system uninstall")
        self.assertIn("/home/ana/.local/state/banger", output)
        self.guest(f"systemctl is-active bangerd bangerd-root.socket || test ! -e {SOCKET}")
        self.assertEqual(self.guest("find /etc/systemd /usr/lib/systemd /usr/bin /etc/banger /usr/lib/banger "
                                    "2>/dev/null | sort"), before)
        self.guest("kill -0 $(cat /root/vm)")
        self.guest("test -e /home/ana/.local/state/banger/banger.db")
        self.assertIn("not installed", self.guest("/root/newer system status", status=1))
        self.assertIn("not installed", self.helper_check("./banger")["detail"])


if __name__ == "__main__":
    unittest.main()
