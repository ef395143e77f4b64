"""The kernel `generic` has everything that guests need, and has no modules."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import extras  # noqa: E402
from bare import busybox_tar  # noqa: E402
from harness import wait_until  # noqa: E402
from marks import long  # noqa: E402
from own_data import OwnDataCase  # noqa: E402

NAME = "generic"
FILE_SYSTEMS = {"9p", "autofs", "cgroup2", "ext4", "fuse", "iso9660", "mqueue", "overlay", "squashfs", "tmpfs", "vfat",
                "virtiofs"}
CONTROLLERS = {"cpu", "cpuset", "io", "memory", "pids"}
# What `ip link add` makes, in this order.
LINKS = ["br0 type bridge", "d0 type dummy", "v0 type veth peer name v1", "wg0 type wireguard",
         "vx0 type vxlan id 7 dstport 4789 dev d0", "mv0 link d0 type macvlan mode bridge", "ip0 link v0 type ipvlan",
         "vlan0 link d0 type vlan id 5"]


@long
class Generic(OwnDataCase):
    @classmethod
    def setUpClass(cls):
        vmlinux = extras.need("kernel/vmlinux")
        super().setUpClass()
        cls.b.ok("kernel", "import", NAME, "--vmlinux", str(vmlinux))
        busybox_tar(cls.b.root / "bare.tar")
        cls.b.ok("image", "import", "bare", str(cls.b.root / "bare.tar"), "--kernel", NAME)

    def debian(self):
        return self.create("--kernel", NAME, "--memory", "512M", "--wait", "system")

    def test_a_bare_image_boots_sleeps_and_ends(self):
        b = self.b
        vm = self.create("--image", "bare", "--memory", "256M")
        self.assertIn(f"-{NAME}", self.sh(vm, "uname -r"))
        b.ok("vm", "suspend", vm)
        b.ok("vm", "resume", vm)
        self.assertIn(f"-{NAME}", self.sh(vm, "uname -r"))
        b.ok("vm", "stop", vm)
        self.assertEqual(b.json("vm", "show", vm)["ended"], "stopped")
        b.ok("vm", "start", vm)
        b.run("vm", "exec", vm, "--", "poweroff", "-f")  # may go before it answers
        wait_until(lambda: b.json("vm", "show", vm)["state"] == "stopped", "the guest to power off")

    def test_the_timer_is_not_measured(self):
        vm = self.create("--image", "bare", "--memory", "256M")
        self.assertIn("lapic_timer_khz=1000000", self.sh(vm, "cat /proc/cmdline"))
        self.assertNotIn("APIC timer disabled", self.sh(vm, "dmesg"))

    def test_debian_boots_without_a_failed_unit(self):
        vm = self.debian()
        self.assertEqual(self.sh(vm, "systemctl --failed --no-legend --plain"), "")
        self.assertNotIn("/lib/modules", self.sh(vm, "cat /proc/mounts"))
        listed = self.sh(vm, "cut -f2 /proc/filesystems").split()
        self.assertEqual(FILE_SYSTEMS - set(listed), set())
        self.assertEqual(CONTROLLERS - set(self.sh(vm, "cat /sys/fs/cgroup/cgroup.controllers").split()), set())
        self.b.ok("vm", "stop", vm)
        self.assertEqual(self.b.json("vm", "show", vm)["ended"], "stopped")

    def test_debian_has_namespaces_links_and_devices(self):
        vm = self.debian()
        self.sh(vm, "unshare --mount --uts --ipc --net --pid --fork --cgroup --time --user --map-root-user true")
        for link in LINKS:
            self.sh(vm, f"ip link add {link}")
        self.sh(vm, "ip tuntap add t0 mode tap; ip -6 addr add fd00::1/64 dev d0; ip link set d0 up")
        self.sh(vm, "test -c /dev/fuse; test -c /dev/net/tun; test -c /dev/loop-control; test -c /dev/hwrng")
        self.sh(vm, "gzip -dc /proc/config.gz | grep -q ^CONFIG_SECCOMP_FILTER=y")
        self.sh(vm, "grep -q ^Seccomp_filters: /proc/self/status; test -e /proc/sys/fs/binfmt_misc/register")
        self.sh(vm, "truncate -s 64M /tmp/disk; mkfs.ext4 -q /tmp/disk; mount -o loop /tmp/disk /mnt; umount /mnt")

    def test_clones_of_a_template_run(self):
        vm = self.debian()
        child = self.b.json("vm", "fork", vm)["vms"][0]["name"]
        self.addCleanup(self.b.run, "vm", "delete", "--force", child)
        self.assertIn(f"-{NAME}", self.sh(child, "uname -r"))


if __name__ == "__main__":
    unittest.main()
