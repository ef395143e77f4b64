"""The main tasks of a user, in a real Debian guest with systemd."""
import hashlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, CLOCK_SLACK, Case, SharedCase, alive, clock_error, wait_until  # noqa: E402
from marks import as_root  # noqa: E402


def tree(root):
    """Returns everything that cp must preserve: names, types, modes, link targets and contents."""
    root = pathlib.Path(os.fsencode(root).decode(errors="surrogateescape"))
    found = {}
    for path in sorted(root.rglob("*")):
        key = os.fsencode(str(path.relative_to(root)))
        info = path.lstat()
        if path.is_symlink():
            found[key] = ("link", os.readlink(os.fsencode(str(path))))
        elif path.is_dir():
            found[key] = ("dir", info.st_mode & 0o7777)
        else:
            found[key] = ("file", info.st_mode & 0o7777, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def odd_tree(root):
    """Makes a directory with names and file types that break careless tools."""
    root.mkdir()
    (root / "plain.txt").write_text("hello\n")
    (root / "with space and 'quote'").write_bytes(b"x" * 100_000)
    (root / "new\nline").write_text("n")
    (root / "empty").mkdir(mode=0o750)
    with open(os.path.join(os.fsencode(str(root)), b"not-utf8-\xff\xfe"), "wb") as f:
        f.write(os.urandom(5000))
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "script").write_text("#!/bin/sh\n")
    (root / "deep" / "er" / "script").chmod(0o755)
    (root / "deep" / "secret").write_text("s")
    (root / "deep" / "secret").chmod(0o600)
    (root / "dangling").symlink_to("/nowhere/at/all")
    (root / "sideways").symlink_to("deep/er/script")
    (root / "zero").write_bytes(b"")


