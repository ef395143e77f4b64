"""The root helper's snapshots on a kernel with device-mapper. The helper runs in a guest, so this host's kernel does
not matter."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, SHAPE, SharedCase  # noqa: E402

ID = "abcdefghijkl"
# A Perl client for the helper, because the image has no socat.
ASK = r"""use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "/run/helper/helper.sock") or die $!;
$s->autoflush(1); print $s $ARGV[0], "\n"; print <$s>"""
SETUP = """set -e
modprobe -a loop dm-zero dm-snapshot
mkdir -p /etc/banger /srv/own && chmod 700 /srv/own
printf 'owner = "daemon"\\nroots = ["/srv/own"]\\n' > /etc/banger/install.toml
truncate -s 64M /srv/own/image && mke2fs -q -F -t ext4 /srv/own/image && truncate -s 300M /srv/own/disk
chmod 600 /srv/own/* && chown -R daemon: /srv/own
md5sum /srv/own/image > /root/before
(setsid /root/banger bangerd-root --socket /run/helper/helper.sock > /root/helper.log 2>&1 < /dev/null &)
for i in $(seq 200); do test -S /run/helper/helper.sock && exit 0; sleep 0.1; done; exit 1
"""


class DmSnapshot(SharedCase):
    config = "pool_size = 0\n"
    seeded = True

    def setUp(self):
        super().setUp()
        self.b.ok("vm", "create", "--name", "host", *SHAPE)
        self.b.ok("vm", "cp", str(BIN / "banger"), "host:/root/")
        self.sh(SETUP)

    def sh(self, script):
        return self.b.ok("vm", "exec", "host", "--", "sh", "-c", script)

    def ask(self, what, **arguments):
        request = json.dumps({"operation": f"storage.snapshot.{what}", "arguments": {"vm": ID, **arguments}})
        return json.loads(self.b.ok("vm", "exec", "host", "--", "perl", "-e", ASK, request))

    def create(self, mib=256, disk="/srv/own/disk"):
        return self.ask("create", image="/srv/own/image", disk=disk, size_bytes=mib * 2**20)

    def test_writes_go_to_the_disk_file_and_the_image_is_unchanged(self):
        device = f"/dev/banger/{ID}"
        self.assertEqual(self.create(), {"result": {"device": device}})
        self.assertEqual(self.sh(f"stat -c '%U %a %F' {device}"), "daemon 600 block special file\n")
        self.assertEqual(self.sh("cat /sys/block/dm-*/dm/name | sort").split(), [f"banger-{ID}", f"banger-{ID}-image"])
        self.sh(f"mkdir -p /mnt/x && mount {device} /mnt/x && dd if=/dev/urandom of=/mnt/x/big bs=1M count=30 "
                f"2>/dev/null && md5sum /mnt/x/big > /root/big")
        # A device in use is neither removed nor created again.
        self.assertEqual(self.ask("remove")["error"]["code"], "busy")
        self.assertEqual(self.create()["error"]["code"], "busy")
        self.sh("umount /mnt/x")
        for _ in range(2):
            self.assertEqual(self.ask("remove"), {"result": {}})
        self.assertEqual(self.sh("ls /dev/banger; ls -d /sys/block/dm-* /sys/block/loop*/loop 2>/dev/null; true"), "")
        # A copy of the file is an independent disk, even if it has grown.
        self.sh("cp /srv/own/disk /srv/own/copy && truncate -s 600M /srv/own/copy && chown daemon: /srv/own/copy")
        self.create(512, "/srv/own/copy")
        self.sh(f"mount {device} /mnt/x && md5sum -c /root/big && rm /mnt/x/big && umount /mnt/x")
        self.assertEqual(self.sh(f"blockdev --getsize64 {device}"), f"{512 * 2**20}\n")
        self.create()
        self.sh(f"mount {device} /mnt/x && md5sum -c /root/big && umount /mnt/x && md5sum -c /root/before")
        self.assertEqual(self.ask("remove"), {"result": {}})

    def test_a_failed_create_leaves_nothing_and_touches_no_other_device(self):
        self.sh("truncate -s 0 /srv/own/empty && chown daemon: /srv/own/empty")
        self.assertEqual(self.create(disk="/srv/own/empty")["error"]["code"], "invalid")
        self.sh("truncate -s 128M /srv/own/image")
        self.assertEqual(self.create(64)["error"]["code"], "invalid")
        self.assertEqual(self.sh("ls -d /sys/block/dm-* /sys/block/loop*/loop /dev/banger/* 2>/dev/null; true"), "")


if __name__ == "__main__":
    unittest.main()
