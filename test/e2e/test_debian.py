"""The default image is a Debian as people know it: what they use on their first day is there and works."""
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, Case, SeededCase, SharedCase, wait_until  # noqa: E402
from marks import for_root, long  # noqa: E402

# The terminals of today's developers, most of which Debian's ncurses-base does not know.
TERMINALS = ["alacritty", "foot", "konsole-256color", "linux", "screen", "screen-256color", "tmux-256color",
             "vte-256color", "wezterm", "xterm", "xterm-256color", "xterm-ghostty", "xterm-kitty"]
TOOLS = ["bash", "bunzip2", "curl", "git", "jq", "killall", "less", "lsof", "nano", "nc", "ping", "ps", "rsync", "ssh",
         "sudo", "tic", "tmux", "unzip", "vi", "xz", "zstd"]


def needs_recovery(path):
    """Whether the journal of an ext4 holds something that was not written to its place."""
    done = subprocess.run(["dumpe2fs", "-h", path], capture_output=True, text=True, check=True)
    return "needs_recovery" in done.stdout


class Guest(SharedCase):
    """Stories that share one VM."""

    shape = ("--memory", "512M")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = False

    def setUp(self):
        super().setUp()
        if not type(self).made:
            type(self).made = True
            self.b.ok("vm", "create", "--name", "web", *self.shape)
        elif self.state() == "stopped":
            self.b.ok("vm", "start", "web")
        wait_until(lambda: self.b.json("vm", "show", "web")["system_ready"], "the guest's system to be up")

    def clean(self):
        """Keeps the VM for the next story."""

    def state(self):
        return self.b.json("vm", "show", "web")["state"]

    def sh(self, script, *options):
        return self.b.ok("vm", "exec", *options, "web", "--", "sh", "-c", script)

    def silent(self, script, *options):
        """The output of a script that must succeed without a word on stderr."""
        done = self.b.run("vm", "exec", *options, "web", "--", "sh", "-c", script)
        self.assertEqual((done.returncode, done.stderr), (0, ""), script)
        return done.stdout

    def assert_clean_disks(self):
        directory = pathlib.Path(self.b.json("vm", "show", "web")["directory"])
        for disk in ("system.img", "work.img"):
            self.assertFalse(needs_recovery(directory / disk), f"{disk} was not unmounted\n{self.console()}")

    def assert_clean_boot(self):
        """Asserts that neither the kernel nor journald found traces of a crash."""
        self.assertNotIn("recovery", self.sh("dmesg"))
        self.assertNotIn("uncleanly shut down", self.sh("journalctl --no-pager -b"))

    def console(self):
        return self.b.run("vm", "logs", "web").stdout[-3000:]


