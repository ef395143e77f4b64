"""Secrets that the gate puts into requests, with real guests of an owner without rights and real TLS servers."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import api_server  # noqa: E402
import egress  # noqa: E402
import guest_curl  # noqa: E402
from harness import alive, wait_until  # noqa: E402
from marks import long  # noqa: E402
from test_private_network import PrivateCase  # noqa: E402

API, OTHER_API, UNTRUSTED = "93.184.216.70", "93.184.216.71", "93.184.216.72"
NAMES = {"api.example": [API], "deep.api.example": [API], "other-api.example": [OTHER_API],
         "untrusted.example": [UNTRUSTED]}
ALLOWED = ("api.example", "*.api.example", "other-api.example", "untrusted.example")
# Values that nothing else has in it.
TOKEN, FILE, COMMAND, NEXT = (f"v4lue-{name}-7c1e90b2d4" for name in ("token", "file", "command", "next"))
VALUES = TOKEN, FILE, COMMAND, NEXT
PLACEHOLDER = "banger-secret-TOKEN"
PIECE, OVERLAP = 1 << 22, 100  # bytes; no value is longer
LIST = "/etc/ssl/certs/ca-certificates.crt"


def data_of(path):
    """Yields the bytes of a file in pieces that overlap, without its holes."""
    with open(path, "rb") as file:
        at, end = 0, file.seek(0, os.SEEK_END)
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return  # only a hole is left
            until = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            while at < until:
                yield os.pread(file.fileno(), PIECE + OVERLAP, at)
                at += PIECE


def files_with(directory, values):
    """Returns the files below that have one of the values. Files may go meanwhile."""
    found = []
    for parent, _, names in os.walk(directory):
        for path in (pathlib.Path(parent) / name for name in names):
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode) and has_one(path, values):
                    found.append(path)
    return found


def has_one(path, values):
    return any(value.encode() in piece for piece in data_of(path) for value in values)


class SecretsCase(egress.OnTheInternet, PrivateCase):
    config = PrivateCase.config + """
[secrets.FILE]
hosts = ["api.example"]
file = "~/token"
[secrets.COMMAND]
hosts = ["api.example"]
command = "cat command-token"
[secrets.RENAMED]
hosts = ["api.example"]
env = "MY_TOKEN"
"""

    @classmethod
    def make_banger(cls):
        if reason := guest_curl.skip_reason():
            raise unittest.SkipTest(reason)
        banger = super().make_banger()
        cls.internet.publish(NAMES)
        cls.api = api_server.serve(cls.internet, API, "api", ["api.example", "deep.api.example"])
        cls.other = api_server.serve(cls.internet, OTHER_API, "other-api", ["other-api.example"])
        cls.untrusted = api_server.serve(cls.internet, UNTRUSTED, "untrusted", ["untrusted.example"], trusted=False)
        for server in (cls.api, cls.other, cls.untrusted):
            cls.addClassCleanup(server.server_close)
            cls.addClassCleanup(server.shutdown)
        shutil.copy(cls.internet.ca, banger.root / "ca.pem")
        (banger.root / "ca.pem").chmod(0o644)
        banger.env["SSL_CERT_FILE"] = str(banger.root / "ca.pem")
        for name, value in (("token", FILE), ("command-token", COMMAND)):
            (banger.root / name).write_text(value + "\n")
            (banger.root / name).chmod(0o600)
        guest_curl.collect(banger.root / "curl")
        return banger

    def setUp(self):
        super().setUp()
        self.forget_requests()

    def forget_requests(self):
        for server in (self.api, self.other, self.untrusted):
            server.requests.clear()

    @contextlib.contextmanager
    def variables(self, **values):
        """The variables of the owner's shell meanwhile."""
        self.b.env |= values
        try:
            yield
        finally:
            for name in values:
                del self.b.env[name]

    def make_with_secrets(self, name, *secrets, allowed=ALLOWED):
        words = [word for host in allowed for word in ("--allow", host)]
        words += [word for secret in secrets for word in ("--secret", secret)]
        # A daemon that starts now has the other variables of this shell, as every program.
        variables = {"TOKEN": TOKEN} | ({"MY_TOKEN": TOKEN} if "RENAMED" in secrets else {})
        with self.variables(**variables):
            shown = self.make(name, *words)
        self.b.ok("vm", "cp", str(self.b.root / "curl"), f"{name}:/root/")
        return shown

    def curl(self, vm, line):
        """Runs curl with these words of a shell in the guest."""
        return self.guest(vm, "sh", "-c", f"{guest_curl.PLACE}/run -sS -m 60 {line}")

    def sent(self, vm, server=None, host="api.example", variable="TOKEN", more=""):
        """Returns what the server has got in a header where the guest wrote that variable."""
        server = server or self.api
        server.requests.clear()
        done = self.curl(vm, f'-H "x-api-key: ${variable}" {more} https://{host}/')
        self.assertEqual(done.returncode, 0, done.stderr)
        return server.requests[-1]["headers"]["x-api-key"]

    def is_missing(self, vm, variable="TOKEN"):
        """Whether the gate refuses requests with that secret, and no server has seen one."""
        self.api.requests.clear()
        done = self.curl(vm, f'-o /dev/null -w "%{{http_code}}" -H "x-api-key: ${variable}" https://api.example/')
        return done.stdout == "502" and not self.api.requests

    def available(self, vm):
        return {each["name"]: each["available"] for each in self.b.json("vm", "show", vm)["secrets"]}

    def gate(self):
        gates = self.gates()
        self.assertEqual(len(gates), 1)
        return gates[0]

    def kill_gate(self):
        gate = self.gate()
        os.kill(gate, signal.SIGKILL)
        wait_until(lambda: self.gates() and gate not in self.gates(), "another gate")


