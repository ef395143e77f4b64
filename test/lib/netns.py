"""Network namespaces for a test: a separate host with one uplink, and the outside network behind the uplink."""
import json
import re
import shutil
import subprocess
import uuid

HOST_ADDRESS, OUTSIDE_ADDRESS, PORT = "198.51.100.1", "198.51.100.2", 8000

# The kernel's default settings. The order matters, because writing one setting can change others.
PLAIN = {"ipv4/ip_forward": 0, "ipv4/conf/all/forwarding": 0, "ipv4/conf/default/forwarding": 0,
         "ipv4/conf/all/rp_filter": 0,
         "ipv4/conf/default/rp_filter": 0, "ipv4/conf/all/route_localnet": 0, "ipv4/conf/default/route_localnet": 0,
         "ipv6/conf/all/forwarding": 0, "ipv6/conf/default/forwarding": 0, "ipv6/conf/all/disable_ipv6": 0,
         "ipv6/conf/default/disable_ipv6": 0, "bridge/bridge-nf-call-iptables": 0, "bridge/bridge-nf-call-ip6tables": 0,
         "bridge/bridge-nf-call-arptables": 0}

# Replies to each client with the client's address, as this server sees it.
SERVER = """
import socketserver
class SendAddress(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(("you are " + self.client_address[0] + "\\n").encode())
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("%s", %d), SendAddress).serve_forever()
"""


def skip_reason():
    """Returns why these tests cannot run here, or None."""
    for program in ("ip", "nft"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"{program} is not installed"
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        return "network namespaces cannot be created here"
    return None


class Network:
    """Two namespaces. banger runs in `host`, whose eth0 leads to `outside`. `outside` has no route to private ranges.
    """

    def __init__(self):
        name = uuid.uuid4().hex[:6]
        self.host, self.outside = f"bgh{name}", f"bgo{name}"
        self.servers = []
        for space in (self.host, self.outside):
            subprocess.run(["ip", "netns", "add", space], check=True)
            self.reset_settings(space)
            self.sh(space, "ip link set lo up")
        self.sh(self.host, f"ip link add eth0 type veth peer name eth0 netns {self.outside}")
        for space, address in ((self.host, HOST_ADDRESS), (self.outside, OUTSIDE_ADDRESS)):
            self.sh(space, f"ip address add {address}/24 dev eth0")
            self.sh(space, "ip link set eth0 up")
        self.sh(self.host, f"ip route add default via {OUTSIDE_ADDRESS}")
        self.serve(self.outside, OUTSIDE_ADDRESS, PORT)

    def reset_settings(self, space):
        """Sets the kernel's defaults in a namespace.

        A new namespace copies the settings of this host, where Docker, libvirt and others may have changed them."""
        for path, value in PLAIN.items():
            self.sh(space, f"test ! -e /proc/sys/net/{path} || echo {value} >/proc/sys/net/{path}")

    def command(self, space, *words):
        return ["ip", "netns", "exec", space, *words]

    def sh(self, space, line):
        done = subprocess.run(self.command(space, "sh", "-ec", line), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{line}: {done.stderr}")
        return done.stdout

    def serve(self, space, address, port):
        self.servers.append(subprocess.Popen(self.command(space, "python3", "-c", SERVER % (address, port))))

    def links(self):
        """Returns the names of the host's links, without its initial two: lo and eth0."""
        lines = self.sh(self.host, "ip -o link").splitlines()
        return sorted(name for name in (re.match(r"\d+: ([^:@]+)", line)[1] for line in lines)
                      if name not in ("lo", "eth0"))

    def rules(self):
        """Returns the host's nftables ruleset without the metainfo entry."""
        entries = json.loads(self.sh(self.host, "nft -j list ruleset"))["nftables"]
        return [entry for entry in entries if "metainfo" not in entry]

    def forwarding(self):
        return self.sh(self.host, "cat /proc/sys/net/ipv4/ip_forward").strip()

    def destroy(self):
        for server in self.servers:
            server.kill()
            server.wait()
        for space in (self.host, self.outside):
            subprocess.run(["ip", "netns", "delete", space], check=False)
