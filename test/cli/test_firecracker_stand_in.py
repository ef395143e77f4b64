"""Tests of the stand-in for Firecracker itself, without banger. The stand-in must refuse what Firecracker refuses;
otherwise tests that use it would prove nothing."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import wait_until  # noqa: E402

FAKES = pathlib.Path(__file__).resolve().parents[1] / "fakes"
TABLE = json.loads((FAKES / "firecracker_api.json").read_text())["requests"]
DESCRIPTION = os.environ.get("BANGER_FIRECRACKER_YAML")
# Structures for which Firecracker ignores unknown fields.
OPEN = ("NetworkOverride", "VsockOverride", "TokenBucket", "Metrics")


class StandIn:
    def __init__(self, test, version="1.16.2", **env):
        self.test, self.root = test, tempfile.mkdtemp(prefix="banger-fc-")
        test.addCleanup(shutil.rmtree, self.root, True)
        self.process = self.start(version, env)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        wait_until(self.listens, "the API socket")
        for name in ("kernel", "disk"):
            (pathlib.Path(self.root) / name).write_text(name)

    def start(self, version, env={}):  # noqa: B006 (the default is never modified)
        return subprocess.Popen([FAKES / "firecracker", "--api-sock", "api.sock", "--id", "test"], cwd=self.root,
                                env=dict(os.environ, BANGER_FAKE_VERSION=version, **env), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def listens(self):
        """Whether a client can connect. The socket's file exists a moment before the process listens on it."""
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(f"{self.root}/api.sock") == 0

    def connect(self, name="api.sock"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(60)
        self.test.addCleanup(sock.close)
        sock.connect(f"{self.root}/{name}")
        return sock

    def raw(self, data):
        with self.connect() as sock:
            sock.sendall(data)
            return sock.recv(65536).decode()

    def ask(self, method, path, body=None):
        """Sends a request. Returns (status, text of the answer's body)."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        answer = self.raw(f"{method} {path} HTTP/1.1\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        head, _, rest = answer.partition("\r\n\r\n")
        return int(head.split(" ")[1]), rest

    def done(self, method, path, body):
        self.test.assertEqual(self.ask(method, path, body), (204, ""))

    def refused(self, says, method, path, body=None):
        status, text = self.ask(method, path, body)
        self.test.assertEqual(status, 400, text)
        self.test.assertIn(says, json.loads(text)["fault_message"])

    def boot(self):
        self.done("PUT", "/boot-source", {"kernel_image_path": "kernel"})
        self.done("PUT", "/vsock", {"guest_cid": 3, "uds_path": "v.sock"})
        self.done("PUT", "/actions", {"action_type": "InstanceStart"})


class Http(unittest.TestCase):
    def test_the_form_of_answers_matches_firecracker(self):
        fc = StandIn(self)
        self.assertTrue(fc.raw(b"GET /version HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 200 \r\n"))
        done = fc.raw(b"PUT /entropy HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        self.assertTrue(done.startswith("HTTP/1.1 204 \r\n"))
        self.assertNotIn("Content-Length", done)

    def test_an_unparsable_request_gets_an_answer_that_is_not_json(self):
        fc = StandIn(self)
        for data in (b"FETCH / HTTP/1.1\r\n\r\n", b"GET /\r\n\r\n",
                     b"GET / HTTP/1.1\r\nX: " + b"x" * 1100 + b"\r\n\r\n",
                     b"GET /" + b"x" * 1100 + b" HTTP/1.1\r\n\r\n",
                     b"PUT /vsock HTTP/1.1\r\nContent-Length: 51201\r\n\r\n"):
            head, _, body = fc.raw(data).partition("\r\n\r\n")
            self.assertTrue(head.startswith("HTTP/1.1 400 "), head)
            self.assertIn("\n", body)
            self.assertRaises(ValueError, json.loads, body)

    def test_only_ten_connections_are_accepted(self):
        fc = StandIn(self)
        held = [fc.connect() for _ in range(10)]
        for sock in held:  # an answer proves that the connection was accepted
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertIn(b" 200 ", sock.recv(4096))
        with fc.connect() as one_too_many:  # gets the refusal without a request, and may already be closed
            self.assertTrue(one_too_many.recv(4096).startswith(b"HTTP/1.1 503 "))

    def test_unexpected_and_missing_bodies_are_refused(self):
        fc = StandIn(self)
        fc.refused("cannot have a body", "GET", "/version", {})
        fc.refused("Empty PUT request", "PUT", "/entropy")
        fc.refused("Empty PATCH request", "PATCH", "/vm")
        fc.refused("json body", "PUT", "/entropy", "{")

    def test_a_machine_of_one_file_runs_without_an_api(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="banger-fc-"))
        self.addCleanup(shutil.rmtree, root, True)
        (root / "kernel").write_text("kernel")

        def run(config, *options):
            (root / "config.json").write_text(json.dumps(config))
            return subprocess.run([FAKES / "firecracker", *options], cwd=root, capture_output=True, text=True)
        good = {"boot-source": {"kernel_image_path": "kernel", "boot_args": "console=ttyS0"}, "drives": [],
                "machine-config": {"vcpu_count": 1, "mem_size_mib": 256}}
        done = run(good, "--no-api", "--config-file", "config.json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("fake guest: console=ttyS0", done.stdout)
        self.assertFalse((root / "firecracker.socket").exists())
        self.assertIn("requires argument", run(good, "--no-api").stderr)
        for wrong in ({"boot-source": good["boot-source"]}, dict(good, other={}),
                      dict(good, **{"machine-config": {"vcpu_count": 1}}),
                      dict(good, **{"boot-source": {"kernel_image_path": "missing"}})):
            self.assertEqual(run(wrong, "--no-api", "--config-file", "config.json").returncode, 152, wrong)

    def test_an_existing_socket_is_not_replaced(self):
        fc = StandIn(self)
        second = fc.start("1.16.2")
        self.addCleanup(second.stderr.close)
        self.assertIn(b"Failed to open the API socket", second.stderr.read())
        self.assertEqual(second.wait(), 1)


class Rules(unittest.TestCase):
    def test_fields_depend_on_the_version(self):
        fc = StandIn(self, "1.5.0")
        fc.refused("unknown field `socket`", "PUT", "/drives/a",
                   {"drive_id": "a", "is_root_device": False, "is_read_only": True, "path_on_host": "disk",
                    "socket": "x"})
        fc.refused("missing field `path_on_host`", "PUT", "/drives/a", {"drive_id": "a", "is_root_device": False})
        fc.refused("Invalid request method and/or path", "PUT", "/serial", {})
        fc.refused("unknown variant", "PUT", "/actions", {"action_type": "Stop"})
        fc.refused("invalid type", "PUT", "/machine-config", {"vcpu_count": True, "mem_size_mib": 128})
        fc.refused("out of range", "PUT", "/machine-config", {"vcpu_count": 33, "mem_size_mib": 128})
        StandIn(self, "1.14.0").done("PUT", "/serial", {"serial_out_path": "console"})

    def test_ids_in_path_and_body_must_match_and_be_valid(self):
        fc = StandIn(self)
        drive = {"drive_id": "a", "is_root_device": False, "is_read_only": True, "path_on_host": "disk"}
        fc.done("PUT", "/drives/a", drive)
        fc.refused("does not match", "PUT", "/drives/b", drive)
        fc.refused("alphanumeric", "PUT", "/drives/a-b", dict(drive, drive_id="a-b"))

    def test_requests_are_refused_in_the_wrong_order(self):
        fc = StandIn(self)
        fc.refused("before starting", "PATCH", "/vm", {"state": "Paused"})
        fc.refused("before starting", "PUT", "/snapshot/create", {"snapshot_path": "s", "mem_file_path": "m"})
        fc.refused("without kernel", "PUT", "/actions", {"action_type": "InstanceStart"})
        fc.boot()
        fc.refused("after starting", "PUT", "/actions", {"action_type": "InstanceStart"})
        fc.refused("after starting", "PUT", "/vsock", {"guest_cid": 3, "uds_path": "w.sock"})
        fc.refused("running microVM", "PUT", "/snapshot/create", {"snapshot_path": "s", "mem_file_path": "m"})
        fc.done("PATCH", "/vm", {"state": "Paused"})
        fc.done("PUT", "/snapshot/create", {"snapshot_path": "s", "mem_file_path": "m"})

    def test_loading_is_refused_after_boot_configuration_and_a_failed_load_ends_the_process(self):
        fc = StandIn(self)
        fc.done("PUT", "/entropy", {})
        load = {"snapshot_path": "s", "mem_backend": {"backend_type": "File", "backend_path": "m"}}
        fc.refused("boot-specific", "PUT", "/snapshot/load", load)
        self.assertIsNone(fc.process.poll())
        fresh = StandIn(self)
        fresh.refused("Load snapshot error", "PUT", "/snapshot/load", load)
        self.assertEqual(fresh.process.wait(), 1)


class Vsock(unittest.TestCase):
    def connect(self, fc, *pieces):
        sock = fc.connect("v.sock")
        for piece in pieces:
            sock.sendall(piece)
        return sock

    def test_only_a_complete_connect_command_connects(self):
        fc = StandIn(self)
        fc.boot()
        sock = self.connect(fc, b"CONNECT 867\n")
        self.assertRegex(sock.recv(64), rb"^OK \d+\n$")
        sock.sendall(b"hello")
        self.assertEqual(sock.recv(64), b"hello")
        for command in (b"CONNECT 1\n", b"CONNECT", b"HELLO 867 x\n", b"CONNECT 867"):
            self.assertEqual(self.connect(fc, command).recv(64), b"", command)

    def test_after_a_pause_without_a_save_older_versions_accept_no_connection(self):
        for version, answer in (("1.16.1", b""), ("1.16.2", b"OK")):
            fc = StandIn(self, version)
            fc.boot()
            for state in ("Paused", "Resumed"):
                fc.done("PATCH", "/vm", {"state": state})
            self.assertEqual(self.connect(fc, b"CONNECT 867\n").recv(64)[:2], answer)


class Description(unittest.TestCase):
    """Compares the stand-in's table with Firecracker's own description of its API, if that is available."""

    def setUp(self):
        if not DESCRIPTION:
            self.skipTest("BANGER_FIRECRACKER_YAML names no description of the API")
        try:
            import yaml
        except ImportError:
            self.skipTest("the Python module yaml is not installed")
        self.swagger = yaml.safe_load(pathlib.Path(DESCRIPTION).read_text())

    def fields_agree(self, spec, where):
        definition = self.swagger["definitions"][spec["definition"]]
        for name, field in spec["fields"].items():
            field = field if isinstance(field, dict) else {"type": field}
            if "until" in field:
                continue
            self.assertIn(name, definition["properties"], where)
            theirs = definition["properties"][name]
            if "$ref" in theirs and theirs["$ref"].startswith("#/definitions/"):
                theirs = self.swagger["definitions"][theirs["$ref"].rsplit("/", 1)[1]]
            if isinstance(field["type"], list):
                # YAML 1.1 reads an unquoted Off as false.
                known = {"Off" if value is False else value for value in theirs.get("enum", field["type"])}
                self.assertLessEqual(set(field["type"]), known | {"Trace", "Warning"}, f"{where}.{name}")
            else:
                expected = "string" if "enum" in theirs else theirs.get("type")
                self.assertEqual(field["type"], expected, f"{where}.{name}")
            if "fields" in field:
                self.fields_agree(field, f"{where}.{name}")
        ours = {name for name, field in spec["fields"].items() if not (isinstance(field, dict) and "until" in field)}
        self.assertEqual(ours, set(definition["properties"]), where)
        self.assertLessEqual(set(definition.get("required", [])), set(spec["required"]), where)
        self.assertEqual(bool(spec.get("open")), spec["definition"] in OPEN and spec["definition"] != "Metrics", where)

    def test_every_request_is_described_with_the_same_fields(self):
        for spec in TABLE:
            where = f"{spec['method']} {spec['path']}"
            described = self.swagger["paths"].get(spec["path"], {}).get(spec["method"].lower())
            self.assertIsNotNone(described, where)
            bodies = [each["schema"]["$ref"] for each in described.get("parameters", []) if each["in"] == "body"]
            self.assertEqual([re.sub(".*/", "", ref) for ref in bodies], [spec["definition"]] if "definition" in spec
                             else [], where)
            if "definition" in spec:
                self.fields_agree(spec, where)


if __name__ == "__main__":
    unittest.main()