class OneGuest(SecretsCase):
    """Cases that share a guest."""

    def setUp(self):
        self.forget_requests()
        if not self.b.json("vm", "list"):
            self.make_with_secrets("one", "TOKEN@api.example,*.api.example,untrusted.example", "FILE", "COMMAND",
                                   "RENAMED")

    def test_the_value_is_in_headers_and_nowhere_else(self):
        done = self.curl("one", '-H "Authorization: Bearer $TOKEN" -H "X-Key: a $TOKEN b" -u "me:$TOKEN" '
                         '-d "body $TOKEN" "https://api.example/path?q=$TOKEN"')
        self.assertEqual(done.returncode, 0, done.stderr)
        request = self.api.requests[-1]
        self.assertEqual(request["headers"]["x-key"], f"a {TOKEN} b")
        self.assertEqual(request["headers"]["authorization"], f"Bearer {TOKEN}")
        self.assertEqual(request["body"], f"body {PLACEHOLDER}")
        self.assertEqual(request["path"], f"/path?q={PLACEHOLDER}")
        self.curl("one", '-u "me:$TOKEN" https://api.example/')
        basic = self.api.requests[-1]["headers"]["authorization"].removeprefix("Basic ")
        self.assertEqual(base64.b64decode(basic).decode(), f"me:{TOKEN}")

    def test_the_guest_has_a_placeholder_in_commands_and_login_shells(self):
        self.assertEqual(self.guest("one", "sh", "-c", "echo $TOKEN").stdout, PLACEHOLDER + "\n")
        self.assertEqual(self.guest("one", "sh", "-lc", "echo $TOKEN").stdout, PLACEHOLDER + "\n")
        for value in VALUES:
            self.assertNotIn(value, self.guest("one", "env").stdout)

    def test_names_below_a_wildcard_get_the_value(self):
        self.assertEqual(self.sent("one", host="deep.api.example"), TOKEN)

    def test_values_of_files_commands_and_other_variables(self):
        self.assertEqual(self.sent("one", variable="FILE"), FILE)
        self.assertEqual(self.sent("one", variable="COMMAND"), COMMAND)
        self.assertEqual(self.sent("one", variable="RENAMED"), TOKEN)

    def test_other_hosts_and_plain_http_get_the_placeholder(self):
        # The guest does not know the CA of hosts whose TLS it ends itself.
        self.assertEqual(self.sent("one", self.other, "other-api.example", more="-k"), PLACEHOLDER)
        self.assertNotEqual(self.curl("one", "https://other-api.example/").returncode, 0)
        done = self.curl("one", '-H "x-api-key: $TOKEN" http://api.example/')
        self.assertEqual(done.stdout, "host api.example/\n", done.stderr)

    def test_a_server_without_a_trusted_certificate_gets_nothing(self):
        done = self.curl("one", '-k -o /dev/null -w "%{http_code}" -H "x-api-key: $TOKEN" https://untrusted.example/')
        self.assertNotEqual(done.stdout, "200")
        self.assertEqual(self.untrusted.requests, [])

    def test_answers_are_not_altered(self):
        # A host that sends headers back gives the value away. The guide says so.
        done = self.curl("one", '-H "x-api-key: $TOKEN" https://api.example/echo')
        self.assertEqual(json.loads(done.stdout)["x-api-key"], TOKEN)

    def test_show_lists_the_secrets(self):
        self.assertEqual(self.available("one"), dict.fromkeys(("TOKEN", "FILE", "COMMAND", "RENAMED"), True))
        shown = self.b.ok("vm", "show", "one")
        self.assertIn("TOKEN for *.api.example, api.example, untrusted.example", shown)
        self.assertNotIn("missing", shown)


