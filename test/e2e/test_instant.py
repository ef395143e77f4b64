"""Templates, clones, the ready pool, suspended VMs, snapshots and forks, with real guests."""
import concurrent.futures
import errno
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import DATA, SHAPE, Banger, Case, ShapedCase, wait_until  # noqa: E402
from marks import LONG, for_both, for_root, long, sample  # noqa: E402

COUNTER = ("i=0; while :; do i=$((i+1)); echo $i > /root/count.new && mv /root/count.new /root/count; "
           "sleep 0.05; done")
BLOCK = 1 << 20


def sha256(path):
    """Returns a digest of the file's size and of its blocks that are not zero. Skips holes, which are many GiB."""
    digest, at = hashlib.sha256(str(os.path.getsize(path)).encode()), 0
    with open(path, "rb") as file:
        while True:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError as error:
                if error.errno == errno.ENXIO:  # only a hole is left
                    return digest.hexdigest()
                raise
            block = os.pread(file.fileno(), BLOCK, at)
            if block.strip(b"\0"):
                digest.update(b"%d\n" % at + block)
            at += BLOCK


class Instant(ShapedCase):
    config = "pool_size = 0\n"

    def start_counter(self, vm):
        self.sh(vm, f"({COUNTER}) >/dev/null 2>&1 </dev/null &")
        wait_until(lambda: self.count(vm) > 1, "the counter to start")

    def count(self, vm):
        return int(self.sh(vm, "cat /root/count 2>/dev/null || echo 0"))

    def saves(self, kind):
        db = sqlite3.connect(f"file:{self.b.state}/banger.db?mode=ro", uri=True)
        try:
            return [row[0] for row in db.execute("SELECT id FROM saves WHERE kind = ? AND ready = 1", (kind,))]
        finally:
            db.close()

    def template_file(self, name):
        return self.b.state / "saves" / self.saves("template")[0] / name

    def saves_on_disk(self):
        return sorted(p.name for p in (self.b.state / "saves").iterdir())

    def assert_only_templates_are_kept(self):
        wait_until(lambda: self.saves_on_disk() == sorted(self.saves("template")), "saved states to be removed")
        self.assertEqual(self.b.leftovers(), [])


class BareInstant(Instant, BareCase):
    """Stories that boot often, and for which any guest will do. The image `bare` boots in a third of the time."""

    shape = (*SHAPE, "--image", "bare")

    @classmethod
    def setUpClass(cls):
        super(Case, cls).setUpClass()  # that of BareCase
        cls.shared = cls.b


