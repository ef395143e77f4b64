"""The root helper's snapshots on a kernel that has device-mapper: that of a guest, with the modules of its own package, whatever the
kernel of this host can do."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, DATA, KERNEL, SharedCase  # noqa: E402

# In the order in which they need each other.
MODULES = ("dm-mod", "dm-bufio", "dm-zero", "loop", "dm-snapshot")
ID = "abcdefghijkl"
HELPERS = {
    # Neither kmod nor socat is in the image; finit_module(2) is call 313.
    "load": r"""for my $name (@ARGV) { open(my $f, "<", $name) or die "$name: $!"; my $p = ""; syscall(313, fileno($f), $p, 0) == 0 or die "$name: $!" }""",
    "ask": r"""use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "/run/helper/helper.sock") or die $!;
$s->autoflush(1); print $s $ARGV[0], "\n"; print <$s>""",
}
SETUP = """set -e
cd /root && perl load.pl {modules}
mkdir -p /etc/banger /srv/own && chmod 700 /srv/own
printf 'owner = "daemon"\\nroots = ["/srv/own"]\\n' > /etc/banger/install.toml
truncate -s 64M /srv/own/image && mke2fs -q -F -t ext4 /srv/own/image && truncate -s 300M /srv/own/disk
chmod 600 /srv/own/* && chown -R daemon: /srv/own
md5sum /srv/own/image > /root/before
(setsid /root/banger bangerd-root --socket /run/helper/helper.sock > /root/helper.log 2>&1 < /dev/null &)
for i in $(seq 200); do test -S /run/helper/helper.sock && exit 0; sleep 0.1; done; exit 1
"""


def download_modules(directory):
    """The files of MODULES for the shared kernel, from where apt takes it; None where it does not."""
    manifest = json.loads((pathlib.Path(DATA) / "banger/kernels" / KERNEL / "manifest.json").read_text())
    package = f"linux-image-{manifest['release']}"
    subprocess.run(["apt-get", "download", package], cwd=directory, capture_output=True)
    debs = list(directory.glob("*.deb"))
    if not debs or not shutil.which("dpkg-deb"):
        return None
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", debs[0]], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "--wildcards", *(f"*/{name}.ko" for name in MODULES)], input=tar, cwd=directory, capture_output=True)
    found = {path.stem: path for path in directory.rglob("*.ko")}
    return [found[name] for name in MODULES] if set(MODULES) <= set(found) else None


class DmSnapshot(SharedCase):
    config = "templates = false\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="banger-modules-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.modules = download_modules(cls.directory) if DATA else None

    def setUp(self):
        super().setUp()
        if not self.modules:
            self.skipTest("the package of the guest's kernel cannot be had from apt here")
        self.b.ok("vm", "create", "--name", "host", "--memory", "512M")
        for name, text in HELPERS.items():
            (self.directory / f"{name}.pl").write_text(text)
        files = [*self.modules, *(self.directory / f"{name}.pl" for name in HELPERS), BIN / "banger"]
        for file in files:
            self.b.ok("vm", "cp", str(file), "host:/root/")
        self.sh(SETUP.format(modules=" ".join(f"{name}.ko" for name in MODULES)))

    def sh(self, script):
        return self.b.ok("vm", "exec", "host", "--", "sh", "-c", script)

    def ask(self, what, **arguments):
        request = json.dumps({"operation": f"storage.snapshot.{what}", "arguments": {"vm": ID, **arguments}})
        return json.loads(self.b.ok("vm", "exec", "host", "--", "perl", "/root/ask.pl", request))

    def create(self, mib=256, disk="/srv/own/disk"):
        return self.ask("create", image="/srv/own/image", disk=disk, size_bytes=mib * 2**20)

    def test_what_is_written_stays_in_the_disks_file_and_the_image_as_it_is(self):
        device = f"/dev/banger/{ID}"
        self.assertEqual(self.create(), {"result": {"device": device}})
        self.assertEqual(self.sh(f"stat -c '%U %a %F' {device}"), "daemon 600 block special file\n")
        self.assertEqual(self.sh("cat /sys/block/dm-*/dm/name | sort").split(), [f"banger-{ID}", f"banger-{ID}-image"])
        self.sh(f"mkdir -p /mnt/x && mount {device} /mnt/x && dd if=/dev/urandom of=/mnt/x/big bs=1M count=30 2>/dev/null && md5sum /mnt/x/big > /root/big")
        # In use, it is neither removed nor made anew.
        self.assertEqual(self.ask("remove")["error"]["code"], "busy")
        self.assertEqual(self.create()["error"]["code"], "busy")
        self.sh("umount /mnt/x")
        for _ in range(2):
            self.assertEqual(self.ask("remove"), {"result": {}})
        self.assertEqual(self.sh("ls /dev/banger; ls -d /sys/block/dm-* /sys/block/loop*/loop 2>/dev/null; true"), "")
        # A copy of the file is a disk of its own, also one that has grown.
        self.sh("cp /srv/own/disk /srv/own/copy && truncate -s 600M /srv/own/copy && chown daemon: /srv/own/copy")
        self.create(512, "/srv/own/copy")
        self.sh(f"mount {device} /mnt/x && md5sum -c /root/big && rm /mnt/x/big && umount /mnt/x")
        self.assertEqual(self.sh(f"blockdev --getsize64 {device}"), f"{512 * 2**20}\n")
        self.create()
        self.sh(f"mount {device} /mnt/x && md5sum -c /root/big && umount /mnt/x && md5sum -c /root/before")
        self.assertEqual(self.ask("remove"), {"result": {}})

    def test_what_cannot_be_made_leaves_nothing_and_others_devices_are_left_alone(self):
        self.sh("truncate -s 0 /srv/own/empty && chown daemon: /srv/own/empty")
        self.assertEqual(self.create(disk="/srv/own/empty")["error"]["code"], "invalid")
        self.sh("truncate -s 128M /srv/own/image")
        self.assertEqual(self.create(64)["error"]["code"], "invalid")
        self.assertEqual(self.sh("ls -d /sys/block/dm-* /sys/block/loop*/loop /dev/banger/* 2>/dev/null; true"), "")


if __name__ == "__main__":
    unittest.main()