class Life(SecretsCase):
    def test_values_outlive_the_daemon_or_the_gate_but_not_both(self):
        self.make_with_secrets("one", "TOKEN@api.example", "FILE", "COMMAND")
        self.b.kill_daemon()
        self.assertEqual(self.sent("one"), TOKEN)
        self.assertTrue(self.available("one")["TOKEN"])
        self.assertEqual(self.sent("one"), TOKEN)
        self.b.ok("vm", "set", "one", "--label", "a=b")

        with self.variables(TOKEN=TOKEN):
            self.b.ok("vm", "set", "one", "--secret", "TOKEN@api.example", "--secret", "FILE", "--secret", "COMMAND")
        self.kill_gate()
        wait_until(lambda: self.sent("one") == TOKEN, "the gate to have the values")

        gate = self.gate()
        self.b.kill_daemon()
        os.kill(gate, signal.SIGKILL)
        wait_until(lambda: not alive(gate), "the gate to end")
        self.assertEqual(self.available("one")["TOKEN"], False)
        self.assertIn("value missing: banger vm set one --secret TOKEN@api.example", self.b.ok("vm", "show", "one"))
        wait_until(lambda: self.is_missing("one"), "the gate to refuse")
        self.assertEqual(self.sent("one", variable="FILE"), FILE)
        wait_until(lambda: not self.is_missing("one", "COMMAND"), "the command's output")
        self.assertEqual(self.sent("one", variable="COMMAND"), COMMAND)
        with self.variables(TOKEN=NEXT):
            self.b.ok("vm", "set", "one", "--secret", "TOKEN@api.example", "--secret", "FILE", "--secret", "COMMAND")
        self.assertEqual(self.sent("one"), NEXT)
        self.assertTrue(self.available("one")["TOKEN"])

    def test_a_change_takes_effect_at_once_in_the_gate_and_in_the_guest(self):
        self.make_with_secrets("one", "TOKEN@api.example")
        with self.variables(TOKEN=NEXT, SECOND=TOKEN):
            text = self.b.ok("vm", "set", "one", "--secret", "TOKEN@api.example", "--secret",
                             "SECOND@other-api.example")
        self.assertNotIn("next start", text)
        self.assertEqual(self.sent("one"), NEXT)
        self.assertEqual(self.sent("one", self.other, "other-api.example", "SECOND"), TOKEN)
        self.b.ok("vm", "set", "one", "--clear-secrets")
        self.assertEqual(self.guest("one", "sh", "-c", "echo $TOKEN").stdout, "\n")
        self.assertEqual(self.guest("one", "sh", "-c", f"cat {LIST}").stdout, "")
        # The gate does not end TLS any more, so the guest meets a server whose CA it does not know.
        self.assertNotEqual(self.curl("one", "https://api.example/").returncode, 0)
        self.curl("one", f'-k -H "x-api-key: {PLACEHOLDER}" https://api.example/')
        self.assertEqual(self.api.requests[-1]["headers"]["x-api-key"], PLACEHOLDER)

    def test_forks_have_the_values_and_snapshots_have_not(self):
        self.make_with_secrets("one", "TOKEN@api.example", "FILE")
        self.b.ok("vm", "fork", "one", "--name", "child")
        self.assertEqual(self.sent("child"), TOKEN)
        self.b.ok("vm", "snapshot", "create", "one", "--name", "before")
        made = self.b.run("vm", "create", "--from", "before", "--name", "copy")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("the secret 'TOKEN' has no value", made.stderr)
        self.assertTrue(self.is_missing("copy"))
        self.assertEqual(self.sent("copy", variable="FILE"), FILE)
        self.assertEqual(self.guest("copy", "sh", "-c", "echo $TOKEN").stdout, PLACEHOLDER + "\n")
        with self.variables(TOKEN=NEXT):
            self.b.ok("vm", "set", "copy", "--secret", "TOKEN@api.example", "--secret", "FILE")
        self.assertEqual(self.sent("copy"), NEXT)
        self.assertEqual(self.sent("one"), TOKEN)
        # The gate has the parent's value although this daemon does not.
        self.b.kill_daemon()
        self.b.ok("vm", "fork", "one", "--name", "late")
        self.assertEqual(self.sent("late"), TOKEN)

    def test_a_stopped_and_a_suspended_guest_start_with_their_values(self):
        self.make_with_secrets("one", "TOKEN@api.example", "FILE")
        self.b.ok("vm", "suspend", "one")
        self.b.ok("vm", "resume", "one")
        self.assertEqual(self.sent("one"), TOKEN)
        self.b.ok("vm", "stop", "one")
        self.b.ok("daemon", "stop")
        started = self.b.run("vm", "start", "one")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn("the secret 'TOKEN' has no value", started.stderr)
        self.assertTrue(self.is_missing("one"))
        self.assertEqual(self.sent("one", variable="FILE"), FILE)

    def test_no_value_is_anywhere_but_in_memory(self):
        self.make_with_secrets("one", "TOKEN@api.example", "FILE", "COMMAND")
        for variable, value in (("TOKEN", TOKEN), ("FILE", FILE), ("COMMAND", COMMAND)):
            self.assertEqual(self.sent("one", variable=variable), value)
        self.b.ok("vm", "fork", "one", "--name", "child")
        self.b.ok("vm", "snapshot", "create", "one", "--name", "kept")
        self.b.ok("vm", "suspend", "child")
        self.assert_no_value_in_processes()
        for pid in (self.b.daemon_pid(), self.gate()):
            self.assertEqual(int(pathlib.Path(f"/proc/{pid}/coredump_filter").read_text(), 16), 0)
        # The guest's memory is there, and has its placeholder.
        self.assertTrue(files_with(self.b.state / "saves", (PLACEHOLDER,)))
        for directory in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            self.assertEqual(files_with(pathlib.Path(self.b.env[directory]), (TOKEN, FILE, COMMAND)), [])
        self.assertEqual(pathlib.Path(self.b.state / "secrets/authority.key").stat().st_mode & 0o777, 0o600)
        found = self.guest("one", "sh", "-c",
                           f"find /etc /root /tmp /run /var -type f -exec grep -laF {TOKEN} {{}} + 2>/dev/null")
        self.assertEqual(found.stdout, "")

    def assert_no_value_in_processes(self):
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    text = (entry / name).read_bytes()
                    for value in VALUES:
                        self.assertNotIn(value.encode(), text, f"{entry}/{name}")


