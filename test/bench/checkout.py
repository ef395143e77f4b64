"""A git checkout of 10,000 files and 200 MiB, for the figures of workspaces."""
import os
import pathlib
import subprocess

DIRECTORIES, FILES_EACH, FILE_BYTES = 100, 100, 20 * 1024


class Checkout:
    def __init__(self, place):
        self.top = pathlib.Path(place) / "repo"
        self.top.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(range(DIRECTORIES * FILES_EACH))
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "first")

    def git(self, *words):
        subprocess.run(["git", *words], cwd=self.top, check=True, capture_output=True)

    def path(self, number):
        return self.top / f"directory-{number // FILES_EACH}" / f"file-{number % FILES_EACH}.txt"

    def write(self, numbers):
        """Gives these files new content that does not compress to nothing."""
        for number in numbers:
            self.path(number).parent.mkdir(exist_ok=True)
            self.path(number).write_text(os.urandom(FILE_BYTES // 2).hex())

    def pack_into(self, command, env):
        """Sends the checkout as a tar to the command's standard input."""
        with subprocess.Popen(["tar", "-C", self.top.parent, "-c", self.top.name], stdout=subprocess.PIPE) as tar:
            subprocess.run(command, stdin=tar.stdout, check=True, capture_output=True, env=env)
            tar.stdout.close()
        if tar.returncode:
            raise RuntimeError("tar failed")
