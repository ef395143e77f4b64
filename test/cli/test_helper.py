"""The real root helper, started by root for another user. It gets valid, invalid, huge and slow requests, also from
other users."""
import array
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, Banger, listens, wait_until  # noqa: E402
from marks import for_root  # noqa: E402

OWNER, STRANGER = "daemon", "nobody"  # users that every Debian has
LIMIT = 64 * 1024


def as_user(name):
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def fork_as(name, work):
    """Runs `work` in a child process of that user. Returns the child's pid."""
    user = pwd.getpwnam(name)
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        work()
        status = 0
    finally:
        os._exit(status)


def converse(path, request, pause, answer_fd):
    """Sends a request to the socket `path` and copies the answer to `answer_fd`.

    With `pause` > 0, disconnects after that many seconds without reading. With `pause` < 0, shuts down the sending
    side."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(path))
        try:
            s.sendall(request)
        except OSError:
            pass  # the helper has closed the connection before the end of the request
        if pause > 0:
            time.sleep(pause)
            return
        if pause < 0:
            s.shutdown(socket.SHUT_WR)
        try:
            while piece := s.recv(65536):
                os.write(answer_fd, piece)
        except ConnectionResetError:
            pass


@for_root
class Helper(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="banger-helper-"))
        self.dir.chmod(0o755)
        self.config = self.dir / "install.toml"
        self.config.write_text(f'owner = "{OWNER}"\nbridge_name = "br-none"\n')
        self.config.chmod(0o644)
        self.socket = self.dir / "run" / "helper.sock"
        self.log = self.dir / "log"
        self.helper = self.start()
        wait_until(lambda: self.socket.exists() and "helper.started" in self.log.read_text(), "the helper to listen")

    def tearDown(self):
        self.helper.terminate()
        self.helper.wait(180)
        subprocess.run(["rm", "-rf", self.dir])

    def start(self):
        with open(self.log, "ab") as log:
            # The helper has its own network namespace, so that the tests do not change this host's network.
            return subprocess.Popen(["/usr/bin/unshare", "--net", BIN / "bangerd-root", "--config", self.config,
                                     "--socket", self.socket], stderr=log, stdin=subprocess.DEVNULL,
                                    env={"PATH": "/nowhere"})

    def ask(self, request, user=OWNER, pause=0.0):
        """Sends raw bytes or a request object. Returns the helper's answer, or None if there is none."""
        data = request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
        reader, writer = os.pipe()
        pid = fork_as(user, lambda: converse(self.socket, data, pause, writer))
        os.close(writer)
        with open(reader, "rb") as answers:
            answer = answers.read()
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
            raise PermissionError(f"{user} cannot connect")
        return json.loads(answer) if answer else None

    def refused(self, request, code, **kwargs):
        answer = self.ask(request, **kwargs)
        self.assertIn("error", answer, request)
        self.assertEqual(answer["error"]["code"], code, answer)
        return answer["error"]["message"]

    def lines(self):
        return self.log.read_text().splitlines()

    def test_the_owner_and_root_get_answers_and_are_logged(self):
        for user in (OWNER, "root"):
            self.assertIn("version", self.ask({"operation": "helper.version", "arguments": {}}, user)["result"])
        done = [line for line in self.lines() if "helper.request" in line]
        self.assertEqual(len(done), 2)
        self.assertIn(f"uid={pwd.getpwnam(OWNER).pw_uid} ", done[0])
        self.assertIn("operation=helper.version", done[0])
        self.assertIn("outcome=done", done[0])

    def test_other_users_cannot_connect_and_get_no_answer(self):
        with self.assertRaises(PermissionError):
            self.ask({"operation": "helper.version"}, STRANGER)
        self.socket.chmod(0o666)  # the helper must not depend on the mode of its socket
        self.assertIsNone(self.ask({"operation": "helper.version"}, STRANGER))
        self.assertTrue(any("helper.refused" in line and f"uid={pwd.getpwnam(STRANGER).pw_uid}" in line
                            for line in self.lines()))
        self.assertFalse(any("helper.request" in line for line in self.lines()))

    def test_an_invalid_request_is_refused(self):
        for request in (b"\n", b"{}\n", b"[]\n", b"null\n", b"\x00\xff\n", b"{" * 1000 + b"\n",
                        b'{"operation": "helper.version"} {}\n',
                        b'{"operation": "helper.version", "extra": 1}\n',
                        b'{"operation": "helper.version"}\n{"operation": "helper.version"}\n'):
            self.refused(request, "invalid")
        self.refused(b'{"operation": ', "invalid", pause=-1)
        self.refused({"operation": "../../bin/sh"}, "not_found")
        self.refused({"operation": "helper.version", "arguments": {"x": 1}}, "invalid")
        self.assertEqual(sum("helper.request" in line for line in self.lines()), 12)
        self.assertTrue(all("outcome=done" not in line for line in self.lines()))

    def test_arguments_out_of_range_change_nothing(self):
        for port in (0, -1, 53, 65536, 2**63, "42069", 1.5, None, True, [], {}, "1; reboot"):
            self.refused({"operation": "dns.route", "arguments": {"port": port}}, "invalid")
        self.refused({"operation": "dns.route", "arguments": {"port": 42069, "interface": "eth0"}}, "invalid")
        self.refused({"operation": "dns.route"}, "invalid")

    def test_a_huge_request_is_cut_off(self):
        self.refused(b'{"operation": "' + b"x" * LIMIT + b'"}\n', "invalid")
        self.refused(b"x" * (50 * LIMIT), "invalid")
        self.assertLess(max(len(line) for line in self.lines()), 8192)

    def test_each_log_entry_is_one_printable_line(self):
        self.refused({"operation": "x\n2026-01-01T00:00:00Z info helper.request outcome=done\x1b[2J"}, "not_found")
        for line in self.lines():
            self.assertTrue(line.isprintable(), line)
            self.assertFalse(line.startswith("2026-01-01"))

    def test_slow_and_silent_clients_do_not_block_others(self):
        idle = [socket.socket(socket.AF_UNIX) for _ in range(8)]
        for each in idle:
            each.connect(str(self.socket))
            each.sendall(b'{"operation"')
        self.assertIn("result", self.ask({"operation": "helper.version"}))
        for each in idle:  # each gets a timeout error
            self.assertIn(b"timeout", each.recv(LIMIT))
            each.close()

    def test_clients_that_disconnect_early_do_no_harm(self):
        for _ in range(20):
            self.ask({"operation": "helper.version"}, pause=0.001)
        self.assertIn("result", self.ask({"operation": "helper.version"}))
        wait_until(lambda: not self.children(), "the handlers to end")

    def children(self):
        return pathlib.Path(f"/proc/{self.helper.pid}/task/{self.helper.pid}/children").read_text().split()

    def test_descriptors_from_a_client_are_dropped(self):
        with socket.socket(socket.AF_UNIX) as each, open("/dev/null") as null:
            each.connect(str(self.socket))
            each.sendmsg([b'{"operation": "helper.version"}\n'],
                         [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * 5))])
            self.assertIn(b"result", each.recv(LIMIT))
        with socket.socket(socket.AF_UNIX) as each, open("/dev/null") as null:
            each.connect(str(self.socket))
            each.sendmsg([b'{"operation": "helper.version"}\n'],
                         [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * 100))])
            self.assertIn(b"error", each.recv(LIMIT))

    def test_it_drops_unneeded_capabilities(self):
        status = dict(line.split(":\t", 1)
                      for line in pathlib.Path(f"/proc/{self.helper.pid}/status").read_text().splitlines()
                      if ":\t" in line)
        # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_MKNOD. Each is needed by some operation, but
        # no operation needs all of them.
        needed = sum(1 << number for number in (0, 1, 12, 21, 27))
        self.assertEqual(int(status["CapEff"], 16), needed)
        self.assertEqual(int(status["CapPrm"], 16), needed)
        self.assertEqual(int(status["CapBnd"], 16), needed)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")

    def test_a_second_helper_does_not_take_the_socket(self):
        second = subprocess.run([BIN / "bangerd-root", "--config", self.config, "--socket", self.socket],
                                capture_output=True, text=True, timeout=180)
        self.assertEqual(second.returncode, 125)
        self.assertIn("another root helper already listens", second.stderr)
        self.assertIn("result", self.ask({"operation": "helper.version"}))

    def test_a_killed_helper_can_be_started_again(self):
        self.helper.kill()
        self.helper.wait()
        self.log.write_text("")
        self.helper = self.start()
        wait_until(lambda: "helper.started" in self.log.read_text(), "the next helper")
        self.assertIn("result", self.ask({"operation": "helper.version"}))

    def test_the_owners_daemon_finds_the_helper_and_doctor_says_so(self):
        banger = Banger(config='network = "user"\n')  # the daemon is not in the helper's network namespace
        try:
            banger.env["BANGER_HELPER_SOCKET"] = str(self.socket)
            check = self.doctor(banger)
            self.assertEqual(check["status"], "pass", check)
            self.assertIn(str(self.socket), check["detail"])
            self.helper.terminate()
            self.helper.wait(180)
            self.assertEqual(self.doctor(banger)["status"], "warn")
            # A socket of another user in the same place is not accepted as the helper.
            self.socket.unlink()
            self.serve_as_another_user()
            check = self.doctor(banger)
            self.assertEqual(check["status"], "warn")
            self.assertIn("instead of root", check["detail"])
        finally:
            banger.destroy()

    def serve_as_another_user(self):
        theirs = self.dir / "theirs"
        theirs.mkdir()
        os.chown(theirs, pwd.getpwnam(STRANGER).pw_uid, -1)
        def serve():
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(str(theirs / "s"))
                s.listen()
                time.sleep(1000)
        pid = fork_as(STRANGER, serve)
        self.addCleanup(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))
        wait_until(lambda: listens(theirs / "s"), "the false helper")
        os.symlink(theirs / "s", self.socket)

    def doctor(self, banger):
        done = banger.run("doctor", "--json")
        return next(check for check in json.loads(done.stdout) if check["name"] == "root helper")