class Whole(Guest):
    config = "templates = false\n"

    def test_a_command_has_the_limits_of_a_login(self):
        for options in ((), ("--user", "nobody")):
            self.assertEqual(self.sh("ulimit -Sn; ulimit -Hn; umask", *options).split(), ["1024", "1048576", "0022"])
        locked = "prlimit --memlock --output SOFT,HARD --noheadings --raw --pid"
        self.assertEqual(self.sh(f"{locked} $$"), self.sh(f"{locked} 1"))

    def test_logind_and_user_sessions_work(self):
        self.assertEqual(self.silent("systemctl is-active systemd-logind dbus"), "active\nactive\n")
        self.silent("loginctl list-sessions --no-legend")
        self.silent("loginctl enable-linger root")
        manager = "XDG_RUNTIME_DIR=/run/user/0 systemctl --user"
        wait_until(lambda: "running" in self.sh(f"{manager} is-system-running 2>/dev/null || true"), "root's manager")
        self.silent("XDG_RUNTIME_DIR=/run/user/0 systemd-run --user --wait --quiet true")
        self.silent("loginctl disable-linger root")

    def test_systemd_starts_no_process_for_what_is_mounted_and_loaded(self):
        self.assertEqual(self.sh("systemctl show -P ConditionResult modprobe@fuse.service"), "no\n")
        self.assertEqual(self.sh("systemctl show -P ExecMount dev-mqueue.mount sys-kernel-tracing.mount").strip(), "")

    def test_nothing_that_people_use_is_masked_or_has_failed(self):
        masked = self.sh("systemctl list-unit-files --state=masked --no-legend --plain | cut -d' ' -f1").split()
        for unit in ("systemd-logind", "systemd-modules-load", "systemd-tmpfiles-clean", "dev-mqueue", "dev-hugepages",
                     "proc-sys-fs-binfmt_misc", "modprobe@"):
            self.assertEqual([name for name in masked if name.startswith(unit) and
                              name not in ("modprobe@drm.service", "modprobe@efi_pstore.service")], [])
        self.assertEqual(self.sh("systemctl --failed --no-legend --plain"), "")
        self.assertEqual(self.sh("findmnt -n -o FSTYPE /dev/mqueue; findmnt -n -o FSTYPE /dev/hugepages; "
                                 "ls /proc/sys/fs/binfmt_misc").split(),
                         ["mqueue", "hugetlbfs", "register", "status"])
        self.silent("systemctl start modprobe@loop.service && test -e /dev/loop-control")

    def test_alternatives_with_manual_pages_can_be_installed(self):
        self.silent("update-alternatives --quiet --install /usr/bin/t t /bin/true 1 "
                    "--slave /usr/share/man/man1/t.1.gz t.1.gz /etc/hostname")
        self.assertEqual(self.sh("cat /usr/share/man/man1/t.1.gz"), "web\n")
        self.assertNotIn("path-exclude", self.sh("cat /etc/dpkg/dpkg.cfg.d/*"))

    def test_the_host_name_resolves_to_the_guest_itself(self):
        self.assertEqual(self.sh("getent ahosts web | cut -d' ' -f1 | sort -u").split(), ["127.0.1.1"])
        try:
            self.sh("hostname other")
            self.assertIn("other", self.sh("getent hosts other"))
            self.silent("sudo true")
        finally:
            self.sh("hostname web")

    def test_ordinary_users_have_the_devices_that_udev_would_give_them(self):
        modes = self.sh("stat -c '%n %a %U:%G' /dev/fuse /dev/net/tun /dev/vda /dev/vdb /dev/null").splitlines()
        self.assertEqual(modes, ["/dev/fuse 666 root:root", "/dev/net/tun 666 root:root", "/dev/vda 660 root:disk",
                                 "/dev/vdb 660 root:disk", "/dev/null 666 root:root"])
        self.silent(": <>/dev/fuse && : <>/dev/net/tun", "--user", "nobody")

    def test_terminals_of_today_are_known(self):
        self.silent(f"for t in {' '.join(TERMINALS)}; do "
                    "test $(tput -T $t cols) = 80 && tput -T $t clear >/dev/null || echo $t >&2; done")

    def test_first_day_tools_are_there(self):
        self.assertEqual(self.silent(f"for t in {' '.join(TOOLS)}; do command -v $t >/dev/null || echo $t; done"), "")
        self.silent("cd /tmp && echo x >f && tar cJf f.tar.xz f && tar xJf f.tar.xz && tar cjf f.tbz f")
        self.silent("test -x $(command -v $(TERM=xterm git var GIT_EDITOR))")
        # Bash loads its completion at the first Tab only.
        self.assertIn("load_completion", self.sh("bash -ic 'complete -p -D'"))
        self.assertIn("_completion_loader", self.sh("bash -ic 'load_completion; complete -p -D'"))

    def test_an_ordinary_user_logs_in_over_ssh(self):
        self.sh("id dev 2>/dev/null || useradd -m -s /bin/bash dev; install -d -m 700 -o dev -g dev /home/dev/.ssh; "
                "rm -f /tmp/key /tmp/key.pub; ssh-keygen -q -t ed25519 -N '' -f /tmp/key; "
                "install -m 600 -o dev -g dev /tmp/key.pub /home/dev/.ssh/authorized_keys")
        words = self.sh("ssh -i /tmp/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
                        "dev@localhost 'id -un; ulimit -Sn; ulimit -Hn; echo $XDG_RUNTIME_DIR'").split()
        self.assertEqual(words, ["dev", "1024", "1048576", f"/run/user/{self.sh('id -u dev').strip()}"])

    def test_after_an_orderly_end_nothing_needs_to_be_recovered(self):
        # A command in /root keeps the work disk busy. The command ends before the disk is unmounted.
        busy = self.b.popen("vm", "exec", "--workdir", "/root", "web", "--", "sh", "-c", "echo ready; exec sleep 1000",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(busy.stdout.close)
        self.assertEqual(busy.stdout.readline(), b"ready\n")
        done = self.b.run("vm", "exec", "web", "--", "sh", "-c", "echo x >/root/x; echo x >/etc/x; poweroff")
        self.assertIn(done.returncode, (0, 128 + 1))  # the end of the guest may be faster than the shell
        self.assertEqual(done.stderr, "")
        self.assertEqual(busy.wait(timeout=180), 128 + 1)
        wait_until(lambda: self.state() == "stopped", "the guest to power off")
        self.assert_clean_disks()
        self.assertNotIn("Failed unmounting", self.console())
        self.b.ok("vm", "start", "web")
        wait_until(lambda: self.b.json("vm", "show", "web")["system_ready"], "the guest's system to be up")
        self.assert_clean_boot()
        self.assertEqual(self.sh("cat /root/x /etc/x"), "x\nx\n")
        self.b.ok("vm", "stop", "web")
        self.assert_clean_disks()

    def test_a_halted_guest_is_stopped(self):
        self.b.run("vm", "exec", "web", "--", "systemctl", "halt")
        wait_until(lambda: self.state() == "stopped", "the halted guest to stop")
        self.assert_clean_disks()


class Clone(Guest):
    config = "pool_size = 0\n"
    seeded, shape = True, SHAPE

    def test_a_clone_keeps_its_journal_and_ends_cleanly(self):
        self.assertEqual(self.b.json("vm", "show", "web")["way"], "clone")
        self.sh("logger -t story written-before")
        wait_until(lambda: "written-before" in self.sh("journalctl --no-pager -t story"), "the entry in the journal")
        for _ in range(2):
            self.b.ok("vm", "stop", "web")
            self.assert_clean_disks()
            self.b.ok("vm", "start", "web")
            wait_until(lambda: self.b.json("vm", "show", "web")["system_ready"], "the guest's system to be up")
            self.assert_clean_boot()
            self.assertIn("written-before", self.sh("journalctl --no-pager -t story"))


class NameServer(threading.Thread):
    """A name server on 127.0.0.1 that answers every question with 192.0.2.1."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            question = query[12:query.index(b"\0", 12) + 5]
            is_address = question[-4:-2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" if is_address else b""
            head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_address else b"\0\0") + bytes(4)
            self.socket.sendto(head + question + answer, peer)


@for_root
class Resolvers(SeededCase):
    """A host with several name servers, of which the first does not answer."""

    def test_a_guest_asks_the_next_name_server_and_knows_the_search_domains(self):
        try:
            NameServer().start()
        except OSError as error:
            self.skipTest(f"port 53 of 127.0.0.1: {error}")
        conf = self.b.root / "resolv.conf"
        conf.write_text("nameserver 127.0.0.99\nnameserver 127.0.0.1\nnameserver 192.0.2.7\nsearch one.test two.test\n")
        self.b.prefix = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(conf)]
        self.b.ok("vm", "create", "--name", "web", "--network", "user", *SHAPE)
        self.assertEqual(self.b.ok("vm", "exec", "web", "--", "cat", "/etc/resolv.conf"),
                         "nameserver 10.0.2.3\nnameserver 10.0.2.2\nnameserver 192.0.2.7\nsearch one.test two.test\n")
        self.assertEqual(self.b.ok("vm", "exec", "web", "--", "getent", "ahostsv4", "short").split()[0], "192.0.2.1")


@long
class Packages(Case):
    """What a developer installs in the first week. Needs the package sources of this host, and many minutes."""

    def test_large_packages_install_from_apt_and_start(self):
        b = self.b
        b.ok("vm", "create", "--name", "web", "--memory", "1G", "--system-size", "6G")

        def sh(script):
            return b.ok("vm", "exec", "--env", "DEBIAN_FRONTEND=noninteractive", "web", "--", "sh", "-c", script,
                        timeout=3600)
        wait_until(lambda: b.json("vm", "show", "web")["system_ready"], "the guest's system to be up")
        sh("apt-get -q update")
        sh("apt-get -qy install openjdk-17-jre-headless postgresql nginx python3-venv build-essential docker.io")
        self.assertIn("17.", sh("java -version 2>&1"))
        sh("cd /tmp && printf 'int main(void){return 7;}' >p.c && cc p.c -o p && { ./p; test $? = 7; }")
        self.assertEqual(sh("python3 -m venv /tmp/v && /tmp/v/bin/python -c 'print(6 * 7)'"), "42\n")
        self.assertIn("nginx", sh("systemctl start nginx && curl -s http://localhost/"))
        wait_until(lambda: b.run("vm", "exec", "web", "--", "pg_isready").returncode == 0, "PostgreSQL to be ready")
        self.assertEqual(sh("runuser -u postgres -- psql -Atc 'select 6 * 7'"), "42\n")
        self.assertIn("overlay2", sh("systemctl start docker && docker info --format '{{.Driver}}'"))
        sh("tar -C / -c bin lib lib64 usr/bin/true usr/lib64 usr/lib/x86_64-linux-gnu | docker import - own && "
           "docker run --rm own true")
        self.assertEqual(sh("systemctl --failed --no-legend --plain"), "")
        self.assertEqual(sh("dpkg --audit"), "")


if __name__ == "__main__":
    unittest.main()