class Clones(Instant):
    def test_many_clones_share_nothing_but_the_template(self):
        self.create("first")
        before = {name: sha256(self.template_file(name))
                  for name in ("memory.img", "devices.state", "system.img", "work.img")}
        self.b.ok("vm", "delete", "--force", "first")
        names = [f"clone-{i}" for i in range(20 if LONG else 8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(self.create, names))
        self.assertEqual({vm["way"] for vm in made}, {"clone"})
        script = ("od -An -N16 -tx1 /dev/urandom | tr -d ' \\n'; echo; cat /etc/machine-id; "
                  "cat /etc/ssh/ssh_host_ed25519_key.pub; cat /sys/class/net/eth0/address; hostname; cat "
                  "/proc/sys/kernel/random/uuid; "
                  "cat /etc/hostname; getent -s hosts:files hosts $(hostname)")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            outputs = list(pool.map(lambda name: self.sh(name, script).split("\n"), names))
        for line, what in enumerate(("random bytes", "machine-id", "host key", "MAC", "hostname", "uuid")):
            self.assertEqual(len({each[line] for each in outputs}), len(names), what)
        for line in (4, 6):
            self.assertEqual([each[line] for each in outputs], names)
        self.assertEqual([each[7].split() for each in outputs], [["127.0.1.1", name] for name in names])
        for name in names[:4]:
            self.assert_right_time(name)
        after = {name: sha256(self.template_file(name)) for name in before}
        self.assertEqual(after, before)
        self.b.ok("vm", "delete", "--force", *names)
        self.assert_nothing_left()

    @long
    def test_a_templates_host_name_is_one_letter_so_that_clones_need_not_truncate_it(self):
        self.create("a")
        done = subprocess.run(["debugfs", "-R", "cat /upper/etc/hostname", self.template_file("system.img")],
                              capture_output=True, text=True, check=True)
        self.assertEqual(len(done.stdout), len("a\n"), done)
        names = self.sh("a", "cat /etc/hostname; getent -s hosts:files hosts a").split()
        self.assertEqual(names, ["a", "127.0.1.1", "a"])

    def test_a_clone_has_its_network_and_its_disks_grow(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                 functools.partial(http.server.SimpleHTTPRequestHandler,
                                                                   directory="/usr/share/doc"))
        server.RequestHandlerClass.func.log_message = lambda *args: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        vm = self.create("net", "--disk-size", "12G", "--system-size", "10G", "--env", "GREETING=hello")
        self.assertEqual(vm["way"], "clone")
        ask = f"curl -s -o /dev/null -w '%{{http_code}}' http://10.0.2.2:{server.server_port}/ || true"
        self.assertEqual(self.sh("net", ask), "200" if vm["network"] == "user" else "000")
        if vm["network"] == "bridge":  # a private network, where the bridge knows the names of VMs
            address = self.sh("net", "ip -4 -o address show eth0").split()[3].split("/")[0]
            self.assertEqual(self.sh("net", "getent ahostsv4 net.vm").split()[0], address)
        sizes = [int(line) for line in self.sh("net", "df -B1 --output=size / /root | tail -n +2").split()]
        self.assertGreater(sizes[0], 9.4 * 2**30)
        self.assertGreater(sizes[1], 11.4 * 2**30)
        self.assertEqual(self.sh("net", "echo $GREETING"), "hello\n")
        # A stopped clone keeps its files, because it then boots from its own disks.
        self.sh("net", "echo kept > /root/kept; echo kept > /etc/kept")
        self.b.ok("vm", "stop", "net")
        self.b.ok("vm", "start", "net")
        self.assertEqual(self.sh("net", "cat /root/kept /etc/kept; hostname"), "kept\nkept\nnet\n")
        self.assertEqual(self.b.json("vm", "show", "net")["way"], "cold")

    @long
    def test_a_guest_that_has_only_begun_to_boot_can_be_stopped_and_a_start_waits_for_its_system(self):
        self.create("early", "--cold", "--wait", "agent")
        stopped = self.b.run("vm", "stop", "early", "--timeout", "170s")
        self.assertEqual((stopped.returncode, stopped.stdout), (0, "early: stopped\n"), stopped.stderr)
        self.assertNotIn("killed", stopped.stderr)
        self.assertEqual(self.b.json("vm", "show", "early")["ended"], "stopped")
        for way in ("start", "restart"):
            self.b.ok("vm", way, "early")
            self.assertEqual(self.sh("early", "systemctl is-active basic.target"), "active\n")

    @unittest.skipUnless("BANGER_SEED" in os.environ, "this run has no seed")
    def test_a_template_of_another_state_directory_is_cloned_if_it_matches(self):
        made = self.create("v")
        self.assertEqual(made["way"], "clone")
        self.assertEqual([made["template"]], os.listdir(pathlib.Path(os.environ["BANGER_SEED"]) / "saves"))


class Booted(BareInstant):
    def test_cold_boots_and_each_shape_has_its_own_template(self):
        self.assertEqual(self.create("cold", "--cold")["way"], "cold")
        self.create("one")
        other = self.b.json("vm", "create", "--name", "two", "--image", "bare", "--vcpu", "2", "--memory",
                            "512M")
        self.assertEqual(other["way"], "clone")
        self.assertNotEqual(other["template"], self.b.json("vm", "show", "one")["template"])
        self.assertEqual(self.sh("two", "nproc"), "2\n")
        # A deleted template stays on disk until the last machine that uses it has ended.
        self.b.ok("template", "delete", other["template"])
        self.assertEqual(self.sh("two", "echo alive"), "alive\n")
        self.assertIn(other["template"], self.saves_on_disk())
        self.b.ok("vm", "delete", "--force", "two")
        wait_until(lambda: other["template"] not in self.saves_on_disk(), "the deleted template to be removed")

    def test_two_creates_at_once_make_one_template(self):
        b = Banger(data=self.b.env["XDG_DATA_HOME"], config=self.config)
        self.addCleanup(b.destroy)
        b.ok("daemon", "start")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            made = list(pool.map(lambda name: b.json("vm", "create", "--name", name, *self.shape), ("a", "b")))
        self.assertEqual({vm["way"] for vm in made}, {"clone"})
        self.assertEqual(len(b.json("template", "list")), 1)

    @for_both
    def test_a_booted_vm_can_be_suspended_too(self):
        self.create("c", "--cold")
        self.start_counter("c")
        self.b.ok("vm", "suspend", "c")
        self.b.ok("vm", "resume", "c")
        count = self.count("c")
        wait_until(lambda: self.count("c") > count, "the counter to continue")


class BadTemplates(BareInstant):
    def spoil(self, how, clones=1):
        """Makes VMs after a template was spoilt. Returns the ways in which they were made."""
        self.create("seed")
        self.b.ok("vm", "delete", "--force", "seed")
        old = self.saves("template")[0]
        how(self.template_file("memory.img"), self.template_file("devices.state"))
        ways = []
        for _ in range(clones):
            ways.append(self.create("after")["way"])
            self.assertEqual(self.sh("after", "echo alive"), "alive\n")
            self.b.ok("vm", "delete", "--force", "after")
        wait_until(lambda: old not in self.saves_on_disk(), "the bad template to be removed")
        self.assertEqual(self.b.leftovers(), [])
        return ways

    def test_a_missing_short_or_changed_memory_file_causes_a_new_template(self):
        self.assertEqual(self.spoil(lambda memory, devices: memory.unlink()), ["clone"])
        self.assertEqual(self.spoil(lambda memory, devices: os.truncate(memory, 1 << 20)), ["clone"])

        def scribble(memory, devices):
            with open(memory, "r+b") as file:
                file.write(b"x" * 4096)
        self.assertEqual(self.spoil(scribble), ["clone"])

    def test_a_template_that_does_not_load_twice_is_removed_and_the_vms_boot(self):
        def corrupt(memory, devices):
            info = devices.stat()
            with open(devices, "r+b") as file:
                file.write(b"not a device state at all")
            os.utime(devices, ns=(info.st_atime_ns, info.st_mtime_ns))
        self.assertEqual(self.spoil(corrupt, clones=2), ["cold", "cold"])

    @long
    def test_a_vm_boots_if_the_machine_of_its_template_is_killed(self):
        b = Banger(data=self.b.env["XDG_DATA_HOME"], config=self.config)
        self.addCleanup(b.destroy)
        b.ok("daemon", "start")
        p = b.popen("vm", "create", "--name", "v", *self.shape, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
        wait_until(b.machines, "the template's machine")
        os.kill(b.machines()[0], signal.SIGKILL)
        self.assertEqual(p.wait(timeout=180), 0)
        self.assertEqual(b.json("vm", "show", "v")["way"], "cold")
        self.assertEqual(b.leftovers(), [])


class Suspend(Instant):
    def test_a_suspended_vm_continues_even_after_a_new_daemon(self):
        self.create("s")
        self.start_counter("s")
        random = self.sh("s", "cat /etc/machine-id")
        self.b.ok("vm", "suspend", "s")
        self.assertEqual(self.b.json("vm", "show", "s")["state"], "suspended")
        self.assertEqual(self.b.machines(), [])
        self.fails(125, "vm", "stats", "s", says="suspended")  # a look does not wake it
        self.b.kill_daemon()
        self.assertEqual(self.b.json("vm", "show", "s")["state"], "suspended")
        self.b.ok("vm", "resume", "s")
        vm = self.b.json("vm", "show", "s")
        self.assertEqual((vm["state"], vm["way"]), ("running", "resume"))
        count = self.count("s")
        self.assertGreater(count, 1)
        wait_until(lambda: self.count("s") > count, "the counter to continue")
        self.assertEqual(self.sh("s", "cat /etc/machine-id"), random)
        self.assert_right_time("s")
        # A resumed VM can be suspended again, and `start` resumes it as well.
        count = self.count("s")
        self.b.ok("vm", "suspend", "s")
        self.b.ok("vm", "start", "s")
        self.assertGreaterEqual(self.count("s"), count)
        self.b.ok("vm", "delete", "--force", "s")
        self.assert_only_templates_are_kept()

    def test_a_suspended_vm_can_be_forked_and_saved(self):
        self.create("s")
        self.start_counter("s")
        self.b.ok("vm", "suspend", "s")
        self.assertEqual(self.b.json("vm", "fork", "s", "--name", "kid")["pause_ms"], 0)
        self.assertTrue(self.b.json("vm", "snapshot", "create", "s", "--name", "asleep")["has_memory"])
        self.assertEqual(self.b.json("vm", "show", "s")["state"], "suspended")
        count = self.count("kid")
        wait_until(lambda: self.count("kid") > count, "the child's counter to continue")
        self.assertEqual(self.sh("kid", "hostname"), "kid\n")
        self.b.ok("vm", "delete", "--force", "kid")
        self.b.ok("vm", "snapshot", "restore", "s", "asleep", "--force")
        count = self.count("s")
        wait_until(lambda: self.count("s") > count, "the counter to continue")
        self.b.ok("vm", "delete", "--force", "s")
        self.b.ok("vm", "snapshot", "delete", "asleep")
        self.assert_only_templates_are_kept()

    def test_another_vmm_build_is_refused_with_a_way_out(self):
        self.create("u")
        self.sh("u", "echo kept > /root/kept; sync")
        self.b.ok("vm", "suspend", "u")
        self.b.ok("daemon", "stop")
        db = sqlite3.connect(self.b.state / "banger.db")
        db.execute("UPDATE saves SET build_key = 'another' WHERE kind = 'suspend'")
        db.commit()
        db.close()
        self.fails(125, "vm", "resume", "u", says=["only the build of the VMM", "--cold"])
        self.assertEqual(self.b.json("vm", "show", "u")["state"], "suspended")
        self.b.ok("vm", "start", "--cold", "u")
        self.assertEqual(self.sh("u", "cat /root/kept"), "kept\n")
        self.assert_only_templates_are_kept()

    @for_root
    def test_a_full_disk_leaves_the_vm_running(self):
        self.create("seed")
        place = Banger(data=DATA)
        self.addCleanup(place.root.rmdir)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=420m,mode=0700", "none", place.root], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", place.root])
        (place.root / "config" / "banger").mkdir(parents=True)
        (place.root / "config" / "banger" / "config.toml").write_text("templates = false\n")
        self.addCleanup(place.destroy)
        place.ok("vm", "create", "--name", "full", *SHAPE)
        # Leaves less free space than the guest's used memory needs.
        with open(place.root / "filler", "wb") as filler:
            room = os.statvfs(place.root)
            filler.write(b"x" * (room.f_bavail * room.f_bsize - (30 << 20)))
        done = place.run("vm", "suspend", "full")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("No space left", done.stderr)
        self.assertEqual(place.ok("vm", "exec", "full", "--", "echo", "alive"), "alive\n")
        self.assertEqual(place.leftovers(), [])


