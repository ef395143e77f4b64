"""The completion script for bash in an interactive bash, with a stand-in for banger. No daemon runs here."""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN  # noqa: E402

# Writes down its words, and offers what begins with the last one.
STAND_IN = """#!/bin/bash
shift 2
printf '%s\\n' "$@" >"$ASKED"
for word in localhost:5000/team:v1 localhost:5000/tools:v2 docker.io/library/alpine:3 --env=one web; do
  [[ $word == "${!#}"* ]] && printf '%s\\tabout\\n' "$word"
done
exit 0
"""


class BashCompletion(unittest.TestCase):
    def completed(self, typed):
        """Types a line and TAB into bash. Returns the words that banger was asked about, and the line after that."""
        with tempfile.TemporaryDirectory(prefix="banger-test-") as name:
            root = pathlib.Path(name)
            (root / "banger").write_text(STAND_IN)
            (root / "banger").chmod(0o755)
            script = subprocess.run([BIN / "banger", "completion", "bash"], capture_output=True, check=True).stdout
            (root / "completion").write_bytes(script)
            # With Ctrl-X Ctrl-L, bash writes its line down.
            (root / "rc").write_text(f"PS1='ready> '\nsource '{root}/completion'\n"
                                     "write_line() { printf %s \"$READLINE_LINE\" >\"$LINE.new\"; "
                                     "mv \"$LINE.new\" \"$LINE\"; }\n"
                                     "bind -x '\"\\C-x\\C-l\": write_line'\n")
            env = {"PATH": f"{root}:{os.environ['PATH']}", "HOME": name, "TERM": "dumb", "LANG": "C.UTF-8",
                   "ASKED": str(root / "asked"), "LINE": str(root / "line")}
            ours, theirs = pty.openpty()
            shell = subprocess.Popen(["bash", "--noprofile", "--rcfile", str(root / "rc"), "-i"], env=env, stdin=theirs,
                                     stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True)
            os.close(theirs)
            try:
                self.read_until(ours, lambda output: b"ready> " in output)
                os.write(ours, typed.encode() + b"\t\x18\x0c")
                self.read_until(ours, lambda _: (root / "line").exists())
                return (root / "asked").read_text().splitlines(), (root / "line").read_text()
            finally:
                shell.kill()
                shell.wait()
                os.close(ours)

    def read_until(self, terminal, done):
        output = b""
        for _ in range(600):
            if done(output):
                return
            if select.select([terminal], [], [], 0.1)[0]:
                output += os.read(terminal, 4096)
        self.fail(f"bash did not answer: {output}")

    def test_references_are_completed_around_their_colons(self):
        for typed, asked, line in (
                ("localhost:5000/te", "localhost:5000/te", "localhost:5000/team:v1 "),
                ("localh", "localh", "localhost:5000/t"),
                ("localhost:", "localhost:", "localhost:5000/t"),
                ("localhost:5000/tools:", "localhost:5000/tools:", "localhost:5000/tools:v2 "),
                ("docker.io/library/alpine:3", "docker.io/library/alpine:3", "docker.io/library/alpine:3 ")):
            with self.subTest(typed):
                before = "banger image show "
                self.assertEqual(self.completed(before + typed), (["image", "show", asked], before + line))

    def test_only_words_without_a_space_between_are_joined(self):
        for typed, asked in (("banger vm run --env=o", ["vm", "run", "--env=o"]),
                             ("banger vm run --env=a:b=c w", ["vm", "run", "--env=a:b=c", "w"]),
                             ("banger vm cp web:  w", ["vm", "cp", "web:", "w"]),
                             ("banger vm cp web: :x w", ["vm", "cp", "web:", ":x", "w"]),
                             ("banger image tag a:1 localhost:5000/b:2 ", ["image", "tag", "a:1", "localhost:5000/b:2",
                                                                           ""])):
            with self.subTest(typed):
                self.assertEqual(self.completed(typed)[0], asked)


if __name__ == "__main__":
    unittest.main()