class MainJob:
    """Tests for both ways of starting a VM: by a boot, and as a clone of a template."""

    def test_run_rm_returns_the_guests_output_and_exit_code_and_leaves_nothing(self):
        done = self.b.run("vm", "run", "--rm", "--", "uname", "-a")
        self.assertEqual(done.returncode, 0, done.stderr + self.b.log())
        self.assertIn("Linux", done.stdout)
        self.assertNotIn(os.uname().release, done.stdout)  # the guest's kernel, not the host's
        self.assertIn("spec: ", done.stderr)
        done = self.b.run("vm", "run", "--rm", "--", "sh", "-c", "exit 42")
        self.assertEqual(done.returncode, 42, done.stderr)
        self.assertNotIn("still running", done.stderr)
        self.assertEqual(self.b.json("vm", "list"), [])
        self.assert_nothing_left()

    def test_a_vm_from_create_to_delete(self):
        b = self.b
        b.ok("vm", "create", "--name", "web")
        done = b.run("vm", "exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "out\n", "err\n"))

        source = b.root / "source"
        odd_tree(source)
        b.ok("vm", "cp", str(source), "web:/root/")
        b.ok("vm", "cp", "web:/root/source", str(b.root / "back"))
        self.assertEqual(tree(b.root / "back"), tree(source))
        self.assertEqual(b.ok("vm", "exec", "web", "--", "stat", "-c", "%U:%G %a",
                              "/root/source/deep/er/script").strip(), "root:root 755")

        b.ok("vm", "exec", "web", "--", "sh", "-c", "echo kept >/root/x; echo kept >/etc/x")
        boot = b.ok("vm", "exec", "web", "--", "cat", "/proc/sys/kernel/random/boot_id")
        b.ok("vm", "stop", "web")
        self.assertEqual(b.json("vm", "show", "web")["state"], "stopped")
        self.assertEqual(b.machines(), [])
        b.ok("vm", "start", "web")
        self.assertEqual(b.ok("vm", "exec", "web", "--", "cat", "/root/x", "/etc/x"), "kept\nkept\n")
        self.assertNotEqual(b.ok("vm", "exec", "web", "--", "cat", "/proc/sys/kernel/random/boot_id"), boot)

        machine = b.machines()
        b.kill_daemon()
        self.assertEqual(b.machines(), machine)
        self.assertEqual(b.ok("vm", "exec", "web", "--", "echo", "still here"), "still here\n")
        self.assertEqual(b.machines(), machine)
        self.assertTrue(any("adopted" in text for text in b.json("daemon", "status")["recovered"]))

        self.fails(125, "vm", "delete", "web", says=["web", "--force"])
        b.ok("vm", "delete", "--force", "web")
        self.assert_nothing_left()
        self.assertFalse(alive(machine[0]))

    def test_exec_carries_stdin_signals_tty_users_and_directories(self):
        b = self.b
        b.ok("vm", "create", "--name", "x", "--env", "GREETING=hi there")
        data = os.urandom(3_000_000)
        done = b.run("vm", "exec", "-i", "x", "--", "sha256sum", stdin=data)
        self.assertEqual(done.stdout.split()[0], hashlib.sha256(data).hexdigest())
        done = b.run("vm", "exec", "x", "--", "head", "-c", "3000000", "/dev/zero", text=False)
        self.assertEqual(done.stdout, b"\0" * 3_000_000)
        self.assertEqual(b.ok("vm", "exec", "x", "--", "sh", "-c", "echo $GREETING"), "hi there\n")
        self.assertEqual(b.ok("vm", "exec", "--env", "A=1 2", "--workdir", "/usr", "x", "--", "sh", "-c",
                              "echo $A; pwd"), "1 2\n/usr\n")
        self.assertEqual(b.ok("vm", "exec", "--user", "nobody", "x", "--", "id", "-un"), "nobody\n")
        self.fails(127, "vm", "exec", "x", "--", "no-such-command", says="no-such-command")
        self.fails(126, "vm", "exec", "x", "--", "/etc/passwd", says="/etc/passwd")
        self.assertEqual(b.run("vm", "exec", "x", "--", "sh", "-c", "kill -TERM $$").returncode, 143)

        # SIGINT goes to the guest's command, which handles it.
        p = b.popen("vm", "exec", "x", "--", "sh", "-c",
                    "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done",
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.stdout.read(), b"caught\n")
        self.assertEqual(p.wait(timeout=180), 5)
        p.stdout.close(), p.stderr.close()

        # If a stream of the client is closed or full, that is an error of the client, not of the guest.
        def redirected(redirection, *command):
            script = f'exec "$0" vm exec x -- "$@" {redirection}'
            return subprocess.run(["sh", "-c", script, BIN / "banger", *command], env=b.env, timeout=180, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        done = redirected("<&-", "cat")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(redirected("2>&-", "sh", "-c", "echo e >&2; exit 3").returncode, 3)
        for redirection, why in ((">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")):
            done = redirected(redirection, "echo", "hi")
            self.assertEqual((done.returncode, done.stderr), (125, f"banger: write to standard output: {why}\n"))

        # If the client is killed, its command ends.
        p = b.popen("vm", "exec", "x", "--", "sh", "-c", "echo $$; exec sleep 1000", stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE)
        pid = p.stdout.readline().decode().strip()
        p.kill()
        p.wait()
        p.stdout.close()
        wait_until(lambda: b.run("vm", "exec", "x", "--", "test", "-d", f"/proc/{pid}").returncode == 1,
                   "the command to end")

    def test_the_guest_is_a_complete_debian(self):
        b = self.b
        b.ok("vm", "create", "--name", "whole", "--memory", "512M", "--disk-size", "2G", "--system-size", "3G")
        self.assertEqual(b.ok("vm", "exec", "whole", "--", "hostname"), "whole\n")
        self.assertRegex(b.ok("vm", "exec", "whole", "--", "cat", "/etc/machine-id"), r"^[0-9a-f]{32}\n$")
        sizes = b.ok("vm", "exec", "whole", "--", "df", "-B1", "--output=target,size", "/", "/root").split("\n")
        size = {line.split()[0]: int(line.split()[1]) for line in sizes[1:] if line}
        self.assertGreater(size["/"], 2.7 * 2**30)
        self.assertGreater(size["/root"], 1.8 * 2**30)
        bridged = b.json("vm", "show", "whole")["network"] == "bridge"
        address, gateway = ("172.16.0.", "via 172.16.0.1") if bridged else ("10.0.2.15", "via 10.0.2.2")
        self.assertIn(address, b.ok("vm", "exec", "whole", "--", "ip", "-4", "addr"))
        self.assertIn(gateway, b.ok("vm", "exec", "whole", "--", "ip", "route"))
        error = clock_error(lambda: int(b.ok("vm", "exec", "whole", "--", "date", "+%s%N")) / 1e9)
        self.assertLess(error, CLOCK_SLACK)
        wait_until(lambda: b.json("vm", "show", "whole")["system_ready"], "the guest's system to be up")
        self.assertIn(b.ok("vm", "exec", "whole", "--", "sh", "-c", "systemctl is-system-running || true").strip(),
                      ("running", "degraded"))
        # Kernel modules that container engines need are loaded on demand.
        b.ok("vm", "exec", "whole", "--", "sh", "-c",
             "ip link add br0 type bridge && modprobe br_netfilter && modprobe nft_masq && ip link delete br0")
        failed = b.ok("vm", "exec", "whole", "--", "systemctl", "--failed", "--no-legend", "--plain")
        self.assertEqual(failed, "")
        self.assertEqual(b.json("vm", "show", "whole")["way"], self.way)
        stages = [s["name"] for s in b.json("vm", "show", "whole")["stages"]]
        for stage in ("disks", "config", "vmm", *self.stages):
            self.assertIn(stage, stages)
        stats = b.json("vm", "stats", "whole")[0]
        self.assertGreater(stats["memory_total_bytes"], 300 << 20)
        self.assertGreater(stats["metrics"]["disk_reads"], 0)
        ports = b.json("vm", "ports", "whole")
        self.assertTrue(any(p["port"] == 22 and p["process"] in ("sshd", "systemd") for p in ports), ports)
        self.assertIn("banger", b.ok("vm", "logs", "whole"))
        # If the guest powers itself off, the VM is stopped without an error.
        b.run("vm", "exec", "whole", "--", "systemctl", "poweroff")
        wait_until(lambda: b.json("vm", "show", "whole")["state"] == "stopped", "the guest to power off")
        self.assertEqual(b.json("vm", "show", "whole")["last_error"], "")


@as_root
class Booted(MainJob, Case):
    way, stages = "cold", ["boot"]


class Cloned(MainJob, SharedCase):
    way, stages = "clone", ["agent", "identity"]
    config = "pool_size = 0\n"

    def test_a_copy_follows_links_to_directories_and_never_changes_file_types(self):
        b = self.b
        b.ok("vm", "create", "--name", "kinds")
        guest = lambda script: b.ok("vm", "exec", "kinds", "--", "sh", "-c", script)  # noqa: E731
        tool = b.root / "tool"
        tool.write_text("#!/bin/sh\necho works\n")
        tool.chmod(0o755)
        (b.root / "dir").mkdir()
        (b.root / "dir" / "f").write_text("inside\n")
        for target in ("/bin", "/sbin/", "/sbin/other"):
            b.ok("vm", "cp", str(tool), f"kinds:{target}")
        b.ok("vm", "cp", str(b.root / "dir"), "kinds:/sbin")
        tools = "/usr/bin/tool; /usr/sbin/tool; /usr/sbin/other"
        self.assertEqual(guest(f"readlink /bin /sbin; {tools}; cat /usr/sbin/dir/f"),
                         "usr/bin\nusr/sbin\nworks\nworks\nworks\ninside\n")
        guest("mkdir /srv/real; ln -s real /srv/current; echo one >/srv/real/one")
        b.ok("vm", "cp", "kinds:/bin/tool", "kinds:/srv/current")
        b.ok("vm", "cp", "kinds:/srv/current/.", str(b.root / "out"))
        self.assertEqual(sorted(os.listdir(b.root / "out")), ["one", "tool"])

        guest("cd /root; mknod full c 1 7; mkfifo pipe; echo old >file; ln -s file link; ln file again")
        b.ok("vm", "cp", str(tool), "kinds:/dev/null")
        self.fails(125, "vm", "cp", str(tool), "kinds:full", says="No space left")
        self.fails(125, "vm", "cp", str(tool), "kinds:pipe", says="a FIFO of this name exists already")
        b.ok("vm", "cp", str(tool), "kinds:link")
        self.assertEqual(guest("cd /root; stat -c '%n %F %h' /dev/null full pipe link file; sh again"),
                         "/dev/null character special file 1\nfull character special file 1\npipe fifo 1\n"
                         "link symbolic link 1\nfile regular file 2\nworks\n")
        guest("echo 1234 >/root/value")
        b.ok("vm", "cp", "kinds:value", "kinds:/proc/sys/vm/admin_reserve_kbytes")
        self.assertEqual(guest("cat /proc/sys/vm/admin_reserve_kbytes"), "1234\n")

        here = b.root / "here"
        here.mkdir()
        (here / "file").write_text("old")
        (here / "link").symlink_to("file")
        os.mkfifo(here / "pipe")
        reader = os.open(here / "pipe", os.O_RDWR)
        self.addCleanup(os.close, reader)
        for name in ("link", "pipe"):
            b.ok("vm", "cp", "kinds:value", str(here / name))
        self.assertEqual(os.read(reader, 100), b"1234\n")
        self.assertEqual((here / "file").read_text(), "1234\n")
        self.assertTrue((here / "link").is_symlink())

    def test_a_copy_is_what_a_reader_gets_and_names_the_rest(self):
        b = self.b
        b.ok("vm", "create", "--name", "odd")
        guest = lambda script: b.ok("vm", "exec", "odd", "--", "sh", "-c", script)  # noqa: E731
        for path in ("/proc/version", "/sys/class/net/lo/mtu"):
            got = b.root / f"got-{pathlib.Path(path).name}"  # /proc/version is 0444: a user may not write over its copy
            b.ok("vm", "cp", f"odd:{path}", str(got))
            self.assertEqual(got.read_text(), guest(f"cat {path}"))
            b.ok("vm", "cp", f"odd:{path}", "odd:/root/got")
            self.assertEqual(guest("cat /root/got"), guest(f"cat {path}"))
        b.ok("vm", "cp", "/proc/version", "odd:/root/got")
        self.assertEqual(guest("cat /root/got"), pathlib.Path("/proc/version").read_text())

        self.fails(125, "vm", "cp", "odd:/run", str(b.root / "run"),
                   says="left out odd:/run/systemd/notify: it is a socket")
        self.assertTrue((b.root / "run" / "systemd" / "units").is_dir() or (b.root / "run" / "utmp").exists())
        guest("mkdir /root/t; cd /root/t; echo a >z; mknod n c 1 3; mkfifo p; chmod 1777 .")
        self.fails(125, "vm", "cp", "odd:t", "odd:u", says="left out odd:/root/t/n: it is a device")
        self.assertEqual(guest("cd /root/u; stat -c '%n %a %F' . *"),
                         ". 1777 directory\np 644 fifo\nz 644 regular file\n")

        guest("mkdir /root/set; cd /root/set; cp /bin/true su; chown 1234:1234 su; chmod 4755 su")
        b.ok("vm", "cp", "odd:set", "odd:kept")
        self.assertEqual(guest("stat -c '%a %u %g' /root/kept/su"), "4755 1234 1234\n")
        b.ok("vm", "cp", "odd:set/su", str(b.root / "su"))
        self.assertEqual((b.root / "su").stat().st_mode & 0o7777, 0o755)

    def test_a_copy_that_is_killed_leaves_nothing_under_the_name(self):
        b = self.b
        b.ok("vm", "create", "--name", "cut")
        names = lambda: b.ok("vm", "exec", "cut", "--", "ls", "-A", "/root/in").split()  # noqa: E731
        b.ok("vm", "exec", "cut", "--", "mkdir", "/root/in")
        (b.root / "tree").mkdir(exist_ok=True)
        (b.root / "tree" / "f").write_bytes(os.urandom(3_000_000))
        tar = subprocess.run(["tar", "-C", str(b.root), "-c", "tree"], stdout=subprocess.PIPE, check=True).stdout

        def begin():
            copy = b.popen("vm", "cp", "-", "cut:/root/in", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            copy.stdin.write(tar[:2_000_000])
            copy.stdin.flush()
            wait_until(lambda: any(name.startswith(".banger-cp-") for name in names()), "the upload to begin")
            return copy

        def end(copy):
            copy.kill()
            copy.wait()
            copy.stdin.close()
            wait_until(lambda: names() == [], "the guest to remove what came")

        end(begin())

        copy = begin()
        b.run("vm", "exec", "cut", "--", "sh", "-c", "kill -9 $(pidof banger-agent)")
        end(copy)

        copy = begin()
        b.ok("vm", "exec", "cut", "--", "sync")
        b.ok("vm", "kill", "cut")
        b.ok("vm", "start", "cut")
        end(copy)

        b.ok("vm", "exec", "cut", "--", "sh", "-c", "head -c 2000000 /dev/urandom >/root/large")
        here = b.root / "limited"
        here.mkdir()
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))  # noqa: E731
        copy = b.popen("vm", "cp", "cut:large", str(here), preexec_fn=limit, stderr=subprocess.PIPE)
        self.assertIn(b"File too large", copy.communicate()[1])
        self.assertEqual(copy.returncode, 125)
        self.assertEqual(list(here.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
