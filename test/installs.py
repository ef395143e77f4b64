#!/usr/bin/env python3
"""Installs the release build into an empty directory. Checks the binary and its names, the manual pages, the shell
completion and the Debian package."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def wrong_names(prefix):
    for name in ("banger", "bangerd", "bangerd-root", "banger-agent"):
        path = prefix / "bin" / name
        if not os.access(path, os.X_OK):
            yield f"bin/{name} is missing or not executable"
        elif name != "banger" and os.readlink(path) != "banger":
            yield f"bin/{name} is not a link to banger"
    done = subprocess.run([prefix / "bin/banger", "--version"], capture_output=True, text=True)
    if done.returncode != 0 or not done.stdout.startswith("banger "):
        yield f"the installed banger does not run: {done.stderr}"


def commands(prefix):
    """Yields every command that completion offers, in the form of a manual page's name."""
    def offered(*words):
        done = subprocess.run([prefix / "bin/banger", "__complete", "--", *words, ""], capture_output=True, text=True,
                              check=True)
        return [line.split("\t")[0] for line in done.stdout.splitlines() if not line.startswith((":", "-"))]
    for word in offered():
        inner = offered(word) if word in ("vm", "image", "kernel", "daemon", "system") else []
        yield from [f"{word}-{each}" for each in inner] or [word]


def wrong_pages(prefix):
    folder = prefix / "share/man/man1"
    pages = {page.name for page in folder.glob("*.1")}
    for name in ["banger", *(f"banger-{command}" for command in commands(prefix))]:
        if f"{name}.1" not in pages:
            yield f"no manual page {name}.1"
    if not shutil.which("man"):
        print("installs: SKIPPED rendering of manual pages: man is not installed")
        return
    for page in sorted(pages):
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", folder / page], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "MANWIDTH": "80", "LANG": "C.UTF-8",
                                   "HOME": "/nonexistent"})
        if done.returncode != 0 or done.stderr.strip():
            yield f"{page}: {done.stderr.strip() or done.returncode}"
        elif "NAME" not in done.stdout or page.removesuffix(".1") not in done.stdout:
            yield f"{page} does not render: {done.stdout[:200]!r}"


def wrong_completion(prefix):
    for shell, path in (("bash", "bash-completion/completions/banger"), ("zsh", "zsh/site-functions/_banger"),
                        ("fish", "fish/vendor_completions.d/banger.fish")):
        file = prefix / "share" / path
        if not file.exists() or "__complete" not in file.read_text():
            yield f"no completion for {shell}"
        elif shutil.which(shell) and subprocess.run([shell, "-n", file]).returncode != 0:
            yield f"{shell} rejects its completion script"


def wrong_package():
    if not shutil.which("dpkg-deb"):
        print("installs: SKIPPED the Debian package: dpkg-deb is not installed")
        return
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run([ROOT / "scripts/package-deb", place], capture_output=True, text=True)
        if done.returncode != 0:
            yield f"scripts/package-deb: {done.stderr}"
            return
        package = done.stdout.strip()
        contents = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
        for name in ("./usr/bin/banger\n", "./usr/bin/bangerd-root -> banger\n",
                     "./usr/share/man/man1/banger-system-install.1.gz\n", "./usr/share/banger/apparmor/banger\n"):
            if name not in contents:
                yield f"the Debian package has no {name.strip()}"
        if "/usr/local" in contents or "DEBIAN" in contents:
            yield "the Debian package contains /usr/local or DEBIAN"
        control = subprocess.run(["dpkg-deb", "-f", package, "Package", "Version", "Architecture"], capture_output=True,
                                 text=True, check=True).stdout
        if "Package: banger\n" not in control:
            yield f"the Debian package has another name: {control}"
        yield from wrong_profile_scripts(package)


def wrong_profile_scripts(package):
    """The scripts of the package load the profile only where AppArmor understands it, and remove it again."""
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        subprocess.run(["dpkg-deb", "-R", package, root / "package"], check=True)
        shipped = root / "package/usr/share/banger/apparmor/banger"
        profile, log = root / "etc/apparmor.d/banger", root / "log"
        (root / "apparmor_parser").write_text(f'#!/bin/sh\necho "$1" >>{log}\n')
        (root / "apparmor_parser").chmod(0o755)

        def run(script, step):
            text = (root / "package/DEBIAN" / script).read_text().replace("/etc/", f"{root}/etc/")
            text = text.replace("/usr/share/banger/apparmor/banger", str(shipped))
            subprocess.run(["sh", "-c", text, script, step], check=True, env={"PATH": f"{root}:{os.environ['PATH']}"})
        run("postinst", "configure")
        if profile.exists():
            yield "the Debian package installs a profile that AppArmor 3 does not understand"
        (root / "etc/apparmor.d/abi").mkdir(parents=True)
        (root / "etc/apparmor.d/abi/4.0").touch()
        run("postinst", "configure")
        if not profile.exists() or profile.read_bytes() != shipped.read_bytes():
            yield "the Debian package does not install its AppArmor profile"
        run("prerm", "upgrade")
        run("prerm", "remove")
        if profile.exists() or log.read_text() != "-r\n-R\n":
            yield "removing the Debian package leaves its AppArmor profile"


def main():
    with tempfile.TemporaryDirectory() as destination:
        done = subprocess.run(["meson", "install", "-C", ROOT / "build", "--no-rebuild", "--destdir", destination],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"installs: meson install: {done.stdout}{done.stderr}")
        prefix = pathlib.Path(destination) / "usr/local"
        wrong = [*wrong_names(prefix), *wrong_pages(prefix), *wrong_completion(prefix)]
        strays = {path.relative_to(destination).parts[:2] for path in pathlib.Path(destination).rglob("*")
                  if not path.is_dir()} - {("usr", "local")}
        wrong += [f"installed outside the prefix: {'/'.join(stray)}" for stray in strays]
    wrong += wrong_package()
    print("\n".join(wrong) or "installs: no faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
