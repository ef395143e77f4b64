"""The blocking client against a daemon that follows docs/rpc.md."""
import os
import pathlib
import signal
import socket
import tempfile
import threading
import time
import unittest

from fake import FakeDaemon, FrameType, stream

import banger
from banger import calls


class ClientCase(unittest.TestCase):
    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        self.client = banger.Client(socket=self.daemon.path)

    def vm(self, run):
        self.daemon.methods["vm.exec"] = stream(run)
        return self.client.get("web")

    def wait_for(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.005)


class Calls(ClientCase):
    def test_a_call_sends_parameters_and_reads_the_object(self):
        self.daemon.methods["vm.list"] = {"vms": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}
        self.assertEqual([vm.name for vm in self.client.vms()], ["a", "b"])
        self.daemon.methods["vm.stop"] = {"id": "1", "state": "stopped"}
        self.assertEqual(self.client.call(calls.vm_stop("a", timeout_ms=5)).state, "stopped")
        self.assertEqual(self.daemon.calls, [("vm.list", {}), ("vm.stop", {"vm": "a", "timeout_ms": 5})])

    def test_errors_have_the_class_of_their_code(self):
        self.daemon.methods["vm.show"] = lambda peer, _: peer.fail("not_found", "there is no VM 'x'", "see vm list")
        with self.assertRaises(banger.NotFound) as caught:
            self.client.get("x")
        self.assertEqual((caught.exception.code, str(caught.exception)),
                         ("not_found", "there is no VM 'x' (hint: see vm list)"))

    def test_progress_is_reported_before_the_result(self):
        def create(peer, _):
            peer.progress("boot", 50)
            peer.result({"id": "1", "name": "a"})
        self.daemon.methods["vm.create"] = create
        seen = []
        with self.client.vm(on_progress=seen.append) as vm:
            self.assertEqual(vm.name, "a")
        self.assertEqual(seen, [banger.Progress("boot", "", 50)])

    def test_a_timeout_closes_the_connection_and_so_cancels_the_call(self):
        cancelled = threading.Event()

        def hang(peer, _):
            peer.read()
            cancelled.set()
        self.daemon.methods["image.list"] = hang
        with self.assertRaisesRegex(banger.Timeout, "did not answer image.list in time"):
            self.client.call(calls.image_list(), timeout=0.05)
        self.assertTrue(cancelled.wait(20))

    def test_a_daemon_that_goes_away_is_an_error_and_the_next_call_finds_the_next_daemon(self):
        self.daemon.methods["daemon.status"] = lambda peer, _: peer.close()
        with self.assertRaisesRegex(banger.Unavailable, "the daemon went away"):
            self.client.status()
        self.daemon.methods["daemon.status"] = {"pid": 7}
        self.assertEqual(self.client.status().pid, 7)

    def test_without_a_daemon_a_given_socket_is_not_replaced(self):
        with self.assertRaisesRegex(banger.Unavailable, "reach the daemon at /nonexistent"):
            banger.Client(socket="/nonexistent").status()

    def test_many_threads_share_a_client(self):
        self.daemon.methods["vm.show"] = lambda peer, params: peer.result({"id": params["vm"], "name": params["vm"]})
        names = [f"vm{number}" for number in range(40)]
        found = {}
        threads = [threading.Thread(target=lambda n=name: found.update({n: self.client.get(n).id})) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, {name: name for name in names})


