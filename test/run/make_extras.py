"""Makes what only long stories need (test/lib/extras.py). It stays between runs. What cannot be made here is left out,
and then its stories are skipped."""
import hashlib
import os
import shutil
import subprocess
import sys

from place import DATA, ROOT, say

sys.path.insert(0, str(ROOT / "test/lib"))
import roots  # noqa: E402

PLACE = DATA / "extras"
IMAGES = "debian-bookworm-dev", "debian-bookworm-build"


def make(account):
    """`account` builds the images, and may gain privileges."""
    PLACE.mkdir(parents=True, exist_ok=True)
    attempt("the kernel 'generic'", make_kernel)
    attempt("Debian with other inits", make_roots)
    for image in IMAGES:
        attempt(f"the image {image}, as {account.name}", lambda: make_image(account, image))


def attempt(what, work):
    say(what)
    try:
        work()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"left out: {what}: {error}", flush=True)


def make_kernel():
    subprocess.run([ROOT / "scripts/deps", "kernel"], check=True)
    subprocess.run(["nice", ROOT / "images/kernel/build", PLACE / "kernel"], check=True)


def make_roots():
    for kind in roots.DEBIAN:
        if not (PLACE / f"debian-{kind}.tar").exists() and not roots.debian(PLACE, kind):
            raise OSError(f"mmdebstrap cannot make debian-{kind}.tar here")


def recipes():
    """A digest of everything that recipes are made of."""
    files = sorted(path for folder in ("guest", "images") for path in (ROOT / folder).rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def make_image(account, image):
    bundle, made_from = PLACE / f"{image}.tar.zst", PLACE / f"{image}.digest"
    if bundle.exists() and made_from.exists() and made_from.read_text() == recipes():
        return
    partial = PLACE / f".{image}.partial"
    try:
        account.banger("image", "build", image, check=True)
        with open(partial, "wb") as out:
            account.banger("image", "export", image, "-o", "-", check=True, stdout=out)
        os.rename(partial, bundle)
        made_from.write_text(recipes())
    finally:
        account.banger("image", "delete", image, capture_output=True)
        account.banger("daemon", "stop", check=True)
        partial.unlink(missing_ok=True)


def lend(place):
    """Copies the things to `place`, for an account that cannot read the repository."""
    (place / "kernel").mkdir(parents=True)
    for name in ("kernel/vmlinux", *(path.name for path in PLACE.glob("*.tar*"))):
        if (PLACE / name).exists():
            shutil.copy(PLACE / name, place / name)
    return place
