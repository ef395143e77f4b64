"""The protocol without input and output: lines, frames, values, objects and errors."""
import inspect
import pickle
import subprocess
import unittest

import fake  # noqa: F401 (finds the package)
from banger import _types, calls
from banger import _errors as errors
from banger._command import Collected, Chunk, Command
from banger._frames import FrameDecoder, FrameType, Terminal, decode_end, encode_frame, encode_input, encode_spec
from banger._options import VmOptions, create_call
from banger._program import program_error
from banger._protocol import LineReader, Progress, encode_call, error_from, parse_message
from banger._tar import check_upload, pack, parse_list, split, unpack
from banger._types import UploadResult, VmObject
from banger._values import byte_string, size, words


def frames_of(data):
    decoder = FrameDecoder(data)
    found = []
    while frame := decoder.next():
        found.append(frame)
    return found


class Lines(unittest.TestCase):
    def test_a_line_may_come_in_pieces_and_bytes_behind_it_are_kept(self):
        reader = LineReader()
        for byte in b'{"a":':
            reader.feed(bytes([byte]))
            self.assertIsNone(reader.next())
        reader.feed(b'1}\nstream')
        self.assertEqual(reader.next(), b'{"a":1}')
        self.assertEqual(reader.rest(), b"stream")

    def test_a_line_without_end_is_refused_at_the_limit(self):
        reader = LineReader()
        reader.feed(b"x" * (_types.MESSAGE_BYTES + 1))
        self.assertRaises(errors.Corrupt, reader.next)

    def test_a_call_that_is_too_long_or_not_unicode_is_refused_before_it_is_sent(self):
        self.assertRaises(errors.Invalid, encode_call, 1, "vm.show", {"vm": "x" * _types.MESSAGE_BYTES})
        self.assertRaises(errors.Invalid, encode_call, 1, "vm.show", {"vm": "\udcff"})

    def test_messages_are_results_errors_and_progress(self):
        self.assertEqual(parse_message(b'{"id":1,"result":{"a":1}}').result, {"a": 1})
        error = parse_message(b'{"id":1,"error":{"code":-32000,"message":"no","data":{"code":"busy","hint":"wait"}}}')
        self.assertIsInstance(error.error, errors.Busy)
        self.assertEqual(str(error.error), "no (hint: wait)")
        progress = parse_message(b'{"method":"progress","params":{"id":1,"stage":"boot","detail":"","percent":7}}')
        self.assertEqual(progress, Progress("boot", "", 7))
        for line in (b"{", b"[]", b"\xff"):
            self.assertRaises(errors.Corrupt, parse_message, line)

    def test_an_error_in_an_odd_form_is_still_an_error(self):
        self.assertIsInstance(error_from(None), errors.Corrupt)
        self.assertIsInstance(error_from({"message": "x"}), errors.Internal)
        self.assertIsInstance(error_from({"message": "x", "data": {"code": "of a newer daemon"}}), errors.Internal)


class Errors(unittest.TestCase):
    def test_each_code_of_the_daemon_has_a_class(self):
        self.assertEqual(set(_types.ERROR_CODES), set(errors.CLASSES))

    def test_errors_pass_between_processes(self):
        for error in (errors.Busy("no", "wait", 16), errors.NotStarted("x: not found", returncode=127),
                      errors.CommandFailed(["a", b"\xff"], 3, b"out", b"err"),
                      errors.CommandTimeout(["a"], 1.5, b"out", b"")):
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(again), str(again)), (type(error), str(error)))

    def test_failed_commands_are_the_errors_of_subprocess_too(self):
        failed = errors.CommandFailed(["make", "test"], 2, b"", b"cc x.c\nmake: *** [test] Error 1\n")
        self.assertIsInstance(failed, subprocess.CalledProcessError)
        self.assertEqual(str(failed), "the command 'make test' ended with exit status 2: make: *** [test] Error 1")
        late = errors.CommandTimeout(["sleep"], 2, b"", b"")
        self.assertIsInstance(late, (subprocess.TimeoutExpired))
        self.assertIsInstance(late, TimeoutError)
        self.assertEqual(late.code, "timeout")

    def test_the_reason_of_a_failed_program_is_its_last_line(self):
        text = (b"banger: started the daemon (pid 7)\nbanger: vm 'x': does not exist (hint: see 'banger vm list')\n"
                b"  vm 'x'\n    does not exist\n  code: not_found\n")
        error = program_error(text)
        self.assertIsInstance(error, errors.NotFound)
        self.assertEqual((error.message, error.hint), ("vm 'x': does not exist", "see 'banger vm list'"))
        self.assertIsInstance(program_error(b"banger: unknown option --x\n"), errors.Invalid)
        self.assertIsInstance(program_error(b"Killed\n"), errors.Internal)