class Start(unittest.TestCase):
    """A client that finds no daemon runs `banger daemon start`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)

    def client(self, script):
        program = self.home / "banger"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return banger.Client(env={"HOME": str(self.home), "PATH": os.environ["PATH"]}, binary=str(program))

    def test_the_reason_of_a_daemon_that_does_not_start_is_told(self):
        client = self.client("echo 'banger: the daemon did not start: no space (hint: see LOG)' >&2\n"
                             "echo '  code: exhausted' >&2; exit 125")
        with self.assertRaisesRegex(banger.Exhausted, r"did not start: no space \(hint: see LOG\)"):
            client.status()

    def test_the_daemon_is_started_with_the_variables_of_the_client(self):
        daemon = FakeDaemon()
        self.addCleanup(daemon.stop)
        daemon.methods["daemon.status"] = {"pid": 9}
        run = self.home / ".local/state/banger/run"
        client = self.client(f'echo "$*" > $HOME/words; mkdir -p {run}; ln -s {daemon.path} {run}/bangerd.sock')
        self.assertEqual(client.status().pid, 9)
        self.assertEqual((self.home / "words").read_text(), "-v daemon start\n")

    def test_a_program_that_is_missing_is_named(self):
        client = banger.Client(env={"HOME": str(self.home), "PATH": ""})
        with self.assertRaisesRegex(banger.Unavailable, "'banger' is not in PATH .*BANGER"):
            client.status()
        client = banger.Client(env={"HOME": str(self.home), "BANGER": "/none/banger", "PATH": ""})
        with self.assertRaisesRegex(banger.Unavailable, "there is no program '/none/banger'"):
            client.status()


class Commands(ClientCase):
    def test_run_gives_both_outputs_and_the_status(self):
        seen = {}

        def run(peer, spec, frames):
            seen.update(spec)
            peer.frame(FrameType.STARTED)
            seen["input"] = self.read_input(frames)
            peer.frame(FrameType.STDOUT, b"out")
            peer.frame(FrameType.STDERR, b"err")
            peer.exit(3)
        done = self.vm(run).run(["cat", b"\xff"], check=False, input="in\n", env={"A": "b"}, cwd="/tmp", user="ana")
        self.assertEqual((done.returncode, done.stdout, done.stderr, done.text), (3, b"out", b"err", "out"))
        self.assertEqual((seen["argv"], seen["env"], seen["cwd"], seen["user"], seen["input"]),
                         (["cat", {"base64": "/w=="}], {"A": "b"}, "/tmp", "ana", b"in\n"))

    @staticmethod
    def read_input(frames):
        data = b""
        for kind, payload in frames:
            if kind is FrameType.STDIN_END:
                break
            data += payload
        return data

    def test_a_failed_command_raises_with_its_last_words(self):
        def run(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDERR, b"no rule\n")
            peer.exit(2)
        with self.assertRaisesRegex(banger.CommandFailed, "'make test' ended with exit status 2: no rule") as caught:
            self.vm(run).run(["make", "test"])
        self.assertEqual(caught.exception.returncode, 2)

    def test_a_command_that_the_guest_lacks_raises_even_without_check(self):
        def run(peer, spec, frames):
            peer.frame(FrameType.FAILED, b'{"code":127,"message":"nope: command not found"}')
        with self.assertRaises(banger.NotStarted) as caught:
            self.vm(run).run(["nope"], check=False)
        self.assertEqual((caught.exception.returncode, str(caught.exception)), (127, "nope: command not found"))

    def test_much_input_and_output_at_once_do_not_block_each_other(self):
        def echo(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            for kind, payload in frames:
                if kind is FrameType.STDIN_END:
                    break
                peer.frame(FrameType.STDOUT, payload)
            peer.exit()
        data = os.urandom(1 << 16) * 64
        self.assertEqual(self.vm(echo).run(["cat"], input=data).stdout, data)
        with self.client.get("web").popen(["cat"]) as process:
            process.write(data)
            process.close_stdin()
            self.assertEqual(b"".join(chunk.data for chunk in process), data)
            self.assertEqual(process.wait(), 0)

    def test_output_over_the_limit_ends_the_command(self):
        ended = threading.Event()

        def flood(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            try:
                while True:
                    peer.frame(FrameType.STDOUT, b"x" * 65536)
            except OSError:
                ended.set()
        vm = self.vm(flood)
        with self.assertRaisesRegex(banger.Exhausted, "more than 100000 bytes"):
            vm.run("yes", max_output=100000)
        self.assertTrue(ended.wait(20))

    def test_a_timeout_ends_the_command_and_keeps_its_output(self):
        ended = threading.Event()

        def hang(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, b"begun\n")
            for _ in frames:
                pass
            ended.set()
        with self.assertRaises(banger.CommandTimeout) as caught:
            self.vm(hang).run(["sleep", "9"], timeout=0.2)
        self.assertEqual(caught.exception.stdout, b"begun\n")
        self.assertTrue(ended.wait(20))

    def test_a_guest_that_does_not_start_the_command_is_not_waited_for_without_end(self):
        vm = self.vm(lambda peer, spec, frames: list(frames))
        with self.assertRaisesRegex(banger.Timeout, "the guest did not answer in time"):
            vm.popen(["ls"], timeout=0.05)
        with self.assertRaises(banger.CommandTimeout):
            vm.run(["ls"], timeout=0.05)

    def test_a_lost_connection_is_no_end_of_the_command(self):
        def lose(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, b"half")
        with self.assertRaisesRegex(banger.Unavailable, "lost before it ended"):
            self.vm(lose).run(["ls"])

    def test_callbacks_get_output_as_it_comes_and_their_errors_end_the_command(self):
        def run(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, b"a")
            peer.frame(FrameType.STDERR, b"b")
            peer.exit()
        out, err = [], []
        done = self.vm(run).run(["x"], on_stdout=out.append, on_stderr=err.append)
        self.assertEqual((out, err, done.stdout, done.stderr), ([b"a"], [b"b"], b"", b""))
        with self.assertRaises(ZeroDivisionError):
            self.client.get("web").run(["x"], on_stdout=lambda data: 1 / 0)

    def test_lines_and_signals_of_a_process(self):
        got = []

        def run(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, "é1\nz".encode()[:1])
            peer.frame(FrameType.STDOUT, "é1\nz".encode()[1:])
            got.append(next(frames))
            peer.exit(-15)
        with self.vm(run).popen(["x"], terminal=banger.Terminal()) as process:
            lines = process.lines()
            self.assertEqual(next(lines), "é1")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(list(lines), ["z"])
            self.assertEqual(process.returncode, -15)
            self.assertRaises(BrokenPipeError, process.write, b"late")
        self.assertEqual(got, [(FrameType.SIGNAL, b"\x0f")])


class Lifetime(ClientCase):
    def test_a_block_deletes_its_vm_and_its_forks(self):
        self.daemon.methods["vm.fork"] = {"vms": [{"id": "c1", "name": "c"}]}
        with self.client.vm(memory="1G") as vm:
            vm.fork()
            self.assertEqual(self.daemon.calls[0], ("vm.create", {"memory_bytes": 1 << 30, "ephemeral": True}))
        deleted = [params["vm"] for method, params in self.daemon.calls if method == "vm.delete"]
        self.assertEqual(deleted, ["c1", "vm1"])

    def test_a_fork_that_cannot_be_deleted_does_not_keep_its_parent(self):
        def delete(peer, params):
            peer.fail("busy", "not now") if params["vm"] == "c1" else peer.result(params)
        self.daemon.methods.update({"vm.fork": {"vms": [{"id": "c1", "name": "child"}]}, "vm.delete": delete})
        with self.assertWarnsRegex(ResourceWarning, "the VM 'child' is left: not now"):
            with self.client.vm() as vm:
                vm.fork()
        self.assertEqual(self.daemon.calls[-1][1], {"vm": "vm1", "force": True})

    def test_the_daemon_sees_the_end_of_the_connection_only_after_the_block(self):
        ended = threading.Event()

        def create(peer, _):
            peer.result({"id": "vm1", "name": "web"})
            peer.read()
            ended.set()
        self.daemon.methods["vm.create"] = create
        with self.client.vm():
            self.assertFalse(ended.wait(0.05))
        self.assertTrue(ended.wait(20))

    def test_kept_vms_and_vms_that_were_found_stay(self):
        with self.client.vm(keep=True), self.client.get("web"):
            pass
        self.assertNotIn("vm.delete", self.daemon.methods_called())

    def test_a_vm_that_is_gone_already_is_no_error_at_the_end(self):
        self.daemon.methods["vm.delete"] = lambda peer, _: peer.fail("not_found", "gone")
        with self.client.vm():
            pass

    def test_the_end_of_the_daemon_explains_why_the_vm_is_gone(self):
        def create(peer, _):
            peer.result({"id": "vm1", "name": "web"})
            peer.close()
        self.daemon.methods["vm.create"] = create
        self.daemon.methods["vm.stats"] = lambda peer, _: peer.fail("not_found", "there is no VM 'vm1'")
        vm = self.client.create()
        self.addCleanup(vm._lease.close)
        self.wait_for(lambda: vm._lease.is_gone())
        with self.assertRaisesRegex(banger.NotFound, "keep=True"):
            vm.stats()

    def test_a_fork_of_the_process_neither_deletes_nor_holds_the_vm(self):
        ended = threading.Event()

        def create(peer, _):
            peer.result({"id": "vm1", "name": "web"})
            peer.read()
            ended.set()
        self.daemon.methods["vm.create"] = create
        vm = self.client.create()
        release, hold = os.pipe()
        child = os.fork()
        if child == 0:  # its `close` must do nothing, and then it must not keep the connection open
            try:
                vm.close()
                os.close(hold)
                os.read(release, 1)
            finally:
                os._exit(0)
        os.close(release)
        self.assertFalse(ended.wait(0.1))
        self.assertNotIn("vm.delete", self.daemon.methods_called())
        vm.close()
        self.assertTrue(ended.wait(20), "the child holds the connection")
        os.close(hold)
        os.waitpid(child, 0)


class Streams(ClientCase):
    def test_events_come_one_by_one_and_a_late_one_is_not_lost(self):
        more = threading.Event()

        def events(peer, params):
            peer.result({})
            peer.send({"sequence": 1, "event": "current", "name": "web"})
            more.wait(20)
            peer.send({"sequence": 2, "event": "stopped", "name": "web"})
            peer.close()
        self.daemon.methods["vm.events"] = events
        with self.client.events(["web"], since_ms=5) as stream:
            self.assertEqual(next(stream).event, "current")
            self.assertRaises(banger.Timeout, stream.next, timeout=0.02)
            more.set()
            self.assertEqual([event.event for event in stream], ["stopped"])
        self.assertIn(("vm.events", {"vms": ["web"], "since_ms": 5}), self.daemon.calls)

    def test_a_file_is_read_written_and_too_large_ones_are_refused(self):
        files = {}

        def put(peer, params):
            peer.result({})
            files[params["only"]] = peer.lines.read()
            peer.send({"ok": True})
            peer.close()

        def get(peer, params):
            peer.result({"type": "file", "name": "web"})
            peer.sock.sendall(files["a.txt"])
            peer.close()
        self.daemon.methods.update({"vm.put_files": put, "vm.get_files": get})
        vm = self.client.get("web")
        data = os.urandom(3 << 20)
        vm.files.write("/srv/a.txt", data, mode=0o600)
        self.assertEqual(vm.files.read("/srv/a.txt"), data)
        self.assertRaises(banger.Exhausted, vm.files.read, "/srv/a.txt", max_bytes=100)
        self.assertRaises(banger.Exhausted, vm.files.read, "/srv/a.txt", max_bytes=(3 << 20) - 1)
        vm.files.write("a.txt", "short")
        self.assertEqual(vm.files.read_text("a.txt"), "short")
        puts = [params for method, params in self.daemon.calls if method == "vm.put_files"]
        self.assertEqual(puts[1], {"vm": "vm1", "path": "/root", "replace_attributes": False, "follow_link": True,
                                   "only": "a.txt"})

    def test_an_upload_that_the_guest_refuses_early_does_not_block(self):
        def put(peer, params):
            peer.result({})
            peer.send({"error": {"code": "exhausted", "message": "no space left"}})
            peer.sock.shutdown(socket.SHUT_WR)
            peer.lines.read1(1)
        self.daemon.methods["vm.put_files"] = put
        with self.assertRaisesRegex(banger.Exhausted, "no space left"):
            self.client.get("web").files.write("a", b"x" * (8 << 20))

    def test_a_tunnel_has_two_directions(self):
        def tunnel(peer, params):
            peer.result({"id": "vm1", "name": "web"})
            peer.sock.sendall(peer.lines.read().upper())
            peer.close()
        self.daemon.methods["vm.tunnel"] = tunnel
        with self.client.get("web").connect(80) as connection:
            connection.write(b"hello")
            connection.end_writing()
            self.assertEqual(connection.read(3), b"HEL")
            self.assertEqual(connection.read(), b"LO")
            self.assertEqual(connection.read(), b"")

    def test_logs_are_bytes(self):
        def logs(peer, params):
            peer.result({})
            peer.sock.sendall(b"a\xff" * 100000)
            peer.close()
        self.daemon.methods["vm.logs"] = logs
        self.assertEqual(len(self.client.get("web").logs()), 200000)

    def test_a_session_that_is_taken_over_tells_so_and_closing_leaves_it(self):
        def attach(peer, params):
            peer.result({"id": "s1", "name": "main"})
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.POSITION, bytes(24))
            peer.frame(FrameType.STDOUT, b"prompt")
            peer.frame(FrameType.FAILED, b'{"code":125,"message":"another client has taken the session over"}')
            peer.close()
        self.daemon.methods.update({"vm.session.show": {"id": "s1", "name": "main", "state": "running"},
                                    "vm.session.attach": attach})
        with self.client.get("web").sessions.get("main").attach() as process:
            self.assertEqual(process.read().data, b"prompt")
            self.assertRaisesRegex(banger.Unavailable, "taken the session over", process.read)


if __name__ == "__main__":
    unittest.main()
