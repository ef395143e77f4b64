"""Invalid input and failures of the host, without a guest. Each gives a clear error and an exit code, and leaves
nothing."""
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, IMAGE, KERNEL, SHAPE, Banger, Case, SeededCase, alive, wait_until  # noqa: E402
from marks import for_both, for_root, sample  # noqa: E402


@for_both
class BadInput(Case):
    needs_images = False
    config = 'templates = false\ndefault_registry = "127.0.0.1:1"\n'  # no registry listens there

    def test_usage_errors_exit_with_2_and_suggest_the_nearest_word(self):
        self.fails(2, "vm", "crate", says="create")
        self.fails(2, "vmm", says="vm")
        self.fails(2, "vm", "create", "--memroy", "1G", says="--memory")
        self.fails(2, "vm", "create", "--vcpu", "many", says="many")
        self.fails(2, "vm", "create", "--memory", "lots", says="lots")
        self.fails(2, "vm", "exec", "x")
        self.assertIsNone(self.b.daemon_pid())  # none of these commands started a daemon

    def test_invalid_vm_names_are_refused(self):
        for name in ("../x", "Web", "a" * 64, "-a", "a_b", "a-", "localhost", "3", "0x1"):
            done = self.b.run("vm", "create", f"--name={name}", "--no-start")
            self.assertIn(done.returncode, (2, 125), done.stderr)
            self.assertIn("cannot name a VM", done.stderr)
        self.assert_nothing_left()

    def test_missing_vms_images_kernels_and_files_are_named_in_the_error(self):
        self.fails(125, "vm", "show", "nobody", says="there is no vm 'nobody'")
        self.fails(125, "vm", "stop", "nobody", says="nobody")
        self.fails(125, "vm", "create", "--image", "no-such-image", says="no-such-image")
        self.fails(125, "image", "show", "debian-bookwrm", says="debian-bookworm")
        self.fails(125, "image", "inspect", "localhost:5000/x", says="(hint: banger image pull localhost:5000/x)")
        self.fails(125, "image", "inspect", "debian-bookwrm", says="or: banger image pull debian-bookwrm")
        self.fails(125, "kernel", "show", "nope", says="nope")
        self.fails(125, "kernel", "pull", "nope", says="nope")
        self.fails(125, "kernel", "import", "k", "--vmlinux", "/nowhere", says="/nowhere")
        self.assert_nothing_left()

    def test_impossible_sizes_are_refused(self):
        for flags, says in ((("--memory", "0"), "memory"), (("--memory", "1000000G"), "host"),
                            (("--disk-size", "1"), "disk"),
                            (("--vcpu", "0"), "vcpu"), (("--vcpu", "5000"), "vcpus")):
            done = self.b.run("vm", "create", *flags)
            self.assertIn(done.returncode, (2, 125), done.stderr)
            self.assertIn(says, done.stderr)
        self.assert_nothing_left()

    def test_invalid_rpc_parameters_are_refused(self):
        for method, params, *says in (
                ("vm.create", '{"naem": "web"}', "unknown parameter 'naem'", "did you mean 'name'?"),
                ("vm.delete", '{"vm": "x", "forec": true}', "unknown parameter 'forec'", "'force'"),
                ("vm.list", '{"vm": "x"}', "vm.list takes no parameters"),
                ("vm.show", '{}', "missing parameter 'vm'"),
                ("vm.show", '{"vm": null}', "missing parameter 'vm'"),
                ("vm.show", '{"vm": 1}', "parameter 'vm' must be a string"),
                ("vm.start", '{"vm": "x", "wait": "forever"}', '"agent" or "system"'),
                ("vm.exec", '{"vm": "x", "argv": ["id"]}', "unknown parameter 'argv'"),
                ("host.gc", '{"dryrun": true}', "'dry_run'")):
            self.fails(125, "rpc", method, params, says=list(says))
        self.assert_nothing_left()

    def test_a_config_with_a_typo_names_the_line_and_the_key(self):
        config = pathlib.Path(self.b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text('log_level = "info"\nlog_levle = "info"\n')
        self.fails(125, "vm", "list", says=["config.toml:2", "log_levle", "log_level"])
        config.write_text("log_level = [[[\n")
        self.fails(125, "vm", "list", says="config.toml:1")

    def test_a_state_directory_of_a_newer_version_is_refused_and_unchanged(self):
        self.b.ok("vm", "list")
        self.b.ok("daemon", "stop")
        db = sqlite3.connect(self.b.state / "banger.db")
        db.execute("PRAGMA user_version = 99")
        db.commit()
        db.close()
        self.fails(125, "vm", "list", says=["newer", "99"])
        db = sqlite3.connect(self.b.state / "banger.db")
        self.assertEqual(db.execute("PRAGMA user_version").fetchone()[0], 99)
        db.close()

    def test_the_first_command_starts_the_daemon_and_says_so(self):
        first = self.b.run("vm", "list")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("started the daemon", first.stderr)
        self.assertEqual(self.b.run("vm", "list").stderr, "")

    def test_a_second_daemon_is_refused(self):
        self.b.ok("daemon", "start")
        done = subprocess.run([BIN / "bangerd"], env=self.b.env, capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 125)
        self.assertIn(f"pid {self.b.daemon_pid()}", done.stderr)
        self.b.ok("vm", "list")

    def test_many_clients_at_once_start_one_daemon(self):
        clients = [self.b.popen("vm", "list", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(8)]
        for client in clients:
            _, err = client.communicate(timeout=180)
            self.assertEqual(client.returncode, 0, err)
        self.assertIsNotNone(self.b.daemon_pid())

    def test_a_stale_socket_is_replaced(self):
        run = self.b.state / "run"
        run.mkdir(parents=True, mode=0o700)
        os.chmod(self.b.state, 0o700)
        s = socket.socket(socket.AF_UNIX)
        s.bind(str(run / "bangerd.sock"))
        s.close()
        self.b.ok("vm", "list")
        self.b.kill_daemon()  # leaves its socket
        self.assertTrue((run / "bangerd.sock").exists())
        self.b.ok("vm", "list")

    def test_the_socket_and_its_directory_are_private(self):
        old = os.umask(0)
        try:
            self.b.ok("daemon", "start")
        finally:
            os.umask(old)
        run = self.b.state / "run"
        self.assertEqual(run.stat().st_mode & 0o777, 0o700)
        self.assertEqual(self.b.state.stat().st_mode & 0o777, 0o700)
        self.assertEqual((run / "bangerd.sock").stat().st_mode & 0o777, 0o600)
        for path in self.b.state.rglob("*"):
            if path.is_file():
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    @for_root
    def test_a_state_directory_of_another_user_is_refused(self):
        self.b.state.mkdir(parents=True)
        os.chown(self.b.state, 12345, 12345)
        self.fails(125, "vm", "list", says="another user")

    def test_daemon_stop_ends_it_and_status_never_starts_one(self):
        self.b.run("daemon", "status")
        self.assertIsNone(self.b.daemon_pid())
        self.b.ok("daemon", "start")
        pid = self.b.daemon_pid()
        self.assertEqual(self.b.json("daemon", "status")["pid"], pid)
        self.b.ok("daemon", "stop")
        self.assertIsNone(self.b.daemon_pid())
        self.assertFalse((self.b.state / "run" / "bangerd.sock").exists())

    def test_sigterm_ends_the_daemon_cleanly(self):
        self.b.ok("daemon", "start")
        os.kill(self.b.daemon_pid(), signal.SIGTERM)
        wait_until(lambda: self.b.daemon_pid() is None, "the daemon to end")
        self.assertFalse((self.b.state / "run" / "bangerd.sock").exists())

    def test_garbage_on_the_socket_does_not_harm_the_daemon(self):
        self.b.ok("daemon", "start")
        pid = self.b.daemon_pid()
        path = str(self.b.state / "run" / "bangerd.sock")
        for data in (b"\0" * 100, b"{}\n", b"[" * 100_000 + b"\n", b"x" * 3_000_000,
                     b'{"jsonrpc":"2.0","id":1,"method":"vm.show","params":[1]}\n',
                     b'{"jsonrpc":"2.0","id":null,"method":5}\n', b"\xff\xfe\n" * 1000):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(180)
            s.connect(path)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)  # so that the daemon does not wait for the rest of a request
                s.recv(1000)
            except OSError:
                pass
            s.close()
        self.b.ok("vm", "list")
        self.assertEqual(self.b.daemon_pid(), pid)

    def test_a_closed_stdout_does_not_crash_the_client(self):
        r, w = os.pipe()
        os.close(r)
        p = self.b.popen("vm", "list", "--json", stdout=w, stderr=subprocess.PIPE)
        os.close(w)
        _, err = p.communicate(timeout=180)
        self.assertNotIn(b"terminate", err)
        self.assertGreaterEqual(p.returncode, 0)  # not killed by a signal
        self.b.ok("vm", "list")

    def test_closed_standard_streams_are_reported_and_their_numbers_are_not_reused(self):
        self.b.ok("daemon", "start")

        def closed(*fds, words=("vm", "list")):
            p = self.b.popen(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: [os.close(fd) for fd in fds])
            out, err = p.communicate(timeout=180)
            return p.returncode, out.decode(), err.decode()

        plain = closed()
        self.assertEqual(plain[0], 0, plain)
        self.assertEqual(closed(0), plain)
        self.assertEqual(closed(2), plain)
        for words in (("vm", "list"), ("--version",), ("vm", "--help")):
            code, _, err = closed(1, words=words)
            self.assertEqual((code, err), (125, "banger: write to standard output: Bad file descriptor\n"), words)
        self.assertEqual(closed(0, 1, 2)[0], 125)
        self.assertEqual(closed(0, 1, 2, words=("vm", "show", "nobody"))[0], 125)

    def test_a_daemon_started_with_closed_streams_opens_nothing_else_on_their_numbers(self):
        daemon = subprocess.Popen([BIN / "bangerd"], env=self.b.env,
                                  preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
        self.addCleanup(daemon.wait, timeout=180)
        self.addCleanup(daemon.terminate)
        wait_until(lambda: self.b.run("daemon", "status").returncode == 0, "the daemon to answer")
        self.assertEqual([os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in (0, 1, 2)], ["/dev/null", "/", "/"])

    def test_output_is_only_data_and_every_command_has_help(self):
        self.assertEqual(self.b.json("vm", "list"), [])
        self.assertEqual(self.b.ok("vm", "list", "-q"), "")
        for words in ((), ("vm",), ("vm", "run"), ("vm", "create"), ("image",), ("kernel", "import"), ("daemon",),
                      ("doctor",), ("gc",), ("completion",)):
            out = self.b.ok(*words, "--help")
            self.assertIn("banger", out)
        self.assertIn("0.1.0", self.b.ok("--version"))

    def test_completion_never_starts_a_daemon(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("banger", self.b.ok("completion", shell))
        self.b.run("__complete", "--", "vm", "stop", "")
        self.assertIsNone(self.b.daemon_pid())

    def test_a_daemon_without_its_state_directory_ends(self):
        self.b.ok("daemon", "start")
        pid = self.b.daemon_pid()
        shutil.rmtree(self.b.state)
        wait_until(lambda: not alive(pid), "the daemon without a state directory to end")
        self.b.ok("vm", "list")
        # When the old daemon ends, it does not remove the socket of its successor.
        pid = self.b.daemon_pid()
        self.b.state.rename(self.b.state.with_name("aside"))
        self.b.ok("vm", "list")
        wait_until(lambda: not alive(pid), "the daemon without a state directory to end")
        self.assertEqual(self.b.run("vm", "list").stderr, "")

    def test_doctor_passes_architecture_and_qemu(self):
        checks = {c["name"]: c for c in self.b.json("doctor")} if self.b.run("doctor").returncode == 0 else None
        if checks is None:
            self.skipTest("doctor finds a failure on this host: " + self.b.run("doctor").stdout)
        self.assertEqual(checks["architecture"]["status"], "pass")
        self.assertEqual(checks["qemu"]["status"], "pass")

    def test_nothing_is_written_outside_the_xdg_directories(self):
        self.b.ok("vm", "list")
        self.b.ok("doctor") if self.b.run("doctor").returncode == 0 else None
        self.assertLessEqual({p.name for p in self.b.root.iterdir()}, {"config", "state", "data", "cache"})


class Completion(Case):
    def offered(self, *words):
        return {line.split("\t")[0] for line in self.b.ok("__complete", "--", *words).splitlines()
                if not line.startswith(":")}

    def test_completion_offers_names_from_a_running_daemon_except_those_on_the_command_line(self):
        b = self.b
        b.ok("vm", "create", "--name", "web", "--no-start")
        b.ok("vm", "create", "--name", "db", "--no-start")
        self.assertEqual(self.offered("vm", "stop", ""), {"web", "db"})
        self.assertEqual(self.offered("vm", "stop", "web", ""), {"db"})
        self.assertEqual(self.offered("vm", "delete", "w"), {"web"})
        self.assertEqual(self.offered("vm", "cp", "we"), {"web:"})
        self.assertEqual(self.offered("image", "show", ""), {IMAGE})
        self.assertEqual(self.offered("vm", "create", "--image", ""), {IMAGE})
        self.assertEqual(self.offered("kernel", "show", "deb"), {KERNEL})
        # The same through bash.
        script = ('eval "$(banger completion bash)"; COMP_WORDS=(banger vm stop web ""); COMP_CWORD=4; '
                  '_banger; echo "${COMPREPLY[@]}"')
        env = b.env | {"PATH": f"{BIN}:{b.env['PATH']}"}
        done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=180)
        self.assertEqual(done.stdout.split(), ["db"], done.stderr)

        b.ok("daemon", "stop")
        self.assertEqual(self.offered("vm", "stop", ""), set())
        self.assertIsNone(b.daemon_pid())
        b.ok("vm", "delete", "web", "db")


@for_root
class FullDisk(Case):
    def test_a_disk_that_fills_up_at_any_step_of_create_is_reported_and_the_create_undone(self):
        """Uses a file system with enough space but a limit on inodes. The limit grows by one each time, so that the
        create fails at every file that it makes."""
        small = self.b.root / "full"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=700,nr_inodes=200", "banger-full", str(small)],
                       check=True)
        full = Banger(data=self.b.env["XDG_DATA_HOME"], state=small)
        try:
            full.ok("daemon", "start")
            failures = 0
            for spare in range(30):
                used = sum(1 for _ in small.rglob("*")) + 1
                subprocess.run(["mount", "-o", f"remount,nr_inodes={used + spare}", str(small)], check=True)
                done = full.run("vm", "create", "--name", "big")
                if done.returncode == 0:
                    break
                self.assertEqual(done.returncode, 125, done.stderr)
                self.assertIn("No space left on device", done.stderr)
                self.assertEqual(full.json("vm", "list"), [], done.stderr)
                self.assertEqual(full.vm_dirs(), [])
                self.assertEqual(full.machines(), [])
                self.assertEqual(full.leftovers(), [])
                failures += 1
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(failures, 3)  # the directory, two disks, the guest's config, …
            full.ok("vm", "delete", "--force", "big")
            self.assertEqual(full.vm_dirs(), [])
        finally:
            full.destroy()
            subprocess.run(["umount", str(small)], check=True)

    def test_a_disk_without_room_for_a_vm_is_reported_and_the_create_undone(self):
        small = self.b.root / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "banger-small", str(small)], check=True)
        full = Banger(data=self.b.env["XDG_DATA_HOME"], state=small)
        try:
            done = full.run("vm", "create", "--name", "big")
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn("free", done.stderr)
            self.assertEqual(full.json("vm", "list"), [])
            self.assertEqual(full.vm_dirs(), [])
            self.assertEqual(full.machines(), [])
        finally:
            full.destroy()
            subprocess.run(["umount", str(small)], check=True)


class Interrupted(Case):
    def test_ctrl_c_during_create_undoes_it(self):
        self.b.ok("daemon", "start")
        for delay in sample((0.05, 0.4, 1.0), 2):
            p = self.b.popen("vm", "create", "--name", "c", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
            time.sleep(delay)  # so that the signal arrives at different steps
            p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=180)
            self.assertIn(p.returncode, (130, 0), err)
            if p.returncode == 130:
                wait_until(lambda: self.b.json("vm", "list") == [], "the create to be undone")
            else:
                self.b.ok("vm", "delete", "--force", "c")
            self.assert_nothing_left()


class InterruptedRun(SeededCase):
    def test_ctrl_c_during_run_rm_deletes_the_vm(self):
        p = self.b.popen("vm", "run", "--rm", *SHAPE, "--", "sh", "-c", "echo up; sleep 1000",
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"up\n")
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=180)
        wait_until(lambda: self.b.json("vm", "list") == [], "the VM to be deleted")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
