"""Images that are made from running VMs."""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import Case, wait_until  # noqa: E402
from marks import long  # noqa: E402

CHANGES = """set -e
printf changed > /etc/changed
cp /usr/bin/id /usr/local/bin/as-root
chmod 4755 /usr/local/bin/as-root
cp /usr/bin/id /usr/local/bin/capable
perl -e '$f = "/usr/local/bin/capable"; $n = "security.capability";
  $v = pack("H*", "0100000200200000000000000000000000000000"); syscall(188, $f, $n, $v, 20, 0) == 0 or die $!'
useradd --create-home --uid 4321 ann
ln /etc/changed /etc/changed-too
mknod /srv/zero c 1 5
truncate --size 3G /srv/holes
rm /etc/issue.net
printf notes > /root/notes
mkdir /root/.cache && printf cached > /root/.cache/file
sleep 1000 > /dev/null 2>&1 &
"""

LOOK = """set -e
cat /etc/changed; echo
stat -c '%a %U' /usr/local/bin/as-root
perl -e '$f = "/usr/local/bin/capable"; $n = "security.capability"; $v = "\\0" x 64;
  $size = syscall(191, $f, $n, $v, 64); print unpack("H*", substr($v, 0, $size)), "\\n"'
id -u ann; stat -c %U /home/ann
stat -c %h /etc/changed
stat -c '%F %t:%T' /srv/zero
stat -c '%s' /srv/holes
test ! -e /etc/issue.net && echo gone
cat /root/notes; echo
cat /root/.cache/file; echo
"""

SEEN = """changed
4755 root
0100000200200000000000000000000000000000
4321
ann
2
character special file 1:5
3221225472
gone
notes
cached
"""


class FromVm(Case):
    def setUp(self):
        super().setUp()
        self.name = f"devbox-{os.getpid()}"

    def sh(self, vm, script):
        return self.b.ok("vm", "exec", vm, "--", "sh", "-c", script)

    def test_a_running_vm_becomes_an_image_that_boots(self):
        self.b.ok("vm", "create", "--name", "web", "--env", "SECRET=of-web")
        self.sh("web", CHANGES)
        self.assertEqual(self.sh("web", LOOK), SEEN)
        image = self.b.json("image", "build", "--from-vm", "web", "--name", self.name)
        self.addCleanup(self.b.run, "image", "delete", image["id"])  # other stories share the images
        self.addCleanup(self.b.run, "vm", "delete", "--force", "web", "other")
        self.assertEqual(image["source"], "vm:web")
        self.sh("web", "pgrep -x sleep")  # it kept running
        for file in (image["rootfs"], image["work_seed"]):
            checked = subprocess.run(["/sbin/e2fsck", "-fn", file], stdout=subprocess.PIPE, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout)

        self.b.ok("vm", "create", "--name", "other", "--image", self.name, "--cold")
        self.assertEqual(self.sh("other", LOOK), SEEN)
        same = ("cat /etc/machine-id", "cat /etc/ssh/ssh_host_ed25519_key.pub", "hostname", "cat /etc/hostname")
        for command in same:
            with self.subTest(command):
                self.assertNotEqual(self.sh("web", command), self.sh("other", command))
        self.assertEqual(self.sh("other", "ls /etc/ssh/ssh_host_*_key"), "/etc/ssh/ssh_host_ed25519_key\n")
        self.assertEqual(self.sh("other", "grep -c web /etc/hosts || true"), "0\n")
        self.assertEqual(self.sh("other", "grep -r of-web /etc || true"), "")
        self.assertEqual(self.sh("other", "pgrep -x sleep || true"), "")
        self.assertEqual(self.b.leftovers(), [])

    def begin(self):
        """Starts to make an image, and returns the process and the directory that it fills."""
        images = pathlib.Path(self.b.env["XDG_DATA_HOME"]) / "banger" / "images"
        before = set(images.glob(".*.partial-*"))
        made = self.b.popen("image", "build", "--from-vm", "web", "--name", self.name, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
        self.addCleanup(made.communicate)
        self.addCleanup(made.kill)

        def staged():
            return [path for path in images.glob(".*.partial-*")
                    if path not in before and (path / "rootfs.ext4").exists()]
        wait_until(staged, "the guest's first files")
        return made, staged()

    @long
    def test_an_image_that_is_cut_short_leaves_nothing(self):
        self.b.ok("vm", "create", "--name", "web")
        made, staged = self.begin()
        made.send_signal(signal.SIGINT)
        self.assertEqual(made.wait(120), 130)
        wait_until(lambda: not any(path.exists() for path in staged), "the directory to go")
        self.sh("web", "true")  # the VM is as before

        made, staged = self.begin()
        self.b.ok("vm", "kill", "web")
        self.assertEqual(made.wait(120), 125)
        self.assertIn("web", made.stderr.read())
        wait_until(lambda: not any(path.exists() for path in staged), "the directory to go")
        self.assertNotEqual(self.b.run("image", "show", self.name).returncode, 0)

    def test_a_stopped_vm_is_refused(self):
        self.b.ok("vm", "create", "--name", "still", "--no-start")
        done = self.b.run("image", "build", "--from-vm", "still", "--name", self.name)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("still", done.stderr)
        self.assertIn("(hint: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
