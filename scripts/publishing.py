"""What scripts/publish-image and scripts/publish-kernel have in common: targets, the catalog file and its signature."""
import argparse
import base64
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CATALOG = "catalog.json"
SIGNATURE = CATALOG + ".sig"


class Failure(Exception):
    """A sentence for the user."""


def run(*words):
    """Runs a command and returns its standard output. What the command says on standard error is for the user."""
    try:
        done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        raise Failure(f"the program {words[0]} is missing") from error
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))} failed with exit status {done.returncode}")
    return done.stdout


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


class Directory:
    """A directory of this host, which a web server may serve."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def put(self, file, name):
        """A reader never sees half a file."""
        unfinished = self.path / f".{name}.unfinished"
        shutil.copyfile(file, unfinished)
        unfinished.replace(self.path / name)

    def get(self, name, to):
        """Returns whether there is such a file."""
        if not (self.path / name).exists():
            return False
        shutil.copyfile(self.path / name, to)
        return True


class Rclone:
    """A path of a remote of rclone: an S3 bucket, an SFTP server and so on."""

    def __init__(self, place):
        self.place = place.rstrip("/")
        run("rclone", "mkdir", self.place)

    def put(self, file, name):
        run("rclone", "copyto", file, f"{self.place}/{name}")

    def get(self, name, to):
        if name not in run("rclone", "lsf", "--files-only", self.place).splitlines():
            return False
        run("rclone", "copyto", f"{self.place}/{name}", to)
        return True


def target_of(text):
    return Rclone(text.removeprefix("rclone:")) if text.startswith("rclone:") else Directory(text)


def put_checked(target, file, name, scratch):
    """Puts the file, fetches it again and compares."""
    target.put(file, name)
    back = scratch / "back"
    if not target.get(name, back) or sha256(back) != sha256(file):
        raise Failure(f"{name} came back from the target with other content")
    back.unlink()


def sign(key, file, signature):
    run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file, "-out", signature)


def public_key(key):
    """The value of the config key catalog_key that belongs to this private key."""
    with tempfile.NamedTemporaryFile() as der:
        run("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", "-out", der.name)
        info = der.read()
    if len(info) != 44:  # the prefix of RFC 8410 and 32 bytes
        raise Failure(f"{key} is no Ed25519 key (hint: openssl genpkey -algorithm ed25519 -out {key})")
    return base64.b64encode(info[-32:]).decode()


def is_signed(key, file, signature):
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", key, "-in", file, "-sigfile",
                           signature], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def read_catalog(target, options, scratch):
    """The catalog that is there. Somebody else's changes to a signed catalog would get this key's signature."""
    file, signature = scratch / "old.json", scratch / "old.sig"
    if not target.get(CATALOG, file):
        return {"version": 1, "entries": []}
    if not options.key and target.get(SIGNATURE, signature):
        raise Failure(f"{CATALOG} of the target is signed, so a change needs the key (hint: add --key FILE)")
    trusted = not options.key or options.trust_catalog
    if not trusted and not (target.get(SIGNATURE, signature) and is_signed(options.key, file, signature)):
        raise Failure(f"{CATALOG} of the target is not signed with this key (hint: read it, then add --trust-catalog)")
    catalog = json.loads(file.read_text())
    if not isinstance(catalog, dict) or catalog.get("version") != 1:
        raise Failure(f"{CATALOG} of the target is no catalog of version 1")
    return catalog


def replace_entry(catalog, kind, name, description, bundle):
    """The bundle comes first. Sources of other kinds stay behind it."""
    entries = catalog["entries"]
    entry = next((one for one in entries if (one["kind"], one["name"]) == (kind, name)), None)
    if entry is None:
        entry = {"kind": kind, "name": name, "description": description or name, "sources": []}
        entries.append(entry)
    if description:
        entry["description"] = description
    entry["sources"] = [bundle] + [source for source in entry["sources"] if source["from"] != "bundle"]


def write_catalog(target, options, catalog, scratch):
    file, signature = scratch / CATALOG, scratch / SIGNATURE
    file.write_text(json.dumps(catalog, indent=2) + "\n")
    # Nothing of the target changes before there is a good signature.
    if options.key:
        sign(options.key, file, signature)
        if not is_signed(options.key, file, signature):
            raise Failure("openssl made a signature that it does not accept itself")
    put_checked(target, file, CATALOG, scratch)
    if options.key:
        put_checked(target, signature, SIGNATURE, scratch)


def check_entry(name, is_given):
    """Every client refuses a whole catalog that has another kind of name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name):
        hint = "use a-z, 0-9, '.', '_' and '-'" if is_given else "choose one with --entry NAME"
        raise Failure(f"{name!r} cannot be a name in a catalog (hint: {hint})")


def publish(kind, options, scratch):
    check_entry(options.entry or options.name, bool(options.entry))
    if not (options.description or "x").isprintable():
        raise Failure("the description must be one line of text")
    key = public_key(options.key) if options.key else None
    target = target_of(options.to)
    banger = options.banger
    if options.make:
        run(banger, kind, {"image": "build", "kernel": "pull"}[kind], options.name)
    catalog = read_catalog(target, options, scratch)
    file = pathlib.Path(run(banger, kind, "export", options.name, "-o", scratch).strip())
    put_checked(target, file, file.name, scratch)
    bundle = {"from": "bundle", "location": file.name, "size": file.stat().st_size, "sha256": sha256(file)}
    replace_entry(catalog, kind, options.entry or options.name, options.description, bundle)
    write_catalog(target, options, catalog, scratch)
    print(f"{options.to}: {file.name}, {file.stat().st_size} bytes")
    if key:
        print(f'catalog_key = "{key}"')


def main(kind, doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help=f"the {kind}")
    parser.add_argument("--to", required=True, metavar="TARGET", help="a directory, or rclone:REMOTE:PATH")
    parser.add_argument("--make", action="store_true", help="make it first: 'image build', or 'kernel pull'")
    parser.add_argument("--entry", metavar="NAME", help="its name in the catalog")
    parser.add_argument("--description", metavar="TEXT", help="one line for the catalog")
    parser.add_argument("--key", metavar="FILE", help="sign the catalog with this Ed25519 key (PEM)")
    parser.add_argument("--trust-catalog", action="store_true", help="sign the target's catalog whoever wrote it")
    parser.add_argument("--banger", default="banger", metavar="PROGRAM", help="the banger program")
    with tempfile.TemporaryDirectory(prefix="banger-publish-") as scratch:
        try:
            publish(kind, parser.parse_args(), pathlib.Path(scratch))
        except (Failure, OSError, ValueError, KeyError, TypeError, AttributeError) as failure:
            sys.exit(f"publish-{kind}: {failure}")