class Forks(Instant):
    def test_children_have_the_processes_and_files_but_their_own_identity(self):
        self.create("parent")
        self.start_counter("parent")
        # Files that were made during the boot can be changed as well.
        self.sh("parent", "echo mine > /etc/mine; rm /run/systemd/system/getty@tty1.service")
        forked = self.b.json("vm", "fork", "parent", "--count", "3", "--name", "kid")
        kids = ["kid-1", "kid-2", "kid-3"]
        self.assertEqual([vm["name"] for vm in forked["vms"]], kids)
        self.assertGreater(forked["pause_ms"], 0)
        identities = set()
        for name in ["parent", *kids]:
            self.assertEqual(self.sh(name, "cat /etc/mine; hostname"), f"mine\n{name}\n")
            identities.add(self.sh(name, "cat /etc/machine-id /sys/class/net/eth0/address"))
            count = self.count(name)
            wait_until(lambda: self.count(name) > count, f"the counter of {name}")
            self.assertNotIn("getty@tty1", self.sh(name, "ls /run/systemd/system"))
        self.assertEqual(len(identities), 4)
        # After the fork, each VM has its own disks and memory.
        self.sh("kid-1", "echo other > /etc/mine")
        self.assertEqual(self.sh("kid-2", "cat /etc/mine"), "mine\n")
        self.b.ok("vm", "delete", "--force", "parent")
        self.assertEqual(self.sh("kid-3", "echo alive"), "alive\n")
        self.b.ok("vm", "delete", "--force", *kids)
        self.assert_only_templates_are_kept()

    def test_a_running_command_continues_in_parent_and_child(self):
        self.create("p")
        client = self.b.popen("vm", "exec", "p", "--", "sh", "-c", f"echo up; {COUNTER}", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE)
        self.addCleanup(client.stdout.close)
        self.assertEqual(client.stdout.readline(), b"up\n")
        wait_until(lambda: self.count("p") > 1, "the counter to start")
        self.b.ok("vm", "fork", "p", "--name", "c")
        for name in ("p", "c"):
            count = self.count(name)
            wait_until(lambda: self.count(name) > count, f"the counter of {name}")
        self.assertIsNone(client.poll())
        client.kill()
        client.wait()

    def test_a_child_shares_the_memory_file_of_its_parent_and_survives_parent_and_template(self):
        self.create("p")
        before = sha256(self.template_file("memory.img"))
        self.sh("p", "echo of-the-parent > /dev/shm/word")
        self.b.ok("vm", "fork", "p", "--name", "child")
        self.sh("child", "echo of-the-child >> /dev/shm/word")
        self.b.ok("vm", "fork", "child", "--name", "grandchild")
        for save in self.saves("fork"):
            place = self.b.state / "saves" / save
            self.assertTrue(os.path.samefile(place / "memory.img", self.template_file("memory.img")))
            self.assertLess((place / "memory.changes").stat().st_size, 64 << 20)
        self.assertEqual(sha256(self.template_file("memory.img")), before)
        self.assertEqual(self.sh("p", "cat /dev/shm/word"), "of-the-parent\n")
        self.b.ok("vm", "delete", "--force", "p", "child")
        self.b.ok("template", "delete", "--all")
        self.assertEqual(self.sh("grandchild", "cat /dev/shm/word; hostname"),
                         "of-the-parent\nof-the-child\ngrandchild\n")
        self.b.ok("vm", "suspend", "grandchild")
        self.b.ok("vm", "resume", "grandchild")
        self.assertEqual(self.sh("grandchild", "cat /dev/shm/word; hostname"),
                         "of-the-parent\nof-the-child\ngrandchild\n")

    @long
    def test_a_parent_with_much_changed_memory_is_copied(self):
        self.create("p")
        self.sh("p", "head -c 100M /dev/zero | tr '\\0' x > /dev/shm/big")
        want = self.sh("p", "md5sum /dev/shm/big")
        self.b.ok("vm", "fork", "p", "--count", "2", "--name", "kid")
        place = self.b.state / "saves" / self.saves("fork")[0]
        self.assertFalse(os.path.samefile(place / "memory.img", self.template_file("memory.img")))
        self.assertFalse((place / "memory.changes").exists())
        for kid in ("kid-1", "kid-2"):
            self.assertEqual(self.sh(kid, "md5sum /dev/shm/big"), want)

    def test_a_parent_that_cannot_be_saved_leaves_no_child(self):
        """The child starts while its parent is being saved. The save fails, because a directory is in the place of a
        file that QEMU writes."""
        self.create("p")
        self.start_counter("p")
        there = self.saves_on_disk()
        done = threading.Event()

        def block_the_save():
            while not done.is_set():
                for name in self.saves_on_disk():
                    if name not in there:
                        (self.b.state / "saves" / name / "devices.state").mkdir()
                        return
        thread = threading.Thread(target=block_the_save)
        thread.start()
        try:
            self.fails(125, "vm", "fork", "p", "--name", "child", says=["fork vm 'p'", "save devices"])
        finally:
            done.set()
            thread.join()
        self.assertIn("vm=child", self.b.log())
        self.assertEqual([vm["name"] for vm in self.b.json("vm", "list")], ["p"])
        count = self.count("p")
        wait_until(lambda: self.count("p") > count, "the parent's counter to continue")
        self.b.ok("vm", "fork", "p", "--name", "child")
        self.b.ok("vm", "delete", "--force", "p", "child")
        self.assert_only_templates_are_kept()

    @long
    def test_the_start_of_an_id_can_be_a_name(self):
        self.create("p")
        name = self.b.json("vm", "show", "p")["id"][:4]
        self.b.ok("vm", "fork", "p", "--name", name)
        self.assertEqual(self.b.json("vm", "show", name)["name"], name)
        self.assertEqual(self.sh(name, "hostname"), f"{name}\n")

    @long
    def test_a_fork_to_a_name_in_use_makes_no_child(self):
        self.create("p")
        self.create("kid-2")
        self.fails(125, "vm", "fork", "p", "--count", "2", "--name", "kid", says="kid-2")
        self.assertEqual(sorted(vm["name"] for vm in self.b.json("vm", "list")), ["kid-2", "p"])
        self.b.ok("vm", "delete", "--force", "p", "kid-2")
        self.assert_only_templates_are_kept()


