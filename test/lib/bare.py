"""Minimal guests: a busybox image without an init, and custom initrds."""
import io
import pathlib
import shutil
import subprocess
import tarfile
import unittest

from harness import DATA, KERNEL, Banger

BUSYBOX = shutil.which("busybox") or "/bin/busybox"


def busybox_tar(path):
    """Writes a minimal Linux root file system as a tar: one static program and its links."""
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with tarfile.open(path, "w") as tar:
        def entry(name, kind, mode=0o755, link="", data=b""):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname, info.size = kind, mode, link, len(data)
            tar.addfile(info, io.BytesIO(data))
        for directory in ("bin", "etc", "root", "tmp", "usr"):
            entry(directory, tarfile.DIRTYPE)
        entry("bin/busybox", tarfile.REGTYPE, 0o755, data=pathlib.Path(BUSYBOX).read_bytes())
        for applet in applets:
            if applet not in ("busybox", "init", "linuxrc"):
                entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777, "busybox")
        entry("etc/passwd", tarfile.REGTYPE, 0o644,
              data=b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        entry("etc/group", tarfile.REGTYPE, 0o644, data=b"root:x:0:\nnogroup:x:65534:\n")


def cpio(entries):
    """Returns a newc archive (cpio(5)) of {path: (mode with file type, bytes)}. Parents must come first."""
    archive = b""
    for number, (name, (mode, data)) in enumerate([*entries.items(), ("TRAILER!!!", (0, b""))], 1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        archive += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        archive += b"\0" * (-len(archive) % 4) + data
        archive += b"\0" * (-len(archive) % 4)
    return archive


class BareCase(unittest.TestCase):
    """A home with the shared kernel and the image `bare`. The home has its own image store, so the shared one stays
    unchanged."""

    config = "templates = false\n"

    @classmethod
    def setUpClass(cls):
        if not DATA:
            raise unittest.SkipTest("no kernel: BANGER_DATA is not set")
        cls.b = cls.make_banger()
        store = pathlib.Path(cls.b.env["XDG_DATA_HOME"]) / "banger"
        store.mkdir(parents=True)
        shutil.copytree(pathlib.Path(DATA) / "banger" / "kernels", store / "kernels")
        busybox_tar(cls.b.root / "bare.tar")
        cls.b.chown_home()
        cls.b.ok("image", "import", "bare", str(cls.b.root / "bare.tar"), "--kernel", KERNEL)

    @classmethod
    def make_banger(cls):
        return Banger(config=cls.config)

    @classmethod
    def tearDownClass(cls):
        cls.b.destroy()
