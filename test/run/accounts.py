"""The accounts that run stories: the current user and, if that is root, also an unprivileged user. The unprivileged
user gets only the binary, the tests and the images."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import make_extras
from place import DATA, RELEASE, ROOT, say, sh

UNPRIVILEGED = "banger-test"
NAMES = ("banger", "bangerd", "bangerd-root", "banger-agent")
IMAGES = (("kernel", "debian-cloud", "pull"), ("image", "debian-bookworm", "build"))
PASSED_ON = ("BANGER_FIRECRACKER_YAML",)


class Account:
    """An account. `name` is root or user, `prefix` is put before every command, and `data` holds the kernel and the
    default image."""

    def __init__(self, name, home, data, binaries, tests, prefix=()):
        self.name, self.data, self.binaries, self.tests, self.prefix = name, data, binaries, tests, list(prefix)
        kept = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb",
                    "XDG_DATA_HOME": str(data), "BANGER_BIN": str(binaries), "BANGER_DATA": str(data),
                    "BANGER_TESTS": str(tests), **kept}

    def banger(self, *words, **kwargs):
        return subprocess.run([*self.prefix, self.binaries / "banger", *words], env=self.env, cwd="/", **kwargs)

    def make_images(self):
        """Makes the kernel and the image with banger itself. Keeps those that exist already."""
        for kind, name, how in IMAGES:
            if self.banger(kind, "show", name, capture_output=True).returncode != 0:
                say(f"{kind} {name}, as {self.name}")
                self.banger(kind, how, name, check=True)
        self.banger("daemon", "stop", check=True)

    def make_seed(self, place):
        """Makes a template for all stories that clone one. They need `place` on the file system of their homes."""
        say(f"a template, as {self.name}")
        place.mkdir()
        if self.prefix:
            shutil.chown(place, UNPRIVILEGED, UNPRIVILEGED)
        words = [*self.prefix, sys.executable, self.tests / "lib/seed.py", place]
        if subprocess.run(words, env=self.env, cwd="/").returncode == 0:
            self.env["BANGER_SEED"] = str(place / "banger")


def this_user():
    home = DATA / "home"
    home.mkdir(parents=True, exist_ok=True)
    return Account("root" if os.geteuid() == 0 else "user", home, DATA / "data", RELEASE / "src", ROOT / "test")


def unprivileged(place):
    """Prepares the unprivileged user's account in `place`, a directory that every user can enter."""
    if subprocess.run(["id", UNPRIVILEGED], capture_output=True).returncode != 0:
        sh("useradd", "--create-home", UNPRIVILEGED)
    home, binaries = place / "home", place / "bin"
    for folder in (home, binaries):
        folder.mkdir()
    for name in NAMES:
        shutil.copy(RELEASE / "src" / name, binaries, follow_symlinks=False)
    for folder in ("test", "scripts", "guest", "clients"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.chown(home, UNPRIVILEGED, UNPRIVILEGED)
    as_user = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--init-groups"]
    return Account("user", home, home / "data", binaries, place / "test", as_user)


def lend_images(owner, borrower):
    """Copies the images of one account to another."""
    user = borrower.prefix and UNPRIVILEGED or "root"
    borrower.data.mkdir(parents=True, exist_ok=True)
    sh("cp", "-a", "--sparse=always", "--reflink=auto", f"{owner.data}/.", borrower.data)
    sh("chown", "-R", f"{user}:", borrower.data)


class Accounts:
    """The accounts of a run, by name. prepare() gives them images, and what long stories need. Leaving the context
    removes the temporary files."""

    def __init__(self, both, long):
        self.temporary = tempfile.TemporaryDirectory(prefix="banger-user-")
        self.place = pathlib.Path(self.temporary.name)
        self.both, self.long = both, long
        self.all = {}

    def __enter__(self):
        return self

    def prepare(self):
        mine = this_user()
        self.all = {mine.name: mine}
        self.place.chmod(0o755)
        if self.both:
            self.prepare_both(mine)
        else:
            mine.make_images()
            self.prepare_extras(mine)
        for account in self.all.values():
            account.make_seed(self.place / f"seed-{account.name}")
        return self

    def prepare_both(self, mine):
        user = self.all["user"] = unprivileged(self.place)
        if (mine.data / "banger").exists():
            mine.make_images()
            lend_images(mine, user)
        else:  # Most people build images as a user. --long has stories that build them as root.
            user.make_images()
            lend_images(user, mine)
        self.prepare_extras(user)
        # The image build needs newuidmap, which does not work with --no-new-privs. Everything afterwards runs with it.
        user.prefix.append("--no-new-privs")

    def prepare_extras(self, builder):
        if not self.long:
            return
        make_extras.make(builder)
        for account in self.all.values():
            lent = account.prefix and make_extras.lend(self.place / "extras")
            account.env["BANGER_EXTRAS"] = str(lent or make_extras.PLACE)

    def __exit__(self, *_):
        self.temporary.cleanup()
