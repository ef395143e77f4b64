"""A server behind the gate of a guest with an egress policy, and what a guest does with it."""
import contextlib
import json
import subprocess
import sys

import bare
import client_hello
import egress
from internet import Internet

NAME, ADDRESS, PORT, MIB = "gate.example", "93.184.216.200", 443, 2**20
CONNECTIONS = 1000

# Reads a ClientHello from each client, answers with one byte, and reads the rest. Prints the seconds and the bytes of
# the rest as JSON, if there are any.
SERVER = """
import json, socket, sys, threading, time
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024, reuse_port=True)
threading.stack_size(1 << 18)
print("ready", flush=True)
def serve(peer):
    with peer:
        header = peer.recv(5, socket.MSG_WAITALL)
        peer.recv(int.from_bytes(header[3:], "big"), socket.MSG_WAITALL)
        peer.sendall(b"k")
        block, moved, began = bytearray(1 << 18), 0, None
        while got := peer.recv_into(block):
            began = began or time.perf_counter()
            moved += got
        if moved:
            print(json.dumps({"seconds": time.perf_counter() - began, "bytes": moved}), flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def greet(descriptor):
    """Returns the words of bash that say hello over an open connection and wait for the first byte of the answer."""
    hello = "".join(f"\\x{byte:02x}" for byte in client_hello.make(NAME))
    return f"printf '{hello}' >&{descriptor}; read -r -N 1 -u {descriptor}"


@contextlib.contextmanager
def server(net):
    """Yields the process of the server. The namespace net.host knows its name."""
    internet = Internet(net, {NAME: [ADDRESS]})
    process = subprocess.Popen([*net.command(net.outside), sys.executable, "-c", SERVER, ADDRESS, str(PORT)],
                               stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        internet.close()


def mib_per_second(banger, vm, process, size=64 * MIB):
    """Returns the throughput from the guest to the server."""
    fill = f"dd if=/dev/zero bs=128k count={size // (128 * 1024)} status=none >&3"
    banger.ok("vm", "exec", vm, "--", "bash", "-c",
              f"exec 3<>/dev/tcp/{NAME}/{PORT} && {greet(3)} && {fill}; exec 3>&-; echo done")
    result = json.loads(process.stdout.readline())
    if result["bytes"] < size:
        raise RuntimeError(f"only {result['bytes']} of {size} bytes were transferred")
    return result["bytes"] / result["seconds"] / MIB


def first_bytes_ms(banger, vm, rounds):
    """Returns the milliseconds from the connect to the first byte of the answer, for each of several connections. The
    guest takes the time, and has looked up the name before."""
    text = banger.ok("vm", "exec", vm, "--", "bash", "-c",
                     f"getent ahostsv4 {NAME} >/dev/null; for i in $(seq {rounds}); do began=${{EPOCHREALTIME/[.,]/}}; "
                     f"exec 3<>/dev/tcp/{ADDRESS}/{PORT} && {greet(3)} && echo $((${{EPOCHREALTIME/[.,]/}} - began)); "
                     "exec 3>&-; done")
    times = [int(line) / 1000 for line in text.split()]
    if len(times) < rounds:
        raise RuntimeError(f"only {len(times)} of {rounds} connections were answered")
    return times


def memory_mib(banger, net, vm, connections=CONNECTIONS):
    """Returns the proportional memory of the gate while the guest has that many connections open."""
    script = (f"ulimit -n {connections + 100}; getent ahostsv4 {NAME} >/dev/null; for i in $(seq {connections}); do "
              f"exec {{fd}}<>/dev/tcp/{ADDRESS}/{PORT} && {greet('$fd')} || exit; done; echo ready; exec sleep 1000")
    process = banger.popen("vm", "exec", vm, "--", "bash", "-c", script, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{connections} connections could not be opened")
        if not (gates := egress.gates(banger, net)):
            raise RuntimeError("there is no gate")
        return sum(bare.pss(pid) for pid in gates) / MIB
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