class Values(unittest.TestCase):
    def test_bytes_that_are_not_text_become_base64(self):
        self.assertEqual(byte_string("é"), "é")
        self.assertEqual(byte_string(b"\xff"), {"base64": "/w=="})
        self.assertEqual(byte_string("\udcff"), {"base64": "/w=="})  # as os.fsdecode makes it
        self.assertRaises(errors.Invalid, byte_string, "\ud800")

    def test_sizes_are_those_of_the_command_line(self):
        for text, value in (("2G", 2 << 30), ("512M", 512 << 20), ("1.5GiB", 3 << 29), ("4096", 4096), ("1KB", 1024)):
            self.assertEqual(size(text), value)
        self.assertEqual(size(7), 7)
        for text in ("", "G", "2X", "-1", "1e3"):
            self.assertRaises(errors.Invalid, size, text)

    def test_a_string_is_a_line_for_the_shell(self):
        self.assertEqual(words("make && ls"), ["sh", "-c", "make && ls"])
        self.assertEqual(words(("ls", b"\xff")), ["ls", b"\xff"])
        self.assertRaises(errors.Invalid, words, [])
        self.assertRaises(errors.Invalid, words, b"ls")

    def test_options_become_parameters_and_only_those_that_are_given(self):
        call = create_call(VmOptions(memory="2G", env={"A": "b"}, allow=["example.org"], from_snapshot="s"))
        self.assertEqual(call.params, {"memory_bytes": 2 << 30, "environment": {"A": "b"}, "allow": ["example.org"],
                                       "from": "s", "ephemeral": True})
        self.assertEqual(create_call(VmOptions(keep=True)).params, {"ephemeral": False})
        every = create_call({name: 1 for name in VmOptions.__annotations__} | {"env": {"A": ""}, "labels": {"a": ""},
                                                                             "allow": ["a"], "publish": ["1:1"],
                                                                             "secrets": {"A@a.org": "x"}})
        known = {name.rstrip("_") for name in inspect.signature(calls.vm_create).parameters}
        self.assertEqual(set(every.params), known - {"start"})
        secrets = create_call(VmOptions(secrets={"A@a.org,b.org": "x", "B@a.org": None})).params
        self.assertEqual(secrets, {"secrets": ["A@a.org,b.org", "B@a.org"], "secret_values": {"A": "x"},
                                   "ephemeral": True})
        with self.assertRaisesRegex(TypeError, "no option 'cpus'"):
            create_call({"cpus": 2})


class Objects(unittest.TestCase):
    def test_fields_that_are_unknown_are_ignored_and_those_that_are_absent_have_defaults(self):
        vm = VmObject.from_json({"id": "1", "pid": None, "of_a_newer_daemon": [], "metrics": {"disk_reads": 3},
                                 "stages": [{"name": "boot", "ms": 1}], "config": {"cmd": ["sh"]}})
        self.assertEqual((vm.id, vm.pid, vm.name, vm.labels), ("1", None, "", {}))
        self.assertEqual((vm.metrics, vm.stages[0].ms, vm.config.cmd), ({"disk_reads": 3}, 1.0, ["sh"]))

    def test_values_of_another_type_are_refused_by_the_name_of_their_field(self):
        for json in ({"vcpus": "2"}, {"vcpus": True}, {"labels": []}, {"publish": [1]}, {"nat": 1}, {"stages": {}}):
            with self.assertRaisesRegex(errors.Corrupt, f"the VM object: the field '{next(iter(json))}'"):
                VmObject.from_json(json)
        self.assertRaises(errors.Corrupt, VmObject.from_json, [])

    def test_calls_have_the_names_of_the_daemon_and_leave_out_none(self):
        call = calls.vm_put_files("web", b"/tmp/\xff", only="x")
        self.assertEqual((call.method, call.params),
                         ("vm.put_files", {"vm": "web", "path": {"base64": "L3RtcC//"}, "only": "x"}))
        self.assertEqual(calls.daemon_stop().read({}), None)