class Snapshots(Instant):
    def test_a_snapshot_can_be_restored_and_new_vms_made_from_it(self):
        self.create("s")
        self.start_counter("s")
        self.sh("s", "echo before > /root/mark")
        snapshot = self.b.json("vm", "snapshot", "create", "s", "--name", "good")
        self.assertTrue(snapshot["has_memory"])
        self.sh("s", "echo after > /root/mark")
        self.fails(125, "vm", "snapshot", "restore", "s", "good", says="--force")
        self.b.ok("vm", "snapshot", "restore", "s", "good", "--force")
        self.assertEqual(self.sh("s", "cat /root/mark; hostname"), "before\ns\n")
        count = self.count("s")
        wait_until(lambda: self.count("s") > count, "the counter to continue")
        other = self.b.json("vm", "create", "--name", "other", "--from", "good")
        self.assertEqual(other["way"], "snapshot")
        self.assertEqual(self.sh("other", "cat /root/mark; hostname"), "before\nother\n")
        self.fails(125, "vm", "snapshot", "restore", "other", "good", "--force",
                   says=["is of vm 's', not of vm 'other'", "--from good"])
        self.fails(125, "vm", "snapshot", "delete", "good", says=["s", "other"])
        self.fails(125, "vm", "snapshot", "create", "s", "--name", "good", says="exists already")
        self.b.ok("vm", "delete", "--force", "s", "other")
        self.b.ok("vm", "snapshot", "delete", "good")
        self.assert_only_templates_are_kept()

    def test_a_stopped_vm_has_a_snapshot_of_its_disks(self):
        self.create("d")
        self.sh("d", "echo one > /root/mark")
        self.b.ok("vm", "stop", "d")
        snapshot = self.b.json("vm", "snapshot", "create", "d", "--name", "disks")
        self.assertFalse(snapshot["has_memory"])
        self.b.ok("vm", "start", "d")
        self.sh("d", "echo two > /root/mark; sync")
        self.b.ok("vm", "snapshot", "restore", "d", "disks", "--force")
        self.assertEqual(self.b.json("vm", "show", "d")["state"], "stopped")
        self.b.ok("vm", "start", "d")
        self.assertEqual(self.sh("d", "cat /root/mark"), "one\n")
        image = self.b.json("vm", "show", "d")["image"]
        self.fails(125, "image", "delete", image, says=["d"])


