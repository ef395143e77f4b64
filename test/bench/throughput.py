"""Measures TCP between a guest and a server in a namespace. The server takes the time."""
import json
import subprocess
import sys

ADDRESS, NETWORK, MIB = "172.16.0.1", "172.16.0.1/24", 2**20

# Serves one connection. Direction "in" reads everything from the guest. Direction "out" sends `size` bytes and waits
# until the guest closes the connection. Prints the seconds and bytes as JSON.
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


def in_guest(direction, address, port, size):
    """Returns the guest's command, which needs only tools that every Debian has."""
    peer = f"/dev/tcp/{address}/{port}"
    fill = f"dd if=/dev/zero bs=128k count={size // (128 * 1024)} status=none >&3"
    work = fill if direction == "in" else "cat <&3 >/dev/null"
    return ["bash", "-c", f"exec 3<>{peer} && {work}; exec 3>&-; echo done"]


def mib_per_second(prefix, run_in_guest, direction, size=64 * MIB, address=ADDRESS):
    """Returns the throughput in MiB per second. `prefix` enters the namespace with that address. `run_in_guest(argv)`
    must return when the command has ended."""
    server = subprocess.Popen([*prefix, sys.executable, "-c", SERVER, address, direction, str(size)],
                              stdout=subprocess.PIPE, text=True)
    try:
        run_in_guest(in_guest(direction, address, int(server.stdout.readline()), size))
        result = json.loads(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    if result["bytes"] < size:
        raise RuntimeError(f"only {result['bytes']} of {size} bytes were transferred")
    return result["bytes"] / result["seconds"] / MIB


def make_plain_bridge(net):
    """Makes a bridge with one tap and no firewall rules in the namespace `net.host`."""
    net.sh(net.host, f"ip link add br0 type bridge; ip address add {NETWORK} dev br0; ip link set br0 up; "
                     "ip tuntap add bench0 mode tap vnet_hdr; ip link set bench0 master br0; ip link set bench0 up")


def on_plain_bridge(pattern, net):
    """Changes a pattern so that its machine runs in the namespace and uses the tap of the plain bridge."""
    def device(word):
        plain = "tap,id=tap0,ifname=bench0,script=no,downscript=no,vhost=off"
        return plain if word.startswith("tap,id=tap0,fd=") else word
    if not any(word.startswith("tap,id=tap0,fd=") for word in pattern.argv):
        raise RuntimeError("the machine used for comparison has no tap")
    pattern.argv = [*net.command(net.host), *map(device, pattern.argv)]
    return pattern