class Frames(unittest.TestCase):
    def test_long_specs_and_inputs_are_cut_into_frames(self):
        spec = frames_of(encode_spec(["echo", "x" * 100000]))
        self.assertEqual([kind for kind, _ in spec], [FrameType.SPEC_PART, FrameType.SPEC])
        data = frames_of(encode_input(b"y" * 150000))
        self.assertEqual([len(payload) for _, payload in data], [65536, 65536, 18928])
        self.assertEqual(encode_input(b""), b"")

    def test_specs_have_odd_bytes_and_terminals(self):
        (_, payload), = frames_of(encode_spec([b"\xff"], {"A": b"\xfe"}, "/root", "ana", Terminal(2, 3, "vt")))
        self.assertEqual(payload, b'{"argv":[{"base64":"/w=="}],"env":{"A":{"base64":"/g=="}},"cwd":"/root",'
                                  b'"tty":true,"user":"ana","rows":2,"cols":3,"term":"vt"}')
        (_, payload), = frames_of(encode_spec(["a"], {"\udcff": "b"}))
        self.assertIn(b'"env":[{"base64":"/z1i"}]', payload)

    def test_what_linux_cannot_run_is_refused_here(self):
        for argv, env in ((["a\0"], {}), (["x" * 131072], {}), (["a"], {"": "b"}), (["a"], {"A=": "b"}),
                          (["y" * 100000] * 21, {})):
            self.assertRaises(errors.Invalid, encode_spec, argv, env)

    def test_hostile_frames_are_refused(self):
        for data in (b"\x11\xff\xff\xff\xff", b"\x07\0\0\0\0", b"\x00\0\0\0\0"):
            self.assertRaises(errors.Corrupt, FrameDecoder(data).next)
        for payload in (b"", b"{}", b"[]", b'{"code":1,"signal":2}', b'{"code":256}', b'{"code":"1"}',
                        b'{"signal":65}'):
            self.assertRaises(errors.Corrupt, decode_end, FrameType.EXIT, payload)

    def test_a_command_ends_once_and_then_sends_nothing(self):
        end = encode_frame(FrameType.EXIT, b'{"signal":9}')
        command = Command(encode_frame(FrameType.STARTED) + encode_frame(FrameType.STDERR, b"e") + end + b"garbage")
        self.assertEqual((command.started, command.end.returncode), (True, -9))
        self.assertEqual(command.next_chunk(), Chunk("stderr", b"e"))
        command.send_input(b"late")
        command.send_signal(15)
        command.end_input()
        self.assertEqual(command.unsent, b"")
        self.assertRaises(ValueError, command.send_input, b"after the end of input")

    def test_empty_output_takes_no_memory(self):
        command = Command(encode_frame(FrameType.STDOUT) * 10000)
        self.assertEqual((len(command.chunks), command.pending_bytes), (0, 0))

    def test_a_frame_of_clients_or_a_lost_connection_is_an_error(self):
        self.assertRaises(errors.Corrupt, Command, encode_frame(FrameType.STDIN, b"x"))
        self.assertRaises(errors.Unavailable, Command(b"").gone)

    def test_output_is_collected_up_to_its_limit(self):
        collected = Collected(3)
        self.assertTrue(collected.add(Chunk("stdout", b"abc")))
        self.assertFalse(collected.add(Chunk("stderr", b"abcd")))
        self.assertEqual((collected.stdout, collected.stderr), (b"abc", b"abc"))


class Tars(unittest.TestCase):
    def test_a_file_travels_with_an_odd_name_and_its_mode(self):
        self.assertEqual(unpack(pack(b"\xff" * 120, b"data", 0o600), b"x"), b"data")

    def test_copies_that_are_cut_or_no_file_are_refused(self):
        whole = pack(b"a", b"d" * 4000, 0o644)
        self.assertRaises(errors.Corrupt, unpack, whole[:2000], b"/a")
        self.assertRaises(errors.Corrupt, unpack, b"no tar" * 200, b"/a")
        self.assertRaises((errors.NotFound, errors.Corrupt), unpack, b"", b"/a")

    def test_paths_without_a_name_are_refused(self):
        self.assertEqual(split(b"/a/b"), (b"/a", b"b"))
        for path in (b"/", b"/a/", b"/a/..", b"."):
            self.assertRaises(errors.Invalid, split, path)

    def test_uploads_that_failed_raise(self):
        check_upload(UploadResult.from_json({"ok": True}), b"/a")
        for json, error in (({"error": {"code": "exhausted", "message": "full"}}, errors.Exhausted),
                            ({"ok": True, "left_out": [{"path": "a", "reason": "a device"}]}, errors.Invalid),
                            ({}, errors.Corrupt)):
            self.assertRaises(error, check_upload, UploadResult.from_json(json), b"/a")

    def test_names_in_a_directory_may_have_any_bytes(self):
        rows = b"81a4 3 17 ./b/\n41ed 4096 18 ./a\n b\xff/\na1ff 1 19 ./l/\n"
        found = parse_list(rows)
        self.assertEqual([(e.name, e.type, e.size) for e in found],
                         [("a\n b\udcff", "directory", 4096), ("b", "file", 3), ("l", "symlink", 1)])
        self.assertRaises(errors.Corrupt, parse_list, b"nonsense/\n")


if __name__ == "__main__":
    unittest.main()