@for_root
class Refusals(unittest.TestCase):
    """Conditions under which the helper does not start."""

    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="banger-helper-")
        self.dir = pathlib.Path(self.place.name)
        self.dir.chmod(0o755)
        self.addCleanup(self.place.cleanup)
        self.config = self.dir / "install.toml"

    def fails(self, says, text=None, mode=0o644, program=BIN / "bangerd-root", status=125, **kwargs):
        if text is not None:
            self.config.write_text(text)
            self.config.chmod(mode)
        done = subprocess.run([program, "--config", self.config, "--socket", self.dir / "run/s"], capture_output=True,
                              text=True, timeout=180, **kwargs)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertFalse((self.dir / "run/s").exists())

    def test_it_refuses_to_run_without_root_or_with_a_setuid_bit(self):
        self.config.write_text('owner = "daemon"\n')
        program = self.dir / "bangerd-root"
        program.write_bytes((BIN / "banger").read_bytes())
        program.chmod(0o755)
        self.fails("must be started by root", program=program, status=2, **as_user(STRANGER))
        program.chmod(0o4755)
        self.fails("must not be setuid", program=program, status=2, **as_user(STRANGER))

    def test_a_config_writable_by_others_or_with_errors_is_refused(self):
        self.fails("install.toml")
        self.fails("other than root", 'owner = "daemon"\n', mode=0o666)
        self.fails("there is no user", 'owner = "nobody-of-that-name"\n')
        self.fails("unknown key", 'owner = "daemon"\nshell = "/bin/sh"\n')
        self.fails("not a plain path", 'owner = "daemon"\nroots = ["/home/../etc"]\n')


if __name__ == "__main__":
    unittest.main()
