"""The image debian-bookworm-dev: compilers, Python and Docker work in it at once, and it stays small."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import extras  # noqa: E402
from marks import long  # noqa: E402
from own_data import OwnDataCase  # noqa: E402

IMAGE = "debian-bookworm-dev"
BUNDLE_MIB = 450
TOOLS = ["c++", "cc", "cmake", "docker", "docker-compose", "fd", "file", "gdb", "git", "iptables", "make", "nft",
         "ninja", "pip3", "pkg-config", "python3", "rg", "sqlite3", "strace", "tmux", "wget", "zip"]
PROGRAM = """
#include <iostream>
#include <vector>
int main() { std::vector<int> v{6, 7}; std::cout << v[0] * v[1] << std::endl; }
"""
DOCKERFILE = """
FROM own
COPY greeting /greeting
RUN tr a-z A-Z </greeting >/loud
CMD ["cat", "/loud"]
"""
COMPOSE = """
services:
  web: {image: own, command: "sh -c 'while true; do echo pong | nc -l -p 80; done'"}
  ask: {image: own, depends_on: [web], command: "sh -c 'until nc web 80 </dev/null | grep pong; do sleep 1; done'"}
"""
# An image of one static program.
MAKE_OWN = """
mkdir -p /tmp/own/bin && cp /bin/busybox /tmp/own/bin/
for applet in sh echo cat tr nc grep sleep; do ln -sf busybox /tmp/own/bin/$applet; done
tar -C /tmp/own -c . | docker import - own
"""


@long
class DevImage(OwnDataCase):
    kernel = None

    @classmethod
    def setUpClass(cls):
        bundle = extras.need(f"{IMAGE}.tar.zst")
        vmlinux = cls.kernel and extras.need("kernel/vmlinux")
        super().setUpClass()
        cls.size = bundle.stat().st_size
        cls.b.ok("image", "import", str(bundle))
        kernel = []
        if vmlinux:
            cls.b.ok("kernel", "import", cls.kernel, "--vmlinux", str(vmlinux))
            kernel = ["--kernel", cls.kernel]
        cls.b.ok("vm", "create", "--name", "dev", "--image", IMAGE, "--memory", "1G", "--system-size", "6G", "--wait",
                 "system", *kernel)

    def run_in_guest(self, script):
        return self.sh("dev", script)

    def test_the_bundle_is_small(self):
        self.assertLessEqual(self.size / 2**20, BUNDLE_MIB)

    def test_no_unit_has_failed(self):
        self.assertEqual(self.run_in_guest("systemctl --failed --no-legend --plain"), "")
        self.assertEqual(self.run_in_guest("systemctl is-active docker.socket"), "active\n")

    def test_tools_are_there(self):
        missing = self.run_in_guest(f"for t in {' '.join(TOOLS)}; do command -v $t >/dev/null || echo $t; done")
        self.assertEqual(missing, "")

    def test_a_program_compiles_and_runs(self):
        self.assertEqual(self.run_in_guest(f"cd /tmp; cat >p.cc <<'E'\n{PROGRAM}E\nc++ -O1 p.cc -o p; ./p"), "42\n")

    def test_a_python_environment_works(self):
        self.assertEqual(self.run_in_guest("python3 -m venv /tmp/v; /tmp/v/bin/pip --version >/dev/null; "
                                           "/tmp/v/bin/python -c 'print(6 * 7)'"), "42\n")

    def test_docker_starts_by_its_socket_and_runs_containers(self):
        self.b.ok("vm", "cp", "/bin/busybox", "dev:/bin/busybox")
        self.run_in_guest(MAKE_OWN)
        self.assertEqual(self.run_in_guest("docker info --format '{{.Driver}} {{.CgroupVersion}}'"), "overlay2 2\n")
        self.assertEqual(self.run_in_guest("docker run --rm -m 64m --cpus 0.5 own echo hi"), "hi\n")
        self.assertEqual(self.run_in_guest(
            f"mkdir -p /tmp/c; cd /tmp/c; echo hello >greeting; cat >Dockerfile <<'E'\n{DOCKERFILE}E\n"
            "docker build -q -t loud . >/dev/null; docker run --rm loud"), "HELLO\n")
        # Published ports need conntrack, and NAT by iptables.
        self.run_in_guest("docker run -d --name web -p 8080:80 own sh -c 'echo pong | nc -l -p 80' >/dev/null")
        self.assertEqual(self.run_in_guest("until nc -w 5 127.0.0.1 8080 </dev/null | grep pong; do sleep 1; done"),
                         "pong\n")
        self.run_in_guest(f"cd /tmp/c; cat >compose.yml <<'E'\n{COMPOSE}E\n"
                          "docker-compose -f compose.yml up -d; docker wait c_ask_1 | grep -qx 0; "
                          "docker-compose -f compose.yml down")
        self.b.ok("vm", "stop", "dev")
        self.assertEqual(self.b.json("vm", "show", "dev")["ended"], "stopped")
        self.b.ok("vm", "start", "dev")
        self.assertEqual(self.run_in_guest("docker run --rm loud"), "HELLO\n")


@long
class DevImageOnGeneric(DevImage):
    """The same with banger's own kernel, which has no modules."""

    kernel = "generic"


if __name__ == "__main__":
    unittest.main()
