"""A banger of a user without rights, for the figures of private networks."""
import contextlib
import pathlib
import subprocess
import tempfile

import host as hosts
import netns

OWNER = "daemon"  # every Debian has that user
WITH_TUN = 'mount --bind "$0" /dev/net/tun && exec "$@"'


@contextlib.contextmanager
def private_host(data):
    """Yields the banger and the namespaces in which it runs. It has a copy of the images in `data`, and may open
    /dev/net/tun, as on a usual Debian."""
    net = netns.Network()
    try:
        with tempfile.TemporaryDirectory(prefix="banger-bench-") as place:
            pathlib.Path(place).chmod(0o755)
            tun = pathlib.Path(place) / "tun"
            subprocess.run(["mknod", "-m", "666", tun, "c", "10", "200"], check=True)
            images = pathlib.Path(place) / "data"
            subprocess.run(["cp", "-a", "--sparse=always", data, images], check=True)
            subprocess.run(["chown", "-R", f"{OWNER}:", images], check=True)
            prefix = net.command(net.host, "unshare", "-m", "sh", "-c", WITH_TUN, tun)
            banger = hosts.Host(prefix=prefix, data=images, user=OWNER)
            banger.chown_home()
            try:
                yield banger, net
            finally:
                banger.destroy()
    finally:
        net.destroy()


def memory_mib(banger):
    """Returns the proportional memory of the keeper and its two processes."""
    keeper = int((banger.state / "run" / "network.lock").read_text().split()[0])
    children = pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    total = 0
    for pid in (keeper, *children):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
