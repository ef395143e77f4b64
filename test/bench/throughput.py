"""TCP between a host and a guest on its bridge: a server in the host's namespace, which also takes the time."""
import json
import subprocess
import sys

ADDRESS, NETWORK, MIB = "172.16.0.1", "172.16.0.1/24", 2**20

# One connection: what the guest sends is read to its end, or `size` bytes are sent and its end waited for. Prints
# seconds.
SERVER = """
import json, socket, sys, time
address, direction, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
listener = socket.create_server((address, 0))
print(listener.getsockname()[1], flush=True)
listener.settimeout(120)
peer, _ = listener.accept()
peer.settimeout(120)
block, moved, began = bytearray(1 << 18), 0, None
if direction == "in":
    while got := peer.recv_into(block):
        began = began or time.perf_counter()
        moved += got
else:
    began = time.perf_counter()
    while moved < size:
        moved += peer.send(block)
    peer.shutdown(socket.SHUT_WR)
    while peer.recv(4096):
        pass
print(json.dumps({"seconds": time.perf_counter() - began, "bytes": moved}))
"""


def in_guest(direction, port, size):
    """The guest's half, with what any Debian has."""
    peer = f"/dev/tcp/{ADDRESS}/{port}"
    fill = f"dd if=/dev/zero bs=128k count={size // (128 * 1024)} status=none >&3"
    work = fill if direction == "in" else "cat <&3 >/dev/null"
    return ["bash", "-c", f"exec 3<>{peer} && {work}; exec 3>&-; echo done"]


def mib_per_second(prefix, run_in_guest, direction, size=64 * MIB):
    """`prefix` leads into the host's namespace; `run_in_guest(argv)` returns when the command has ended."""
    server = subprocess.Popen([*prefix, sys.executable, "-c", SERVER, ADDRESS, direction, str(size)],
                              stdout=subprocess.PIPE, text=True)
    try:
        run_in_guest(in_guest(direction, int(server.stdout.readline()), size))
        told = json.loads(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    if told["bytes"] < size:
        raise RuntimeError(f"{told['bytes']} of {size} bytes were moved")
    return told["bytes"] / told["seconds"] / MIB


def make_plain_bridge(net):
    """A bridge with one tap and no rules, in a namespace of its own: what one would make by hand."""
    net.sh(net.host, f"ip link add br0 type bridge; ip address add {NETWORK} dev br0; ip link set br0 up; "
                     "ip tuntap add bench0 mode tap vnet_hdr; ip link set bench0 master br0; ip link set bench0 up")


def on_plain_bridge(pattern, net):
    """The same machine on that tap, within the namespace."""
    def device(word):
        ours = "tap,id=tap0,ifname=bench0,script=no,downscript=no,vhost=off"
        return ours if word.startswith("tap,id=tap0,fd=") else word
    if not any(word.startswith("tap,id=tap0,fd=") for word in pattern.argv):
        raise RuntimeError("the machine to compare with has no tap")
    pattern.argv = [*net.command(net.host), *map(device, pattern.argv)]
    return pattern
