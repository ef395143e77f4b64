"""Root file systems that other tools would make, as tar files with a configuration. One is from scratch, some have
busybox, some have an init, and one has files that get in the way."""
import io
import json
import pathlib
import shutil
import subprocess
import tarfile

import extras
from bare import BUSYBOX

PASSWD = ("root:x:0:0:root:/root:/bin/sh\n"
          "app:x:1000:1000:App:/home/app:/usr/sbin/nologin\n"
          "short:x:1001:1001\n"
          "hostile:x:zero:0::/:/bin/sh\n")
GROUP = "root:x:0:\napp:x:1000:\nextra:x:2000:app\nother:x:3000:short\n"


class Root:
    """The tar of a root file system. Later entries replace earlier ones."""

    def __init__(self, directory, name):
        self.path = pathlib.Path(directory) / f"{name}.tar"
        self.tar = tarfile.open(self.path, "w")

    def _add(self, name, kind, mode, data=b"", link="", owner=0):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(data), link
        info.uid = info.gid = owner
        self.tar.addfile(info, io.BytesIO(data))

    def directory(self, name, mode=0o755, owner=0):
        self._add(name, tarfile.DIRTYPE, mode, owner=owner)

    def file(self, name, text, mode=0o644):
        self._add(name, tarfile.REGTYPE, mode, text if isinstance(text, bytes) else text.encode())

    def link(self, name, target):
        self._add(name, tarfile.SYMTYPE, 0o777, link=target)

    def pipe(self, name):
        self._add(name, tarfile.FIFOTYPE, 0o644)

    def busybox(self, path="bin/busybox", links=None):
        """Adds busybox, and a link beside it for each applet in `links`, or for all."""
        self.file(path, pathlib.Path(BUSYBOX).read_bytes(), 0o755)
        if links is None:
            applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
            links = [applet for applet in applets if applet not in ("busybox", "init", "linuxrc")]
        for applet in links:
            self.link(str(pathlib.Path(path).parent / applet), pathlib.Path(path).name)

    def close(self):
        self.tar.close()
        return self.path


def scratch(directory):
    """One static program, and nothing else."""
    root = Root(directory, "scratch")
    root.busybox("busybox", links=[])
    return root.close()


SCRATCH_CONFIG = {"Entrypoint": ["/busybox"], "Cmd": ["echo", "from scratch"]}


def app(directory):
    """busybox without an init, with users, as an image of a registry. Its /sbin/init and its inittab come with
    packages, but the OpenRC that they start does not."""
    root = Root(directory, "app")
    for name in ("bin", "sbin", "etc", "home", "home/app"):
        root.directory(name, owner=1000 if name == "home/app" else 0)
    root.busybox()
    root.link("sbin/init", "/bin/busybox")
    root.file("etc/inittab", "::sysinit:/sbin/openrc sysinit\n::wait:/sbin/openrc default\ntty1::respawn:/bin/sh\n")
    root.file("etc/passwd", PASSWD)
    root.file("etc/group", GROUP)
    root.file("serve", '#!/bin/sh\ntrap "echo quit; exit 7" QUIT\necho "serve $*"\n'
                       '[ "$1" = once ] || while :; do sleep 1; done\n', 0o755)
    return root.close()


APP_CONFIG = {"config": {"Env": ["PATH=/opt/tools:/bin", "FROM_IMAGE=yes", "BOTH=image", "broken"],
                         "Entrypoint": ["/serve"], "Cmd": ["once", "by", "default"], "WorkingDir": "/srv/work",
                         "User": "app", "StopSignal": "SIGQUIT"}}


def mortal_init(directory):
    """busybox with an init of its own, which ends when there is a file /end."""
    root = Root(directory, "mortal_init")
    for name in ("bin", "sbin", "etc", "tmp"):
        root.directory(name)
    root.busybox()
    root.file("sbin/init", "#!/bin/sh\nwhile [ ! -e /end ]; do sleep 1; done\nrm /end\nsync\nexit 3\n", 0o755)
    root.file("etc/passwd", PASSWD)
    root.file("etc/group", GROUP)
    return root.close()


def in_the_way(directory):
    """busybox where nothing is as programs expect: hostile links, missing and special files."""
    root = Root(directory, "in_the_way")
    root.directory("usr")
    root.directory("usr/bin")
    root.busybox("usr/bin/busybox")
    root.link("bin", "usr/bin")
    root.directory("etc")
    root.link("etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf")  # dangles
    root.link("etc/hosts", "hosts")  # a circle
    root.directory("etc/hostname", 0o555)
    root.pipe("etc/passwd")
    root.file("etc/machine-id", "uninitialized\n", 0o444)
    root.file("etc/profile.d", "a file\n", 0o444)
    root.link("run", "var/run")
    root.link("root", "/home/nobody")
    root.link("tmp", "/var/tmp")
    root.file("proc", "a file\n")
    root.file("init", "#!/bin/sh\nexit 1\n", 0o755)
    return root.close()


def busybox_init(directory):
    """busybox that is set up as the init."""
    root = Root(directory, "busybox_init")
    for name in ("bin", "sbin", "etc", "etc/init.d", "root", "tmp"):
        root.directory(name)
    root.busybox()
    root.link("sbin/init", "/bin/busybox")
    root.file("etc/passwd", PASSWD)
    root.file("etc/group", GROUP)
    root.file("etc/inittab", "::sysinit:/etc/init.d/rcS\n::respawn:/bin/sleep 1000\n"
                             "::shutdown:/bin/sh -c 'echo down >/root/shutdown'\n")
    root.file("etc/init.d/rcS", "#!/bin/sh\necho up >/root/sysinit\n", 0o755)
    return root.close()


# Packages of Debian with other inits. They take half a minute to install.
DEBIAN = {"openrc": "openrc,sysvinit-core", "runit": "runit,runit-init", "none": "ca-certificates"}


def debian(directory, kind):
    """Debian with another init, or without one. Returns None where this host cannot build one."""
    path = pathlib.Path(directory) / f"debian-{kind}.tar"
    if made := extras.find(path.name):
        return made
    if not shutil.which("mmdebstrap"):
        return None
    done = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={DEBIAN[kind]}", "bookworm", path],
                          capture_output=True)
    return path if done.returncode == 0 else None


def write_config(directory, name, config):
    path = pathlib.Path(directory) / f"{name}.json"
    path.write_text(json.dumps(config))
    return path
