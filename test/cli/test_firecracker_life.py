"""The life of VMs under the stand-in for Firecracker, with a real daemon: clones, suspended VMs, snapshots, forks,
crashes of the daemon, metrics and logs. The stand-in saves no processes, so a restored guest has its files but not its
commands."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from firecracker import FirecrackerCase  # noqa: E402
from harness import alive, wait_until  # noqa: E402
import killed  # noqa: E402
from marks import sample  # noqa: E402

MIB = 1 << 20


class Life(FirecrackerCase):
    config = 'pool_size = 0\nmetrics_poll_interval = "1s"\nstats_poll_interval = "0"\n'

    def setUp(self):
        self.addCleanup(self.assert_sound)

    def assert_sound(self):
        """Asserts that nothing is left. Runs after the test's own cleanups, which delete its VMs."""
        for snapshot in self.b.json("vm", "snapshot", "list"):
            self.b.run("vm", "snapshot", "delete", snapshot["id"])
        self.assertEqual(self.b.json("vm", "list"), [])
        wait_until(lambda: self.b.machines() == [], "machines to end")
        wait_until(lambda: self.b.vm_dirs() == [], "VM directories to be removed")
        wait_until(lambda: not self.guests(), "the stand-in's guests to end")
        self.assertEqual(self.b.leftovers(), [])

    def guests(self):
        """Returns the pids of processes, such as agents, whose root directory is in this home."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "root").startswith(f"{self.b.root}/"):
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def reinstall(self, **settings):
        """Replaces the stand-in, and stops the daemon because a daemon examines Firecracker only once."""
        self.install(**settings)
        self.b.run("daemon", "stop")

    def templates(self):
        return self.b.json("template", "list")


class Saved(Life):
    def test_clones_of_one_template_share_no_socket_name_or_file(self):
        first, second = self.create("one"), self.create("two")
        self.assertEqual((first["way"], second["way"]), ("clone", "clone"))
        self.assertEqual(first["template"], second["template"])
        self.assertEqual(len(self.templates()), 1)
        for vm in (first, second):
            place = pathlib.Path(vm["directory"])
            self.assertTrue((place / "vsock.sock").is_socket())
            # The saved state refers to "disk1". In each clone's directory that is a link to the clone's own disk.
            self.assertEqual(os.readlink(place / "disk1"), str(place / "system.img"))
        self.sh("one", "echo mine > /root/file")
        self.assertEqual(self.b.run("vm", "exec", "two", "--", "cat", "/root/file").returncode, 1)
        for what in ("hostname", "cat /etc/machine-id", "cat /etc/ssh/ssh_host_ed25519_key.pub"):
            outputs = [self.sh(name, what) for name in ("one", "two")]
            self.assertNotEqual(outputs[0], outputs[1], what)
        self.assertEqual([self.sh(name, "hostname") for name in ("one", "two")], ["one\n", "two\n"])
        self.b.ok("vm", "kill", "one")
        self.assertEqual(self.sh("two", "echo still there"), "still there\n")

    def test_every_version_suspends_resumes_saves_and_forks(self):
        self.addCleanup(self.reinstall)
        for version in sample(("1.5.0", "1.12.0", "1.14.0", "1.17.0"), 2):
            with self.subTest(version):
                self.reinstall(BANGER_FAKE_VERSION=version)
                self.create("vm")
                self.assertEqual(self.show("vm")["machine"], f"firecracker {version}")
                self.sh("vm", "echo first > /root/file")
                self.b.ok("vm", "suspend", "vm")
                self.assertEqual(self.show("vm")["state"], "suspended")
                self.assertEqual(self.b.machines(), [])
                self.b.ok("vm", "resume", "vm")
                self.settle("vm")
                self.assertEqual((self.show("vm")["way"], self.sh("vm", "cat /root/file; hostname")),
                                 ("resume", "first\nvm\n"))

                self.b.ok("vm", "snapshot", "create", "vm", "--name", "before")
                self.sh("vm", "echo second > /root/file")
                self.assertEqual(self.sh("vm", "cat /root/file"), "second\n")  # the VM still runs, with a new link
                self.b.ok("vm", "snapshot", "restore", "vm", "before", "--force")
                if self.show("vm")["state"] != "running":
                    self.b.ok("vm", "start", "vm")
                self.settle("vm")
                self.assertEqual((self.show("vm")["way"], self.sh("vm", "cat /root/file")), ("snapshot", "first\n"))

                forked = self.b.json("vm", "fork", "vm", "--count", "2")
                names = [vm["name"] for vm in forked["vms"]]
                for name in names:
                    self.assertEqual((self.show(name)["way"], self.sh(name, "cat /root/file; hostname")),
                                     ("fork", f"first\n{name}\n"))
                self.assertEqual(self.sh("vm", "cat /root/file; hostname"), "first\nvm\n")
                self.b.ok("vm", "stop", *names)
                self.b.ok("vm", "delete", "--force", "vm", *names)
                for snapshot in self.b.json("vm", "snapshot", "list"):
                    self.b.ok("vm", "snapshot", "delete", snapshot["id"])

    def test_another_version_has_its_own_templates(self):
        self.addCleanup(self.reinstall)
        before = self.create("one")["template"]
        self.b.ok("vm", "delete", "--force", "one")
        self.reinstall(BANGER_FAKE_VERSION="1.17.0")
        after = self.create("one")
        self.assertEqual(after["way"], "clone")
        self.assertNotEqual(after["template"], before)

    def test_a_state_of_another_build_is_refused_without_starting_a_process(self):
        self.addCleanup(self.reinstall)
        self.create("vm", "--cold")
        self.b.ok("vm", "suspend", "vm")
        self.reinstall(BANGER_FAKE_VERSION="1.15.0")
        done = self.b.run("vm", "resume", "vm")
        self.assertEqual(done.returncode, 125)
        self.assertEqual(self.show("vm")["state"], "suspended")
        self.reinstall()
        self.b.ok("vm", "resume", "vm")
        self.assertEqual(self.sh("vm", "hostname"), "vm\n")

    def test_a_failed_load_is_reported_in_firecrackers_words_and_loses_nothing(self):
        self.create("vm", "--cold")
        self.sh("vm", "echo kept > /root/file")
        self.b.ok("vm", "suspend", "vm")
        devices = next((self.b.state / "saves").glob("*/devices.state"))
        self.assertTrue(devices.exists())
        real = self.wrapper.read_text()
        # The script is changed in place, so that the daemon still takes it for the same build.
        self.wrapper.write_text(real.replace("#!/bin/sh\n",
                                             "#!/bin/sh\nexport BANGER_FAKE_REFUSE='no such processor'\n", 1))
        self.addCleanup(self.wrapper.write_text, real)
        done = self.b.run("vm", "resume", "vm")
        self.assertEqual(done.returncode, 125)
        self.assertIn("Load snapshot error: no such processor", done.stderr)
        self.assertIn("--cold", done.stderr)
        shown = self.show("vm")
        self.assertEqual(shown["state"], "suspended")
        self.assertIn("no such processor", shown["last_error"])
        self.assertEqual(self.b.machines(), [])
        self.wrapper.write_text(real)
        self.b.ok("vm", "resume", "vm")
        self.assertEqual(self.sh("vm", "cat /root/file"), "kept\n")

    def test_a_template_that_does_not_load_twice_is_removed_and_the_vms_boot(self):
        self.create("first")
        template = self.show("first")["template"]
        real = self.wrapper.read_text()
        self.wrapper.write_text(real.replace("#!/bin/sh\n",
                                             "#!/bin/sh\nexport BANGER_FAKE_REFUSE='no such processor'\n", 1))
        self.addCleanup(self.wrapper.write_text, real)
        self.assertEqual(self.create("second")["way"], "cold")
        self.assertRegex(self.b.log(), r"template.clone_failed.*no such processor")
        self.assertEqual(self.create("third")["way"], "cold")
        self.assertRegex(self.b.log(), r"template.unusable.*no such processor")
        self.wrapper.write_text(real)
        fourth = self.create("fourth")
        self.assertEqual(fourth["way"], "clone")
        self.assertNotEqual(fourth["template"], template)

    def test_a_version_with_broken_restore_boots_and_explains_why_it_cannot_suspend(self):
        self.addCleanup(self.reinstall)
        self.reinstall(BANGER_FAKE_VERSION="1.16.0")
        self.assertEqual(self.create("vm")["way"], "cold")
        done = self.b.run("vm", "suspend", "vm")
        self.assertEqual(done.returncode, 125)
        self.assertIn("install Firecracker 1.16.1 or later", done.stderr)
        self.assertEqual(self.show("vm")["state"], "running")
        # The next daemon needs a new connection. This version accepts none after a pause without a save.
        self.b.kill_daemon()
        self.assertEqual(self.sh("vm", "echo reached"), "reached\n")


class Ends(Life):
    config = "templates = false\n"

    def test_a_guest_that_powers_itself_off_is_stopped(self):
        self.create("vm")
        self.b.run("vm", "exec", "vm", "--", "kill", "-USR2", "1")
        wait_until(lambda: self.show("vm")["state"] == "stopped", "the VM to be stopped")
        self.assertEqual(self.show("vm")["last_error"], "")
        self.assertRegex(self.b.log(), r"vm.exited.*guest-shutdown")
        self.assertIn("reboot: System halted", self.b.ok("vm", "logs", "vm"))
        self.b.ok("vm", "start", "vm")
        self.assertEqual(self.sh("vm", "echo up"), "up\n")  # the old "System halted" does not stop the VM again

    def test_a_guest_that_reboots_itself_runs_again(self):
        self.create("vm")
        before = self.show("vm")["pid"]
        self.b.run("vm", "exec", "vm", "--", "kill", "-TERM", "1")
        wait_until(lambda: self.show("vm")["pid"] not in (before, None), "another machine")
        wait_until(lambda: self.show("vm")["state"] == "running", "the guest to boot")
        self.assertEqual(self.sh("vm", "echo up"), "up\n")
        self.assertEqual(self.show("vm")["last_error"], "")
        self.assertRegex(self.b.log(), r"vm.exited.*guest-reset")

    def test_a_power_off_while_no_daemon_runs_is_noticed(self):
        self.create("vm")
        pid = self.show("vm")["pid"]
        exec_ = self.b.popen("vm", "exec", "vm", "--", "sh", "-c",
                             "(trap '' HUP; sleep 2; kill -USR2 1) >/dev/null 2>&1 </dev/null & echo",
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        exec_.wait(180)
        self.b.kill_daemon()
        console = next(self.b.state.glob("vms/*/console.log"))
        wait_until(lambda: b"System halted" in console.read_bytes(), "the guest to halt")
        wait_until(lambda: self.show("vm")["state"] == "stopped", "the VM to be stopped")
        self.assertFalse(alive(pid))

    def test_a_crash_is_reported_by_its_name(self):
        real = self.wrapper.read_text()
        self.wrapper.write_text(real.replace("#!/bin/sh\n", "#!/bin/sh\nexport BANGER_FAKE_EXIT=148\n", 1))
        self.addCleanup(self.wrapper.write_text, real)
        self.addCleanup(self.b.run, "vm", "delete", "--force", "vm")
        done = self.b.run("vm", "create", "--name", "vm", "--image", "bare", "--no-nat", "--memory", "128M",
                          "--disk-size", "256M")
        self.assertEqual(done.returncode, 125)
        self.assertIn("exit code 148 (a system call that its seccomp filter forbids)", done.stderr)
        self.assertEqual(self.show("vm")["state"], "stopped")  # the guest had started, so its logs are kept
        self.assertIn("fake guest:", self.b.ok("vm", "logs", "vm"))
        self.wrapper.write_text(real)
        self.b.ok("vm", "start", "vm")
        os.kill(self.show("vm")["pid"], 11)
        wait_until(lambda: self.show("vm")["state"] == "stopped", "the VM to be stopped")
        self.assertEqual(self.show("vm")["last_error"], "the machine ended: killed by signal 11")


class Figures(Life):
    config = 'templates = false\nmetrics_poll_interval = "1s"\nstats_poll_interval = "0"\n'

    def metrics(self, name):
        return self.b.json("vm", "stats", name)[0]["metrics"]

    def test_metrics_are_shown_add_up_and_survive_the_daemon(self):
        self.create("vm")
        first = self.metrics("vm")
        self.assertGreater(first["disk_read_bytes"], 0)
        self.assertEqual(first["disk_read_bytes"] % 4096, 0)  # each flush counts 1024 bytes for each of the four disks
        for name in ("net_sent_bytes", "vcpu_io_exits", "vcpu_mmio_exits", "seccomp_faults", "balloon_returned_bytes",
                     "pause_us"):
            self.assertIn(name, first)
        self.assertGreater(first["balloon_reports"], 0)  # the stand-in's default version supports free page reporting
        wait_until(lambda: self.show("vm")["metrics"]["disk_read_bytes"] > first["disk_read_bytes"],
                   "the daemon to read the metrics by itself")
        before = self.metrics("vm")
        self.b.kill_daemon()
        self.assertGreater(self.metrics("vm")["disk_read_bytes"], before["disk_read_bytes"])
        self.assertLessEqual(next(self.b.state.glob("vms/*/metrics.log")).stat().st_blocks * 512, 16384)
        self.b.ok("vm", "stop", "vm")
        self.b.ok("vm", "start", "vm")
        self.assertLess(self.metrics("vm")["disk_read_bytes"], before["disk_read_bytes"] + 4096)

    def test_a_guest_that_prints_for_ever_does_not_fill_the_disk(self):
        self.create("vm")
        console = next(self.b.state.glob("vms/*/console.log"))
        self.sh("vm", "yes 'all work and no play' | head -c 40000000 > /dev/ttyS0; echo the end > /dev/ttyS0")
        wait_until(lambda: console.stat().st_size > 40e6 and console.stat().st_blocks * 512 < 8 * MIB,
                   "the console log to be trimmed")
        log = self.b.ok("vm", "logs", "vm", "--tail", "all")
        self.assertNotIn("\0", log)
        self.assertTrue(log.endswith("the end\n"), log[-100:])
        self.assertGreater(len(log), MIB)


class NoFigures(Life):
    config = 'templates = false\nmetrics_poll_interval = "0"\n'

    def test_without_a_poll_interval_there_are_no_metrics(self):
        self.create("vm")
        self.assertIsNone(self.b.json("vm", "stats", "vm")[0]["metrics"])
        self.assertIsNone(self.show("vm")["metrics"])
        self.assertEqual(list(self.b.state.glob("vms/*/metrics.log")), [])


class Crashes(killed.KilledAtEachCommit, Life):
    """Kills the daemon at some commits of its journal. Afterwards all states must be true, and nothing may be left.

    test/net/test_kills.py tries every commit, with real guests."""
    config = "pool_size = 0\n"

    @classmethod
    def make_banger(cls):
        if reason := killed.skip_reason():
            raise unittest.SkipTest(reason)
        return super().make_banger()

    def prepare(self):
        if [vm["state"] for vm in self.b.json("vm", "list")] != ["running"]:  # the previous round may have failed
            self.b.run("vm", "delete", "--force", *[vm["name"] for vm in self.b.json("vm", "list")])
            self.create("v")
            self.sh("v", "echo kept > /root/file")

    def assert_intact(self, name):
        """Starts the VM if necessary, and asserts that it has its file and its own host name."""
        self.b.ok("vm", "start", name)
        self.settle(name)
        self.assertEqual(self.sh(name, "cat /root/file; hostname"), f"kept\n{name}\n")

    def test_create_and_delete(self):
        self.create("first")  # builds the template
        self.b.ok("vm", "delete", "--force", "first")
        create = ("vm", "create", "--name", "v", "--image", "bare", "--no-nat", "--memory", "128M", "--disk-size",
                  "256M")

        def check(vms):
            if "v" in vms:
                self.b.ok("vm", "start", "v")
                self.assertEqual(self.sh("v", "hostname"), "v\n")
                self.b.ok("vm", "delete", "--force", "v")
        self.kill_at_each_commit(lambda: None, [create, ("vm", "delete", "--force", "v")], check, every=3)

    def test_suspend_and_resume(self):
        def check(vms):
            self.assertIn(vms["v"], ("running", "suspended"))
            self.assert_intact("v")
        self.kill_at_each_commit(self.prepare, [("vm", "suspend", "v"), ("vm", "resume", "v")], check, every=3)

    def test_snapshot(self):
        def check(vms):
            self.assertEqual(vms, {"v": "running"})
            self.assert_intact("v")
            for snapshot in self.b.json("vm", "snapshot", "list"):
                self.b.ok("vm", "snapshot", "delete", snapshot["id"])
        self.kill_at_each_commit(self.prepare,
                            [("vm", "snapshot", "create", "v", "--name", "s"), ("vm", "snapshot", "delete", "s")],
                            check, every=3)

    def test_fork(self):
        def check(vms):
            self.assertEqual(vms.pop("v"), "running")
            self.assert_intact("v")
            for name, state in vms.items():
                if state == "running":
                    self.assert_intact(name)
                self.b.ok("vm", "delete", "--force", name)
        self.kill_at_each_commit(self.prepare, [("vm", "fork", "v", "--name", "c")], check, every=3)

    def test_stop(self):
        def check(vms):
            self.assertIn(vms["v"], ("running", "stopped"))
            self.b.ok("vm", "delete", "--force", "v")
        self.kill_at_each_commit(self.prepare, [("vm", "stop", "v")], check, every=3)

    def test_a_running_clone_is_adopted(self):
        self.create("v")
        pid = self.show("v")["pid"]
        self.b.kill_daemon()
        self.assertEqual(self.sh("v", "hostname"), "v\n")
        self.assertEqual(self.show("v")["pid"], pid)


if __name__ == "__main__":
    unittest.main()
