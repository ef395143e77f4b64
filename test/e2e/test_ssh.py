"""SSH into guests with the host's own OpenSSH: vm ssh, ssh-config, and the programs that run ssh."""
import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import BIN, ShapedCase, free_port, wait_until  # noqa: E402
from marks import for_both, long  # noqa: E402

ODD = "a file with spaces"
BYTES = bytes(range(256)) * 400


class Ssh(ShapedCase):
    config = "pool_size = 0\n"

    def setUp(self):
        super().setUp()
        self.create("web")
        self.place = self.b.root / "place"
        self.place.mkdir(exist_ok=True)
        # ssh finds its files by the account and not by HOME, so the stories name the file.
        self.settings = self.b.root / ".ssh" / "config"

    def install(self):
        self.b.ok("ssh-config", "--install")

    def host(self, *argv, status=0, **kwargs):
        """Runs a program of the host in the test's own home."""
        done = subprocess.run(argv, env=self.b.env | {"GIT_SSH_COMMAND": f"ssh -F {self.settings}"}, cwd=self.place,
                              capture_output=True, timeout=600, **kwargs)
        self.assertEqual(done.returncode, status, f"{argv}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def ssh(self, *argv, **kwargs):
        return self.host("ssh", "-F", str(self.settings), *argv, **kwargs)

    @for_both
    def test_ssh_and_the_programs_that_run_it_find_a_vm_by_name(self):
        self.install()
        self.assertEqual(self.ssh("web.vm", "echo out; echo err >&2; exit 7", status=7), b"out\n")
        self.assertEqual(self.ssh("web.vm", "cat", input=BYTES), BYTES)
        for program in ("scp", "sftp", "rsync", "git"):
            with self.subTest(program):
                getattr(self, "use_" + program)()

    def use_scp(self):
        (self.place / ODD).write_bytes(BYTES)
        self.host("scp", "-F", str(self.settings), ODD, "web.vm:/root/by-scp")
        self.host("scp", "-F", str(self.settings), "web.vm:/root/by-scp", "back")
        self.assertEqual((self.place / "back").read_bytes(), BYTES)

    def use_sftp(self):
        (self.place / "mine").write_bytes(BYTES)
        self.host("sftp", "-F", str(self.settings), "-b", "-", "web.vm", input=b"put mine\nget mine again\n")
        self.assertEqual((self.place / "again").read_bytes(), BYTES)

    def use_rsync(self):
        (self.place / "tree" / "inner").mkdir(parents=True)
        (self.place / "tree" / "inner" / ODD).write_bytes(BYTES)
        self.host("rsync", "-a", "-e", f"ssh -F {self.settings}", "tree/", "web.vm:/root/tree/")
        self.host("rsync", "-a", "-e", f"ssh -F {self.settings}", "web.vm:/root/tree/", "copy/")
        self.assertEqual((self.place / "copy" / "inner" / ODD).read_bytes(), BYTES)

    def use_git(self):
        self.sh("web", "git init -q -b main /root/repo && cd /root/repo && echo one >file && git add file && "
                       "git -c user.name=a -c user.email=a@b commit -qm one")
        self.host("git", "clone", "-q", "ssh://web.vm/root/repo", "clone")
        self.assertEqual((self.place / "clone" / "file").read_text(), "one\n")
        self.host("git", "-C", "clone", "push", "-q", "origin", "main:refs/heads/theirs")
        self.assertIn("theirs", self.sh("web", "git -C /root/repo branch"))

    def test_ports_and_the_agent_are_forwarded(self):
        self.install()
        port = free_port()
        forward = subprocess.Popen(["ssh", "-F", str(self.settings), "-N", "-o", "ExitOnForwardFailure=yes",
                                    "-L", f"127.0.0.1:{port}:localhost:22", "web.vm"], env=self.b.env,
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(forward.wait)
        self.addCleanup(forward.kill)
        banner = []

        def answers():
            self.assertIsNone(forward.poll())
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
                    banner[:] = [peer.recv(8)]
            except OSError:
                return False
            return banner[0]
        wait_until(answers, "the forwarded port to answer")
        self.assertEqual(banner, [b"SSH-2.0-"])
        key = self.b.state / "ssh" / "id_ed25519"
        seen = self.host("ssh-agent", "sh", "-c", f"ssh-add -q {key} && ssh -A -F {self.settings} web.vm ssh-add -l")
        self.assertIn(b"ED25519", seen)

    def test_vm_ssh_needs_no_settings_and_lets_only_the_owner_in(self):
        b = self.b
        (b.root / ".ssh").mkdir(exist_ok=True)
        self.settings.write_text("Host *\n  ProxyCommand false\n")
        done = b.run("vm", "ssh", "web", "--", "echo out; echo err >&2; id -un; exit 3")
        self.assertEqual((done.returncode, done.stdout), (3, "out\nroot\n"), done.stderr)
        self.assertIn("err\n", done.stderr)
        self.assertEqual(self.settings.read_text(), "Host *\n  ProxyCommand false\n")
        self.settings.unlink()
        self.assertEqual(self.sh("web", "stat -c '%a %U:%G' /root /root/.ssh /root/.ssh/authorized_keys"),
                         "755 root:root\n700 root:root\n600 root:root\n")
        rules = self.sh("web", "mkdir -p /run/sshd; sshd -T").splitlines()
        for rule in ("permitrootlogin without-password", "pubkeyauthentication yes", "passwordauthentication no",
                     "kbdinteractiveauthentication no", "strictmodes yes",
                     "authorizedkeysfile /root/.ssh/authorized_keys .ssh/authorized_keys"):
            self.assertIn(rule, rules)
        stranger = self.place / "stranger"
        self.host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger))
        self.install()
        self.host("ssh", "-F", "/dev/null", "-i", str(stranger), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                  "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                  "-o", f"ProxyCommand={self.program()} vm tunnel web 22", "root@web.vm", "true", status=255)

    def program(self):
        line = (self.b.state / "ssh" / "config").read_text().split("ProxyCommand ")[1]
        return line.split(" vm tunnel")[0]

    @long
    def test_keys_of_the_guest_stay_over_a_restart(self):
        b = self.b
        self.sh("web", "echo 'ssh-ed25519 AAAA mine' >>/root/.ssh/authorized_keys")
        b.ok("vm", "stop", "web")
        # ssh starts a stopped VM.
        self.assertEqual(b.ok("vm", "ssh", "web", "--", "grep -c . /root/.ssh/authorized_keys"), "4\n")
        self.assertIn("AAAA mine", self.sh("web", "cat /root/.ssh/authorized_keys"))

    def test_a_host_key_belongs_to_one_vm(self):
        b = self.b
        first = b.ok("vm", "ssh", "web", "--", "cat /etc/ssh/ssh_host_ed25519_key.pub")
        b.ok("vm", "fork", "web", "--name", "child")
        child = b.ok("vm", "ssh", "child", "--", "hostname; cat /etc/ssh/ssh_host_ed25519_key.pub")
        self.assertTrue(child.startswith("child\n"))
        self.assertNotIn(first, child)
        b.ok("vm", "delete", "--force", "web")
        self.create("web")
        again = b.run("vm", "ssh", "web", "--", "cat /etc/ssh/ssh_host_ed25519_key.pub")
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertNotEqual(again.stdout, first)
        self.sh("web", "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key")
        self.fails(255, "vm", "ssh", "web", "--", "true", says="REMOTE HOST IDENTIFICATION HAS CHANGED")


class WithoutServer(BareCase):
    """The agent is the server: a guest with nothing but busybox."""

    def host(self, *argv, **kwargs):
        place = self.b.root / "place"
        place.mkdir(exist_ok=True)
        return subprocess.run(argv, env=self.b.env, cwd=place, capture_output=True, timeout=600, **kwargs)

    def test_ssh_scp_sftp_and_ports_work_in_a_bare_guest(self):
        b = self.b
        b.ok("vm", "create", "--name", "plain", "--image", "bare")
        done = b.run("vm", "ssh", "plain", "--", "echo", "'a  b'", "; echo err >&2; exit 4")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (4, "a  b\n", "err\n"))
        done = b.run("vm", "ssh", "plain", stdin=b"echo $((6*7))\n")
        self.assertEqual((done.returncode, done.stdout), (0, "42\n"), done.stderr)
        b.ok("ssh-config", "--install")
        settings = str(b.root / ".ssh" / "config")
        (b.root / "place").mkdir(exist_ok=True)
        (b.root / "place" / ODD).write_bytes(BYTES)
        done = self.host("scp", "-p", "-F", settings, ODD, "plain.vm:/root/by scp")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.host("sftp", "-F", settings, "-b", "-", "plain.vm",
                         input=b'get "/root/by scp" back\nmkdir /root/new\nput back /root/new/again\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((b.root / "place" / "back").read_bytes(), BYTES)
        self.assertEqual(b.ok("vm", "exec", "plain", "--", "cmp", "/root/by scp", "/root/new/again"), "")
        b.ok("vm", "exec", "plain", "--", "sh", "-c",
             "nc -ll -p 7000 -e echo hello </dev/null >/dev/null 2>&1 &")

        def greets():
            done = self.host("ssh", "-F", settings, "-W", "127.0.0.1:7000", "plain.vm", stdin=subprocess.DEVNULL)
            return done.stdout == b"hello\n"
        wait_until(greets, "the forwarded port to greet")
        done = self.host("ssh", "-F", settings, "-tt", "plain.vm", "tty -s && echo $TERM", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"\r\n", done.stdout)

    def test_only_the_owner_and_only_users_of_the_guest_get_in(self):
        b = self.b
        b.ok("vm", "create", "--name", "closed", "--image", "bare")
        b.ok("ssh-config", "--install")
        settings = str(b.root / ".ssh" / "config")
        done = self.host("ssh", "-F", settings, "nosuch@closed.vm", "id", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 255)
        self.assertIn(b"Permission denied (publickey)", done.stderr)
        self.host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "stranger")
        done = self.host("ssh", "-F", "/dev/null", "-i", "stranger", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                         "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                         "-o", f"ProxyCommand={BIN}/banger vm tunnel closed 22", "root@closed.vm", "id",
                         stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 255)
        b.ok("vm", "exec", "closed", "--", "sh", "-c",
             "mkdir -p /home/me/.ssh; cp /root/.ssh/authorized_keys /home/me/.ssh/; chown -R 7:7 /home/me; "
             "echo me:x:7:7::/home/me:/bin/sh >>/etc/passwd")
        done = self.host("ssh", "-F", settings, "me@closed.vm", "id -u; pwd; touch /root/no", stdin=subprocess.DEVNULL)
        self.assertEqual(done.stdout, b"7\n/home/me\n", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        done = self.host("sftp", "-F", settings, "-b", "-", "me@closed.vm", input=b"mkdir /root/no\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"Permission denied", done.stderr)


if __name__ == "__main__":
    unittest.main()