class Refusals(SecretsCase):
    def refused(self, *words):
        with self.variables(TOKEN=TOKEN):
            done = self.b.run("vm", "create", "--image", "bare", *words)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(TOKEN, done.stderr)
        self.assertEqual(self.b.json("vm", "list"), [])
        return done.stderr

    def test_what_the_gate_would_not_see_is_refused_before_anything_is_made(self):
        secret = "--secret", "TOKEN@api.example"
        self.assertIn("the egress policy 'open' can have no secrets", self.refused(*secret))
        self.assertIn("does not name 'api.example'", self.refused(*secret, "--allow", "other-api.example"))
        self.assertIn("without nat can have no secrets", self.refused(*secret, "--allow", "api.example", "--no-nat"))
        self.assertIn("the user network can have no secrets",
                      self.refused(*secret, "--allow", "api.example", "--network", "user"))
        self.assertIn("it is an address", self.refused("--secret", f"TOKEN@{API}", "--allow", API))
        self.assertIn("the secret 'TOKEN' has no hosts", self.refused("--secret", "TOKEN", "--allow", "api.example"))
        self.assertIn("the variable OTHER is not set", self.refused("--secret", "OTHER@api.example"))

    @long
    def test_a_file_that_others_can_read_is_refused(self):
        (self.b.root / "token").chmod(0o644)
        self.addCleanup((self.b.root / "token").chmod, 0o600)
        text = self.refused("--secret", "FILE", "--allow", "api.example")
        self.assertIn("can be read or written by other users", text)
        self.assertIn("chmod 600", text)


if __name__ == "__main__":
    unittest.main()
