"""Files of the host in guests: [[file_sync]] and banger vm sync."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import SHAPE, SeededCase  # noqa: E402

CONFIG = """pool_size = 0
[[file_sync]]
host = "~/.gitconfig"
guest = "~/.gitconfig"
[[file_sync]]
host = "~/settings"
guest = "/root/.config/app"
[[file_sync]]
host = "~/token"
guest = "~/.secrets/token"
mode = "0400"
[[file_sync]]
host = "~/missing"
guest = "~/missing"
"""
LOOK = "cd /root && stat -c '%a %U %n' .gitconfig .config .config/app .config/app/run .secrets .secrets/token"
SEEN = """600 root .gitconfig
700 root .config
750 root .config/app
755 root .config/app/run
700 root .secrets
400 root .secrets/token
"""


class FileSync(SeededCase):
    config = CONFIG

    def setUp(self):
        super().setUp()
        home = self.b.root
        (home / "dotfiles").mkdir()
        (home / "dotfiles" / "git").write_text("[user]\nname = Ana\n")
        (home / ".gitconfig").symlink_to(home / "dotfiles" / "git")
        (home / "settings").mkdir()
        (home / "settings").chmod(0o750)
        (home / "settings" / "run").write_text("first")
        (home / "settings" / "run").chmod(0o755)
        (home / "settings" / "link").symlink_to("run")
        (home / "token").write_text("secret")

    def sh(self, vm, script):
        return self.b.ok("vm", "exec", vm, "--", "sh", "-c", script)

    def test_guests_have_the_files_before_their_first_command(self):
        b = self.b
        first = b.run("vm", "run", *SHAPE, "--name", "web", "--", "sh", "-c", LOOK)
        self.assertEqual((first.returncode, first.stdout), (0, SEEN), first.stderr + b.log())
        for part in ("warning", "settings/link is skipped: it is a symlink", "missing is skipped"):
            self.assertIn(part, first.stderr)
        self.assertIn("settings/link is skipped", b.log())
        self.assertIn("files", [stage["name"] for stage in b.json("vm", "show", "web")["stages"]])

        (b.root / "settings" / "run").write_text("second")
        self.assertIn("~/.secrets/token", b.ok("vm", "sync", "web", "--dry-run"))
        self.assertEqual(self.sh("web", "cat /root/.config/app/run"), "first")
        self.assertIn("web: 3 files", b.ok("vm", "sync", "web"))
        self.assertEqual(self.sh("web", "cat /root/.config/app/run; rm /root/.gitconfig"), "second")

        # A guest that goes on keeps its files, and one that boots gets them.
        b.ok("vm", "suspend", "web")
        b.ok("vm", "resume", "web")
        b.ok("vm", "fork", "web", "--name", "child")
        for name in ("web", "child"):
            self.assertEqual(self.sh(name, "test ! -e /root/.gitconfig && echo gone"), "gone\n")
        b.ok("vm", "restart", "web")
        self.assertEqual(self.sh("web", LOOK), SEEN)


if __name__ == "__main__":
    unittest.main()
