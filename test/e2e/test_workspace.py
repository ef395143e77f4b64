"""A git checkout goes into a guest, is changed there, and comes back as a patch that gives the identical tree."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from bare import BareCase  # noqa: E402
from harness import SeededCase, SHAPE  # noqa: E402

AWKWARD = [b"a b", b"new\nline", b"not-utf8-\xff\xfe", b"deep/er/'quoted'", b"-dash", b"gone"]


def put(root, name, data):
    path = os.path.join(os.fsencode(root), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def tree(root):
    """Returns what git keeps of a working tree: names, kinds, the right to execute, and contents."""
    found = {}
    for directory, names, files in os.walk(os.fsencode(root)):
        if b".git" in names:
            names.remove(b".git")
        for path in (os.path.join(directory, name) for name in files + names):
            key = os.path.relpath(path, os.fsencode(root))
            if os.path.islink(path):
                found[key] = os.readlink(path)
            elif not os.path.isdir(path):
                found[key] = (bool(os.lstat(path).st_mode & 0o100), pathlib.Path(os.fsdecode(path)).read_bytes())
    return found


class Checkout:
    """A repository with awkward names, local changes, and untracked and ignored files."""

    def __init__(self, b):
        self.b, self.top = b, b.root / "repo"
        self.top.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ana Example")
        self.git("config", "user.email", "ana@example.org")
        for name in AWKWARD:
            put(self.top, name, name + b"\n")
        put(self.top, b"binary", bytes(range(256)) * 300)
        put(self.top, b"empty", b"")
        put(self.top, b".gitignore", b"*.log\n")
        put(self.top, b"run", b"#!/bin/sh\necho ran\n")
        (self.top / "run").chmod(0o755)
        (self.top / "link").symlink_to("/nowhere")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")

    def git(self, *words):
        env = {**self.b.env, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(["git", *words], cwd=self.top, env=env, check=True, capture_output=True).stdout

    def change(self):
        put(self.top, b"a b", b"changed here\n")
        (self.top / "gone").unlink()
        put(self.top, b"untracked", b"u")
        put(self.top, b"ignored.log", b"i")


class Workspace(SeededCase):
    def test_a_checkout_goes_in_and_its_changes_come_back(self):
        b, repo = self.b, Checkout(self.b)
        repo.change()
        status = repo.git("status", "--porcelain", "-uno")
        done = b.run("vm", "run", *SHAPE, "--name", "web", str(repo.top), "--", "git", "status", "--porcelain")
        self.assertEqual((done.returncode, done.stdout.encode()), (0, status), done.stderr + b.log())
        self.assertIn("1 untracked file stays here", done.stderr)
        self.assertEqual(repo.git("status", "--porcelain", "-uno"), status)
        inside = ("vm", "exec", "-w", "/root/repo", "web", "--")
        b.ok("vm", "cp", "web:/root/repo", str(b.root / "seen"))
        expected = {name: value for name, value in tree(repo.top).items() if name not in (b"untracked", b"ignored.log")}
        self.assertEqual(tree(b.root / "seen"), expected)

        b.ok(*inside, "sh", "-c", "git add -A && git commit -qm 'here' && printf 'x\\000y' >binary && chmod -x run && "
             "rm -- -dash && ln -sfn 'a b' link && printf n >\"new $(printf 'a\\377\\n')b\" && echo no >build.log && "
             "mkdir sub && : >sub/zero && git init -q inner && touch inner/x")
        b.ok(*inside, "sh", "-c", f"git config core.fsmonitor 'touch {b.root}/ran' && "
             f"printf '#!/bin/sh\\ntouch {b.root}/ran\\n' >.git/hooks-x && git config diff.external .git/hooks-x")
        # A checkout with changes of its own is refused, and stays as it is.
        before = tree(repo.top)
        self.fails(125, "vm", "workspace", "export", "web", str(repo.top), "--apply",
                   says=["changes of its own", "a b"])
        self.assertEqual(tree(repo.top), before)
        repo.git("stash", "-q")
        done = b.run("vm", "workspace", "export", "web", str(repo.top), "--apply", "--output", str(b.root / "patch"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("inner", done.stderr)
        shutil.rmtree(b.root / "seen")
        b.ok("vm", "cp", "web:/root/repo", str(b.root / "seen"))
        shutil.rmtree(b.root / "seen" / "inner")
        back, there = tree(repo.top), tree(b.root / "seen")
        for local in (b"untracked", b"ignored.log"):
            back.pop(local)
        there.pop(b"build.log")
        self.assertEqual(back, there)
        self.assertFalse((b.root / "ran").exists())
        self.assertEqual(repo.git("diff"), b"")
        self.assertIn(b"GIT binary patch", (b.root / "patch").read_bytes())
        self.assert_nothing_left(["web"])

    def test_a_second_prepare_sends_changes_and_never_overwrites_work(self):
        b, repo = self.b, Checkout(self.b)
        b.ok("vm", "create", "--name", "web", *SHAPE)
        prepare = ("vm", "workspace", "prepare", "web", str(repo.top))
        b.ok(*prepare)
        inside = ("vm", "exec", "-w", "/root/repo", "web", "--")
        b.ok(*inside, "sh", "-c", "echo mine >>empty")
        repo.change()
        done = b.run(*prepare)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 file sent, 1 removed", done.stderr)
        self.assertEqual(b.ok(*inside, "cat", "a b", "empty"), "changed here\nmine\n")
        put(repo.top, b"empty", b"host")
        self.fails(125, *prepare, says=["is in the way", "empty", "export"])
        self.assertEqual(b.ok(*inside, "cat", "empty"), "mine\n")
        b.ok(*inside, "git", "checkout", "-q", "empty")
        b.ok(*prepare)
        self.assertEqual(b.ok(*inside, "cat", "empty"), "host")
        b.ok(*inside, "git", "commit", "-qam", "work")
        repo.git("commit", "-qam", "other work")
        self.fails(125, *prepare, says=["is in the way", "commits of refs/heads/main"])
        self.fails(125, *prepare, "--guest-path", "/etc", says="is no workspace of banger")
        b.ok(*prepare, "--guest-path", "/root/other", "--branch", "try", "--from", "HEAD~1")
        self.assertEqual(b.ok("vm", "exec", "-w", "/root/other", "web", "--", "git", "status", "-sb"), "## try\n")
        # The agent told what had changed; nobody read the whole tree.
        b.ok(*inside, "test", "-s", ".git/banger/seen")

    def test_a_read_only_workspace_stands_until_the_next_prepare(self):
        b, repo = self.b, Checkout(self.b)
        b.ok("vm", "create", "--name", "web", *SHAPE)
        prepare = ("vm", "workspace", "prepare", "web", str(repo.top))
        write = ("vm", "exec", "-w", "/root/repo", "web", "--", "sh", "-c", "echo mine >empty && rm run")
        b.ok(*prepare, "--readonly")
        self.assertIn("Read-only file system", b.run(*write).stderr)
        repo.change()
        b.ok(*prepare, "--readonly")
        self.assertEqual(b.ok(*write[:6], "cat", "a b"), "changed here\n")
        self.assertNotEqual(b.run(*write).returncode, 0)
        b.ok(*prepare)
        b.ok(*write)

    def test_forks_try_different_things_and_the_best_one_comes_back(self):
        b, repo = self.b, Checkout(self.b)
        b.ok("vm", "create", "--name", "web", *SHAPE)
        b.ok("vm", "workspace", "prepare", "web", str(repo.top))
        self.assertEqual(b.ok("vm", "fork", "web", "--count", "2", "--name", "try"), "try-1\ntry-2\n")
        for name, work in (("try-1", "echo wrong >empty"), ("try-2", "echo right >empty && git commit -qam 'the fix'")):
            b.ok("vm", "exec", "-w", "/root/repo", name, "--", "sh", "-c", work)
        check = ("--", "sh", "-c", "grep right empty || { echo no fix; exit 4; }")
        rows = json.loads(b.ok("vm", "workspace", "compare", "try-1", "try-2", "--json", *check))
        self.assertEqual([(row["vm"], row["files"], row["added"], row["commits"]) for row in rows],
                         [("try-1", 1, 1, 0), ("try-2", 1, 1, 1)])
        self.assertEqual([row["check"] for row in rows],
                         [{"status": 4, "last_line": "no fix"}, {"status": 0, "last_line": "right"}])
        self.assertIn("exit 4: no fix", b.ok("vm", "workspace", "compare", "try-1", "try-2", *check))
        status = b.ok("vm", "workspace", "status", "try-2", str(repo.top))
        self.assertIn("1 new commit, 1 file changed", status)
        self.assertIn("'banger vm workspace export try-2 --apply'", status)
        b.ok("vm", "workspace", "export", "try-2", str(repo.top), "--apply")
        self.assertEqual((repo.top / "empty").read_bytes(), b"right\n")
        put(repo.top, b"empty", b"host")
        status = b.json("vm", "workspace", "status", "try-1", str(repo.top))
        self.assertEqual((status["conflicts"], status["guest"]["commits"]), (["empty"], 0))

    def test_a_mistake_makes_no_vm(self):
        b, repo = self.b, Checkout(self.b)
        self.fails(2, "vm", "run", "--branch", "x", says="--branch needs a PATH")
        self.fails(2, "vm", "run", str(repo.top), "--from", "HEAD", says="--from needs --branch")
        self.fails(125, "vm", "run", str(b.root), says="not in a git checkout")
        listed = b.ok("vm", "run", str(repo.top), "--dry-run")
        self.assertIn("mode: shallow_overlay\n", listed)
        self.assertEqual(b.json("vm", "list"), [])


class BareWorkspace(BareCase):
    def test_a_guest_without_git_gets_the_tree_and_its_changes_come_back(self):
        b, repo = self.b, Checkout(self.b)
        b.ok("vm", "create", "--name", "bare", "--image", "bare")
        self.assertIn("the guest has no git", b.run("vm", "workspace", "prepare", "bare", str(repo.top)).stderr)
        b.ok("vm", "exec", "-w", "/root/repo", "bare", "--", "sh", "-c", "echo more >>'a b'; rm gone; echo n >new")
        status = b.json("vm", "workspace", "status", "bare", str(repo.top))
        self.assertEqual((status["guest"]["files"], status["host"]["files"]), (["a b", "gone", "new"], []))
        b.ok("vm", "workspace", "export", "bare", str(repo.top), "--apply")
        self.assertEqual(repo.git("diff", "--cached", "--name-status", "-z"), b"M\0a b\0D\0gone\0A\0new\0")
        b.ok("vm", "delete", "--force", "bare")


if __name__ == "__main__":
    unittest.main()