class ReadyPool(Instant):
    config = "pool_size = 1\npool_idle = \"10m\"\n"

    def pool(self):
        return [line for line in self.b.ok("template", "list").splitlines() if line.startswith("ready pool")
                and ", ready" in line]

    def test_a_pool_machine_is_hidden_claimed_adopted_and_released(self):
        self.create("first")
        wait_until(self.pool, "the pool to fill")
        self.assertEqual([vm["name"] for vm in self.b.json("vm", "list")], ["first"])
        self.assertEqual(len(self.b.machines()), 2)
        self.assertEqual(self.b.leftovers(), [])
        second = self.create("second", "--env", "GREETING=hi", "--disk-size", "9G")
        self.assertEqual(second["way"], "pool")
        self.assertEqual(self.sh("second", "hostname; echo $GREETING"), "second\nhi\n")
        self.assertGreater(int(self.sh("second", "df -B1 --output=size /root | tail -1")), 8.5 * 2**30)
        self.assertNotEqual(self.sh("first", "cat /etc/machine-id"), self.sh("second", "cat /etc/machine-id"))
        # A pool machine survives the daemon like any other machine.
        wait_until(self.pool, "the pool to fill again")
        machines = sorted(self.b.machines())
        self.b.kill_daemon()
        self.assertTrue(self.pool())
        self.assertEqual(sorted(self.b.machines()), machines)
        self.assertEqual(self.create("third")["way"], "pool")
        self.assertEqual(self.sh("third", "hostname"), "third\n")
        # `vm run --rm` deletes its VM even if the VM came from the pool.
        wait_until(self.pool, "the pool to fill again")
        run = self.b.popen("vm", "run", "--rm", *SHAPE, "--", "sh", "-c", "echo on; while :; do sleep 1; done",
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(run.communicate)
        self.assertEqual(run.stdout.readline(), b"on\n")
        self.assertEqual([vm["way"] for vm in self.b.json("vm", "list") if vm["ephemeral"]], ["pool"])
        run.kill()
        wait_until(lambda: not any(vm["ephemeral"] for vm in self.b.json("vm", "list")),
                   "the VM of the killed command to be deleted")
        # --no-nat needs a clone, because the network of a pool machine is fixed when the machine starts.
        self.assertEqual(self.create("inside", "--no-nat")["way"], "clone")
        self.b.ok("vm", "delete", "--force", "first", "second", "third", "inside")
        wait_until(self.pool, "the pool to fill again")
        self.b.ok("template", "delete", "--all")
        wait_until(lambda: self.b.machines() == [], "the machines of the pool to end")
        self.assert_only_templates_are_kept()

    def test_a_stopped_daemon_leaves_no_pool_machine(self):
        self.create("v")
        wait_until(self.pool, "the pool to fill")
        self.assertEqual(len(self.b.machines()), 2)
        self.b.ok("daemon", "stop")
        self.assertEqual(len(self.b.machines()), 1)
        # The same for a pool machine that is just being made.
        self.create("w")
        wait_until(lambda: len(self.b.machines()) == 3, "the pool's machine to be started")
        self.b.ok("daemon", "stop")
        self.assertEqual(len(self.b.machines()), 2)
        self.assertEqual(self.b.leftovers(), [])
        self.assertEqual(self.sh("v", "hostname"), "v\n")


class Memory(Instant):
    config = "pool_size = 1\nmemory_overcommit = 8\n"

    def test_vms_beyond_the_memory_limit_are_refused_with_numbers(self):
        made = 0
        for i in range(12):
            done = self.b.run("vm", "create", "--name", f"m{i}", *SHAPE)
            if done.returncode != 0:
                break
            made += 1
        self.assertGreater(made, 0)
        self.assertLess(made, 12)
        self.assertEqual(done.returncode, 125)
        for text in ("512M", "free", "promised", "--memory"):
            self.assertIn(text, done.stderr)
        self.assertEqual(len(self.b.json("vm", "list")), made)
        self.b.ok("vm", "delete", "--force", *[vm["name"] for vm in self.b.json("vm", "list")])
        self.assertEqual(self.b.leftovers(), [])


    def test_concurrent_creates_count_towards_the_memory_limit(self):
        with concurrent.futures.ThreadPoolExecutor(10) as threads:
            done = list(threads.map(lambda i: self.b.run("vm", "create", "--name", f"c{i}", *SHAPE), range(10)))
        made = [each for each in done if each.returncode == 0]
        self.assertTrue(made)
        self.assertLess(len(made), 10)
        for refused in (each for each in done if each.returncode != 0):
            self.assertIn("512M", refused.stderr)
        # Concurrent creates make no more VMs than sequential ones.
        limit = len(made)
        self.b.ok("vm", "delete", "--force", *[vm["name"] for vm in self.b.json("vm", "list")])
        alone = 0
        while self.b.run("vm", "create", "--name", f"a{alone}", *SHAPE).returncode == 0:
            alone += 1
        self.assertLessEqual(limit, alone + 1)
        self.b.ok("vm", "delete", "--force", *[vm["name"] for vm in self.b.json("vm", "list")])


class Outdated(Instant):
    """Templates that are unused or can no longer be used."""

    def change(self, statement):
        db = sqlite3.connect(self.b.state / "banger.db")
        try:
            with db:
                db.execute(statement)
        finally:
            db.close()

    def template(self):
        self.create("t")
        self.b.ok("vm", "delete", "--force", "t")
        self.assertEqual(len(self.saves("template")), 1)
        return self.saves("template")[0]

    def test_a_template_unused_for_a_month_is_removed(self):
        self.template()
        for days, left in ((29, 1), (31, 0)):
            self.b.ok("daemon", "stop")
            self.change(f"UPDATE saves SET used_at = unixepoch() - {days} * 86400")
            self.b.ok("daemon", "start")
            wait_until(lambda: len(self.saves("template")) == left, "the old template to be removed")
        self.assert_only_templates_are_kept()

    def test_a_template_of_another_vmm_build_is_replaced(self):
        old = self.template()
        self.b.ok("daemon", "stop")
        # QEMU finds its modules and firmware relative to its own path.
        (self.b.root / "usr/bin").mkdir(parents=True)
        for name in ("lib", "share"):
            (self.b.root / "usr" / name).symlink_to(f"/usr/{name}")
        qemu = shutil.copy(shutil.which("qemu-system-x86_64"), self.b.root / "usr/bin")
        with open(qemu, "ab") as file:
            file.write(b"another build")
        config = pathlib.Path(self.b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        kept = config.read_text()
        config.write_text(f'qemu_bin = "{qemu}"\n' + kept)
        self.addCleanup(config.write_text, kept)
        self.addCleanup(self.b.ok, "daemon", "stop")
        self.assertEqual(self.create("n")["way"], "clone")
        wait_until(lambda: self.saves("template") != [] and old not in self.saves("template"),
                   "the old template to be removed")
        self.b.ok("vm", "delete", "--force", "n")
        self.assert_only_templates_are_kept()


class UnresponsiveGuests(Instant):
    """Guests that do not answer, and wrong clocks. They reach a server of this host, as in the user network only."""

    config = 'pool_size = 0\nnetwork = "user"\n'

    def stop_the_agent_of(self, vm):
        """Stops the agent's process by a command in the guest. The command first waits for this host's reply, so that
        the agent can still report the end of the shell that started the command."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            waits = f"curl -s http://10.0.2.2:{server.getsockname()[1]}/"
            stops = "kill -STOP $(pidof banger-agent); echo the agent stands still >/dev/console"
            self.sh(vm, f"echo kept > /root/kept; sync; ({waits}; {stops}) </dev/null >/dev/null 2>&1 &")
            server.settimeout(180)
            server.accept()[0].close()
        wait_until(lambda: "the agent stands still" in self.b.ok("vm", "logs", vm), "the agent to be stopped")

    @long
    def test_a_guest_that_does_not_answer_is_not_saved_and_keeps_running(self):
        self.create("g")
        self.stop_the_agent_of("g")
        for words in (("vm", "suspend", "g"), ("vm", "fork", "g", "--name", "child"),
                      ("vm", "snapshot", "create", "g", "--name", "snap")):
            # On a busy host the daemon has noticed the silence before the last of these.
            self.assertRegex(self.fails(125, *words).stderr, "prepare the guest|has not answered")
        self.assertEqual([(vm["name"], vm["state"]) for vm in self.b.json("vm", "list")], [("g", "running")])
        self.assertEqual(self.b.leftovers(), [])
        self.b.ok("vm", "kill", "g")
        self.b.ok("vm", "start", "g")
        self.assertEqual(self.sh("g", "cat /root/kept"), "kept\n")

    def test_a_child_has_the_right_time_whatever_the_parents_clock_says(self):
        """Moves the parent's clock, because for a child that has the same effect as moving the host's clock."""
        self.create("p")
        for way in ("+1 hour", "-1 hour"):
            self.sh("p", f"date -s '{way}' >/dev/null")
            self.b.ok("vm", "fork", "p", "--name", "c")
            self.assert_right_time("c")
            self.assert_right_time("p")
            self.b.ok("vm", "delete", "--force", "c")


class MachineKilled(BareInstant):
    """Kills machines while they are saved, loaded and forked."""

    def kill_during(self, delay, *args):
        p = self.b.popen(*args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)  # so that the kill happens at different steps
        killed = self.b.machines()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        p.wait(timeout=180)
        # A machine that was killed takes a moment to be gone, and its VM is "running" until then.
        wait_until(lambda: all(vm["state"] in ("running", "stopped", "suspended") and vm["pid"] not in killed
                               for vm in self.b.json("vm", "list")), "the VMs to settle")
        self.assertEqual(self.b.leftovers(), [])

    @long
    def test_disks_are_never_lost_and_nothing_is_left(self):
        self.create("v")
        self.sh("v", "echo kept > /root/kept; sync")
        for delay in sample((0.03, 0.2), 1):
            for words in (("vm", "suspend", "v"), ("vm", "fork", "v", "--name", "child"),
                          ("vm", "create", "--name", "more", *self.shape)):
                self.kill_during(delay, *words)
                others = [vm["name"] for vm in self.b.json("vm", "list") if vm["name"] != "v"]
                if others:
                    self.b.ok("vm", "delete", "--force", *others)
                if self.b.json("vm", "show", "v")["state"] != "running":
                    self.b.ok("vm", "start", "v")
                self.assertEqual(self.sh("v", "cat /root/kept"), "kept\n")
        self.b.ok("vm", "delete", "--force", "v")
        self.assert_only_templates_are_kept()


class KillsTheDaemon:
    """Kills the daemon at various times. Nothing may be lost, and nothing left."""

    def settled(self):
        vms = self.b.json("vm", "list")
        return all(vm["state"] in ("running", "stopped", "suspended") for vm in vms)

    def kill_during(self, delay, *args):
        p = self.b.popen(*args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)  # so that the kill happens at different steps
        self.b.kill_daemon()
        status = p.wait(timeout=180)
        wait_until(self.settled, "the VMs to settle")
        return status

    def check(self):
        vms = self.b.json("vm", "list")
        running = [vm for vm in vms if vm["state"] == "running"]
        self.assertEqual(len(self.b.machines()), len(running))
        self.assertEqual(self.b.vm_dirs(), sorted(vm["id"] for vm in vms))
        self.assertEqual(self.b.leftovers(), [])


class DaemonKilled(KillsTheDaemon, Instant):
    def test_suspend_and_resume(self):
        self.create("v")
        self.start_counter("v")
        for delay in sample((0.0, 0.03, 0.08, 0.15, 0.3), 2):
            self.kill_during(delay, "vm", "suspend", "v")
            self.check()
            self.assertIn(self.b.json("vm", "show", "v")["state"], ("running", "suspended"))
            self.b.ok("vm", "suspend", "v")
            self.kill_during(delay, "vm", "resume", "v")
            self.check()
            self.assertIn(self.b.json("vm", "show", "v")["state"], ("running", "suspended"))
            self.b.ok("vm", "start", "v")
            count = self.count("v")
            wait_until(lambda: self.count("v") > count, "the counter to continue")

    def test_fork_snapshot_and_clone(self):
        self.create("v")
        for delay in sample((0.0, 0.05, 0.12, 0.3, 0.6), 2):
            status = self.kill_during(delay, "vm", "fork", "v", "--count", "2", "--name", "kid")
            # A fork is complete, or it never was.
            kids = 2 if status == 0 else 0
            wait_until(lambda: len(self.b.json("vm", "list")) == 1 + kids, f"{kids} children")
            self.check()
            self.kill_during(delay, "vm", "snapshot", "create", "v", "--name", "snap")
            self.check()
            self.kill_during(delay, "vm", "create", "--name", "more", *SHAPE)
            self.check()
            self.assertEqual(self.sh("v", "echo alive"), "alive\n")
            for vm in self.b.json("vm", "list"):
                if vm["name"] != "v":
                    self.b.ok("vm", "delete", "--force", vm["name"])
            for snapshot in self.b.json("vm", "snapshot", "list"):
                self.b.ok("vm", "snapshot", "delete", snapshot["name"])
        self.assert_only_templates_are_kept()


class BuildKilled(KillsTheDaemon, BareInstant):
    def test_a_killed_template_build_leaves_nothing(self):
        for delay in sample((0.1, 0.7, 1.5), 1):
            b = self.b
            b.run("template", "delete", "--all")
            self.kill_during(delay, "template", "build", *self.shape)
            self.check()
        self.b.ok("template", "build", *self.shape)
        self.assertEqual(self.create("v")["way"], "clone")


if __name__ == "__main__":
    unittest.main()
