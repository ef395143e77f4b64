"""Network namespaces for a test: a host of its own with one uplink, and the outside behind it."""
import json
import re
import shutil
import subprocess
import uuid

HOST_ADDRESS, OUTSIDE_ADDRESS, PORT = "198.51.100.1", "198.51.100.2", 8000

# Settings of a host where nobody has touched them; in this order, for one changes others.
PLAIN = {"ipv4/ip_forward": 0, "ipv4/conf/all/forwarding": 0, "ipv4/conf/default/forwarding": 0,
         "ipv4/conf/all/rp_filter": 0,
         "ipv4/conf/default/rp_filter": 0, "ipv4/conf/all/route_localnet": 0, "ipv4/conf/default/route_localnet": 0,
         "ipv6/conf/all/forwarding": 0, "ipv6/conf/default/forwarding": 0, "ipv6/conf/all/disable_ipv6": 0,
         "ipv6/conf/default/disable_ipv6": 0, "bridge/bridge-nf-call-iptables": 0, "bridge/bridge-nf-call-ip6tables": 0,
         "bridge/bridge-nf-call-arptables": 0}

# Says who asks, as it is seen from here.
SERVER = """
import socketserver
class Say(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(("you are " + self.client_address[0] + "\\n").encode())
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("%s", %d), Say).serve_forever()
"""


def skip_reason():
    """What is missing for these tests, or None."""
    for program in ("ip", "nft"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"{program} is not installed"
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        return "network namespaces cannot be made here"
    return None


class Network:
    """`host` is where banger runs, its eth0 leads to `outside`, which has no route back into private ranges."""

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
        """A new namespace has what Docker, libvirt and the like have set on this host. Here it has what a plain host
        has."""
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
        """Names of all links of the host but its own two."""
        lines = self.sh(self.host, "ip -o link").splitlines()
        return sorted(name for name in (re.match(r"\d+: ([^:@]+)", line)[1] for line in lines)
                      if name not in ("lo", "eth0"))

    def rules(self):
        """The host's ruleset, without what the kernel counts."""
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
