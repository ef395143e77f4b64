"""Bytes stay bytes: arguments, variables, directories and paths reach a real guest unaltered, at any length."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, SeededCase  # noqa: E402

ALL_BYTES = bytes(range(1, 256))
# Values that every program of the guest gets, and others that /etc/environment cannot hold.
EVERYWHERE = {"BS": "a\\", "C": "1", "Q": '"q"', "S": "it's", "BOTH": "it's \"q\"", "SP": " a  b ", "E": "",
              "U": "\u00e9 $HOME `x`"}
NOT_IN_FILE = {"N": "1\n2", "H": "a#b", "X": "'\\"}
NOT_IN_SHELLS = {"a.b": "1", "a-b": "2"}


def variables(output):
    """Reads the output of env -0."""
    return dict(entry.split("=", 1) for entry in output.split("\0") if entry)


class Bytes(SeededCase):
    def guest(self, *args, **kwargs):
        done = self.b.run("vm", "exec", *args, text=False, **kwargs)
        self.assertEqual((done.returncode, done.stderr), (0, b""), args[:9])
        return done.stdout

    def test_bytes_and_lengths_reach_the_guest_unaltered(self):
        b = self.b
        given = [f"{name}={value}" for name, value in (EVERYWHERE | NOT_IN_FILE | NOT_IN_SHELLS).items()]
        done = b.run("vm", "create", "--name", "web", "--wait", "system", *SHAPE,
                     *(word for each in given for word in ("-e", each)))
        self.assertEqual(done.returncode, 0, done.stderr + b.log())
        for name in NOT_IN_FILE | NOT_IN_SHELLS:
            self.assertIn(f"the variable '{name}' reaches commands of 'vm exec', but not ", done.stderr)

        # One value in every place, or no value where the note said so.
        def seen(*command):
            found = variables(b.ok("vm", "exec", "web", "--", *command))
            return {name: found[name] for name in EVERYWHERE | NOT_IN_FILE | NOT_IN_SHELLS if name in found}
        self.assertEqual(seen("env", "-0"), EVERYWHERE | NOT_IN_FILE | NOT_IN_SHELLS)
        self.assertEqual(seen("env", "-i", "sh", "-lc", "env -0"), EVERYWHERE | NOT_IN_FILE)
        self.assertEqual(seen("env", "-i", "su", "-s", "/bin/sh", "nobody", "-c", "env -0"), EVERYWHERE)
        self.assertEqual(seen("systemd-run", "-q", "--wait", "--pipe", "-p", "EnvironmentFile=/etc/environment",
                              "env", "-0"), EVERYWHERE)

        # Every byte but NUL, in an argument, a variable, the name of a variable, a directory and a path.
        self.assertEqual(self.guest("web", "--", "printf", "%s", ALL_BYTES), ALL_BYTES)
        self.assertEqual(self.guest("-e", b"B=" + ALL_BYTES, "web", "--", "sh", "-c", 'printf %s "$B"'), ALL_BYTES)
        self.assertEqual(self.guest("-e", b"\xe9=1", "web", "--", "printenv", b"\xe9"), b"1\n")
        name = bytes(set(ALL_BYTES) - set(b"/\n:"))
        self.guest("web", "--", "mkdir", b"/root/" + name)
        self.assertEqual(self.guest("-w", b"/root/" + name, "web", "--", "pwd"), b"/root/" + name + b"\n")
        here = os.fsencode(b.root) + b"/"
        (b.root / "file").write_bytes(ALL_BYTES)
        os.rename(here + b"file", here + name)
        text = os.fsdecode(name)
        b.ok("vm", "cp", str(b.root / text), f"web:/root/{text}/")
        b.ok("vm", "cp", f"web:/root/{text}/{text}", str(b.root / "back"))
        self.assertEqual((b.root / "back").read_bytes(), ALL_BYTES)
        self.fails(125, "vm", "exec", "-u", b"\xff", "web", "--", "true", says="there is no user '\\xff'")

        # The limits are those of the guest's Linux.
        for text in ("x" * 131_071, '"' * 100_000):
            count = self.guest("web", "--", "sh", "-c", 'printf %s "$1" | wc -c', "-", text)
            self.assertEqual(int(count), len(text))
        words = [f"/usr/share/some/long/path/{number}" for number in range(6000)]
        self.assertEqual(self.guest("web", "--", "printf", "%s\\n", *words).decode().split(), words)
        done = b.run("vm", "shell", "web", "-e", "P=" + "y" * 120_000, stdin=b'printf %s "$P" | wc -c\n')
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "120000"), done.stderr)


if __name__ == "__main__":
    unittest.main()
