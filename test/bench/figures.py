"""The benchmarks. Each function yields figures.

If a comparison exists, each round of banger alternates with a round of the same steps without banger ("bare")."""
import contextlib
import dataclasses
import hashlib
import os
import json
import pathlib
import sqlite3
import statistics
import subprocess
import tempfile
import time

import access
import bare
import checkout
import dns_load
import fairness as neighbours
import gate as egress_gate
import host as hosts
import layers as image_layers
import netns
import private_network
import python_client
import registry as registries
import root_helper
import throughput
from harness import wait_until
from link import Link

RUN = ("vm", "run", "--rm")
ECHO = ("--", "echo", "hi")
MIB = 2**20


def percentile(values, p):
    """Returns the percentile by the nearest-rank method, like `banger bench`."""
    values = sorted(values)
    return values[max(-(-p * len(values) // 100), 1) - 1]


@dataclasses.dataclass
class Figure:
    """One measured figure. `bar` is the maximum for `result()`; None means that there is no limit."""
    name: str
    ours: list
    bare: list = dataclasses.field(default_factory=list)
    bar: float | None = None
    kind: str = "ratio"  # "ratio": ours / bare, "more": ours - bare, "most": ours alone
    unit: str = "ms"

    def result(self):
        ours = statistics.median(self.ours)
        if self.kind == "most" or not self.bare:
            return ours
        other = statistics.median(self.bare)
        return ours / other if self.kind == "ratio" else ours - other

    def to_json(self):
        def spread(values):
            return {f"p{p}": percentile(values, p) for p in (50, 90, 99)} | {"rounds": len(values)} if values else None
        return {"name": self.name, "unit": self.unit, "banger": spread(self.ours), "bare": spread(self.bare),
                "kind": self.kind, "result": self.result(), "bar": self.bar,
                "within": None if self.bar is None else self.result() <= self.bar}


@contextlib.contextmanager
def vm(host, *flags, name="bench-pattern"):
    host.ok("vm", "create", "--name", name, *flags)
    try:
        yield host.show(name)
    finally:
        host.delete(name)


def clone_pattern(host):
    with vm(host) as made:
        if made["way"] != "clone":
            raise RuntimeError(f"{made['name']} should be a clone, but was started as '{made['way']}'")
        return bare.Pattern(host.state, made)


@contextlib.contextmanager
def cold_pattern(host):
    """Yields the pattern of a machine that boots, and the directory of disks of a VM that never ran."""
    with vm(host, "--cold") as made:
        pattern = bare.Pattern(host.state, made)
    with vm(host, "--cold", "--no-start", name="bench-disks") as fresh:
        yield pattern, pathlib.Path(fresh["directory"])


def few(options):
    return max(3, options.rounds // 3)


def start(host, options):
    ours, other = [], []
    for _ in range(50):
        ours.append(host.time("--version"))
        other.append(hosts.timed(lambda: subprocess.run(["/bin/true"], check=True, capture_output=True)))
    yield Figure("banger --version, over /bin/true", ours, other, 5, "more")


def cold(host, options):
    host.configure(pool_size=0)
    ours, other, run, run_bare = [], [], [], []
    with cold_pattern(host) as (pattern, disks):
        for i in range(few(options)):
            ours.append(host.time("vm", "create", "--cold", "--wait", "agent", "--name", f"bench-cold-{i}"))
            host.delete(f"bench-cold-{i}")
            answered, _ = bare.once(pattern, disks)
            other.append(answered)
            run.append(host.first_output(*RUN, "--cold", "--wait", "agent", *ECHO)[0])
            run_bare.append(bare.once(pattern, disks)[1])
    yield Figure("cold: create → agent ready", ours, other, 1.15)
    yield Figure("cold: run → first output", run, run_bare)


def kernel(host, options):
    """Boots two kernels in turns: `generic`, and that of the distribution."""
    names = "generic", "debian-cloud"
    present = [each["name"] for each in host.json("kernel", "list")]
    if missing := [name for name in names if name not in present]:
        print(f"kernel: skipped: there is no kernel '{missing[0]}' (hint: images/README.md says how to make it)")
        return
    host.configure(pool_size=0)
    for name in names:
        host.ok("template", "build", "--kernel", name, timeout=600)
    boots, clones = {name: [] for name in names}, {name: [] for name in names}
    for i in range(few(options)):
        for name in names if i % 2 else reversed(names):
            boots[name].append(host.time("vm", "create", "--cold", "--wait", "agent", "--kernel", name, "--name",
                                         "bench-kernel"))
            host.delete("bench-kernel")
            clones[name].append(host.first_output(*RUN, "--kernel", name, *ECHO)[0])
    yield Figure("cold, generic over debian-cloud", *boots.values(), 0.7)
    yield Figure("clone, generic over debian-cloud", *clones.values())


def clone(host, options):
    host.configure(pool_size=0)
    pattern = clone_pattern(host)
    ours, other = [], []
    for _ in range(options.rounds):
        ours.append(host.first_output(*RUN, *ECHO))
        other.append(bare.once(pattern)[1])
    yield Figure("clone: run → first output", [first for first, _ in ours], other, 1.3)
    yield Figure("clone: run → deleted", [end for _, end in ours])


def pool(host, options):
    host.configure(pool_size=0)
    pattern = clone_pattern(host)
    host.configure(pool_size=1)
    ours, other = [], []
    for i in range(options.rounds + 1):
        if i > 0:  # the pool of a template starts to fill at the first use of the template
            host.wait_for_pool()
            other.append(bare.once(pattern)[1])
            host.wait_for_pool()
        ours.append(host.first_output(*RUN, *ECHO))
    ours = ours[1:]
    host.configure(pool_size=0)
    yield Figure("ready pool: run → first output", [first for first, _ in ours], other, 100, "most")
    yield Figure("ready pool: run → deleted", [end for _, end in ours], [], 180, "most")


def many(host, options):
    host.configure(pool_size=0)
    pattern = clone_pattern(host)
    for count in options.at_once:
        ours, other = [], []
        for _ in range(few(options)):
            ours.append(max(first for first, _ in host.first_outputs([(*RUN, *ECHO)] * count)))
            other.append(max(first for _, first in bare.at_once(pattern, count)))
        yield Figure(f"clone: {count} at once → last first output", ours, other, 1.3)


def fork(host, options):
    host.configure(pool_size=0)
    pattern = clone_pattern(host)
    pauses = []
    with vm(host, name="bench-parent"):
        time.sleep(8)  # a guest that has just started is still busy with its own services
        for count in (1, *options.at_once):
            ours, other = [], []
            for _ in range(options.rounds if count == 1 else few(options)):
                began = time.perf_counter()
                made = host.json("vm", "fork", "bench-parent", "--count", str(count))
                names = [child["name"] for child in made["vms"]]
                outputs = host.first_outputs([("vm", "exec", name, *ECHO) for name in names], began)
                ours.append(max(first for first, _ in outputs))
                pauses.append(made["pause_ms"])
                host.delete(*names)
                other.append(max(first for _, first in bare.at_once(pattern, count)))
            yield Figure(f"fork: {count} → last one's first exec", ours, other, 1.3)
    yield Figure("fork: the parent stands still", pauses, [], 100, "most")


def saved_state(host, vm_id):
    """Returns the directory of a suspended VM's saved state."""
    with contextlib.closing(sqlite3.connect(f"file:{host.state}/banger.db?mode=ro", uri=True)) as db:
        row = db.execute("SELECT save_id FROM vms WHERE id = ?", (vm_id,))
        return host.state / "saves" / row.fetchone()[0]


def resume(host, options):
    host.configure(pool_size=0)
    ours, other = [], []
    with vm(host, name="bench-resume") as made:
        pattern = bare.Pattern(host.state, made)
        for _ in range(options.rounds):
            host.ok("vm", "exec", "bench-resume", *ECHO)
            host.ok("vm", "suspend", "bench-resume")
            other.append(bare.once(pattern.on(saved_state(host, made["id"])), made["directory"])[1])
            began = time.perf_counter()
            host.ok("vm", "resume", "bench-resume")
            ours.append(host.first_outputs([("vm", "exec", "bench-resume", *ECHO)], began)[0][0])
    yield Figure("resume → first exec", ours, other, 1.5)


def execute(host, options):
    host.configure(pool_size=0)
    with vm(host, name="bench-exec"):
        words = ("vm", "exec", "bench-exec", "--", "/bin/true")
        time.sleep(8)  # a guest that has just started is still busy with its own services
        for _ in range(5):  # warm-up: software emulation translates the guest's code at its first use
            host.ok(*words)
        ours, agent = [], []
        for _ in range(max(6, options.rounds // 5)):  # in turns, because the speed of a shared host changes
            ours += [host.time(*words) for _ in range(5)]
            agent += host.spawn_agent("bench-exec", 5)
    yield Figure("exec /bin/true, over the agent's own start", ours, agent, 8, "more")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def idle_memory(host, pattern, count):
    """Returns the MiB of memory used by `count` idle clones of banger, by as many bare ones, and by the daemon."""
    names = [f"bench-idle-{i}" for i in range(count)]
    for name in names:
        host.ok("vm", "create", "--name", name)
    time.sleep(5)
    ours = sum(bare.pss(host.show(name)["pid"]) for name in names)
    daemon = host.json("daemon", "status")["resident_bytes"]
    host.delete(*names)
    machines = [bare.Bare(pattern).prepare() for _ in names]
    try:
        for machine in machines:
            machine.run()
        time.sleep(5)
        other = sum(bare.pss(machine.pid) for machine in machines)
    finally:
        for machine in machines:
            machine.end()
    return ours / MIB, other / MIB, daemon / MIB


def memory(host, options):
    host.configure(pool_size=0)
    pattern = clone_pattern(host)
    image = pattern.save / "memory.img"
    before = sha256(image)
    # PSS divides a shared page among its users. A single clone counts all of QEMU's program and of the template's file.
    ours, other, _ = idle_memory(host, pattern, 1)
    yield Figure("memory (PSS) of one idle clone, alone", [ours], [other], None, "most", "MiB")
    ours, other, daemon = idle_memory(host, pattern, 20)
    yield Figure("memory (PSS) of 20 idle clones", [ours], [other], 1.1 * 1024, "most", "MiB")
    yield Figure("memory (PSS) of an idle clone, among 20", [ours / 20], [other / 20], 50, "most", "MiB")
    yield Figure("daemon resident, 20 VMs", [daemon], [], 25, "most", "MiB")
    yield Figure("template's memory file changed", [int(sha256(image) != before)], [], 0, "most", "")
    yield Figure("binary", [hosts.binary_bytes() / MIB], [], 14, "most", "MiB")


def make_durable(mke2fs, image):
    """Runs mke2fs and syncs the image to disk, because an import by banger also returns only after that."""
    subprocess.run(mke2fs, check=True, capture_output=True)
    with open(image, "rb") as file:
        os.fsync(file.fileno())


def tar(host, options):
    """Turns a Debian tree from tar into ext4. The comparison is mke2fs -d; its time does not include the unpacking."""
    with tempfile.TemporaryDirectory(prefix="banger-bench-") as place:
        place = pathlib.Path(place)
        with vm(host, name="bench-tar"), open(place / "usr.tar", "wb") as out:
            words = ("vm", "exec", "bench-tar", "--", "tar", "-C", "/", "-cf", "-", "usr", "etc")
            host.popen(*words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL).wait()
        (place / "tree").mkdir()
        subprocess.run(["tar", "-C", place / "tree", "-xf", place / "usr.tar"], check=True, stderr=subprocess.DEVNULL)
        ours, other, image = [], [], place / "out.ext4"
        mke2fs = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", place / "tree", image, "1G"]
        for i in range(few(options)):
            try:
                ours.append(host.time("image", "import", f"bench-tar-{i}", str(place / "usr.tar")))
            finally:  # the import went to this user's own image store
                host.run("image", "delete", f"bench-tar-{i}")
            image.unlink(missing_ok=True)
            other.append(hosts.timed(lambda: make_durable(mke2fs, image)))
        yield Figure("tar → image, against mke2fs -d", ours, other, 1)


def layers(host, options):
    """Turns the layers of a container image into ext4. The comparison is umoci unpack, then mke2fs -d."""
    with tempfile.TemporaryDirectory(prefix="banger-bench-") as place:
        image = image_layers.Layers(place)
        ours, other, single = [], [], []
        for _ in range(few(options)):
            ours.append(image.ours())
            other.append(image.theirs())
            single.append(image.ours("tar"))
    for name, unit in (("wall", "wall_ms"), ("CPU", "cpu_ms")):
        yield Figure(f"layers → image, {name}, against umoci and mke2fs", [getattr(each, unit) for each in ours],
                     [getattr(each, unit) for each in other], 0.5)
    yield Figure("layers → image, peak memory over one tar", [each.peak_mib for each in ours],
                 [each.peak_mib for each in single], 64, "more", "MiB")


def push_layers(registry, image, name):
    """Puts an image of bench layers into a registry."""
    contents = [path.read_bytes() for path in image.blobs.iterdir()]
    manifest = next(text for text in contents if b'"schemaVersion"' in text)
    for content in contents:
        if content is not manifest:
            registry.put_blob(name, content)
    registry.put_manifest(name, "v1", json.loads(manifest), "application/vnd.oci.image.manifest.v1+json")


def pull(host, options):
    """Measures pulls from a registry of this host. The layers are cached, so the comparison is writing their ext4."""
    with tempfile.TemporaryDirectory(prefix="banger-pull-") as place:
        image = image_layers.Layers(place)
        registry = registries.Registry()
        try:
            push_layers(registry, image, "bench")
            name = f"{registry.address}/bench:v1"
            host.ok("image", "pull", name, timeout=600)
            cached, write, second = [], [], []
            for _ in range(few(options)):
                host.ok("image", "delete", name)  # its layers stay in the cache
                cached.append(host.time("image", "pull", name))
                write.append(image.ours().wall_ms)
                second.append(host.time("image", "pull", name))
            host.ok("image", "delete", name)
        finally:
            registry.close()
    yield Figure("pull: layers cached, over the ext4 write", cached, write, 100, "more")
    yield Figure("pull: the same digest again", second, [], 50, "most")


def pulled(host, options):
    """Compares the ready pool of a pulled image with that of the default image: the same files, from a registry."""
    registry = registries.Registry()
    try:
        name = f"{registry.address}/default:v1"
        host.ok("image", "push", "debian-bookworm", name, timeout=600)
        host.ok("image", "pull", name, timeout=600)
        host.configure(pool_size=1)
        ours, other = [], []
        for i in range(options.rounds + 1):
            if i > 0:  # the pool of a template starts to fill at the first use of the template
                host.wait_for_pool(templates=2)
            ours.append(host.first_output(*RUN, "--image", name, *ECHO)[0])
            if i > 0:
                host.wait_for_pool(templates=2)
            other.append(host.first_output(*RUN, *ECHO)[0])
        host.configure(pool_size=0)
        host.ok("image", "delete", name)
    finally:
        registry.close()
    yield Figure("ready pool: pulled image → first output", ours[1:], other[1:], 1.1)


def helper(host, options):
    measured = root_helper.measure()
    if measured is None:
        print("helper: skipped: only root can start a root helper")
        return
    times, resident = measured
    yield Figure("root helper: one operation", times, bar=3, kind="most")
    yield Figure("root helper: resident", [resident], bar=8, kind="most", unit="MiB")


@contextlib.contextmanager
def one_core_each(pid):
    """Pins the process to one processor and this program to the others, if the host has several."""
    mine = os.sched_getaffinity(0)
    first, others = min(mine), mine - {min(mine)}
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    if others:
        for thread in threads:
            os.sched_setaffinity(thread, {first})
        os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        for thread in (0, *threads):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, mine)


def dns(host, options):
    """Measures the daemon's DNS server on one core at 20,000 queries a second for a running VM."""
    port = hosts.free_port()
    host.configure(pool_size=0, dns_listen_addr=f'"127.0.0.1:{port}"')
    with vm(host, name="bench-dns"):
        time.sleep(8)  # a guest that has just started is still busy with its own services
        load = dns_load.Load(("127.0.0.1", port), "bench-dns.vm")
        pid = host.json("daemon", "status")["pid"]
        with one_core_each(pid):
            rounds = [load.run(pid, 20_000, 2) for _ in range(few(options))]
    yield Figure("dns: processor for an answer", [each.processor_us for each in rounds], [], 50, "most", "µs")
    yield Figure("dns: p99 of the answers, at 20,000 a second", [each.p99_ms for each in rounds], [], 2, "most")
    yield Figure("dns: lost or wrong of 40,000", [each.lost for each in rounds], unit="")


@contextlib.contextmanager
def bridge_host():
    """Yields a banger with a bridge in a network namespace, so that this host's network does not change."""
    net = netns.Network()
    try:
        host = hosts.Host(prefix=net.command(net.host))
        try:
            yield host
        finally:
            host.destroy()
    finally:
        net.destroy()


def wait_for_taps(host, count):
    """Waits until there are at least `count` taps, including those in use."""
    def there():
        links = subprocess.run([*host.prefix, "ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
        return links.count(": bg-") >= count
    wait_until(there, "idle taps", 60)


def bridge(host, options):
    if reason := netns.skip_reason():
        print(f"bridge: skipped: {reason}")
        return
    with bridge_host() as bridged:
        bridged.configure(pool_size=0, network='"bridge"', tap_pool_size=2)
        pooled, run = [], []
        with vm(bridged, name="bench-first"):
            for _ in range(options.rounds):
                wait_for_taps(bridged, 3)
                with vm(bridged, name="bench-bridge") as made:
                    pooled.append(next(stage["ms"] for stage in made["stages"] if stage["name"] == "network"))
                wait_for_taps(bridged, 3)
                run.append(bridged.first_output(*RUN, *ECHO)[0])
    yield Figure("bridge: a tap from the pool", pooled, [], 2, "most")
    yield Figure("bridge: clone: run → first output", run)


@contextlib.contextmanager
def plain_machine(pattern, disks):
    """Starts the bare machine on a bridge without firewall rules. Yields the command prefix of the bridge's namespace
    and a function that runs a command in the guest."""
    net = netns.Network()
    try:
        throughput.make_plain_bridge(net)
        machine = bare.Bare(throughput.on_plain_bridge(pattern, net)).prepare(disks)
        try:
            machine.start()

            def run(argv):
                with contextlib.closing(Link(machine.place / "link", pattern.token)) as link:
                    link.run(argv)
            yield net.command(net.host), run
        finally:
            machine.end()
    finally:
        net.destroy()


def tcp(host, options):
    """Measures TCP between guest and host over the bridge. The comparison is a bridge without firewall rules."""
    if reason := netns.skip_reason():
        print(f"tcp: skipped: {reason}")
        return
    with bridge_host() as bridged:
        bridged.configure(pool_size=0, network='"bridge"')
        with cold_pattern(bridged) as (pattern, disks), vm(bridged, "--cold", name="bench-tcp"):
            def run(argv):
                bridged.ok("vm", "exec", "bench-tcp", "--", *argv)
            with plain_machine(pattern, disks) as (prefix, run_bare):
                time.sleep(8)  # guests that have just started are still busy with their own services
                for direction, name in (("in", "guest → host"), ("out", "host → guest")):
                    ours, other = [], []
                    for i in range(options.rounds + 1):
                        ours.append(1 / throughput.mib_per_second(bridged.prefix, run, direction))
                        other.append(1 / throughput.mib_per_second(prefix, run_bare, direction))
                    yield Figure(f"bridge: a MiB of TCP, {name}", [each * 1000 for each in ours[1:]],
                                 [each * 1000 for each in other[1:]], 1 / 0.9)


def no_private_network():
    return netns.skip_reason() or (os.geteuid() and "only root can make its namespaces")


def private(host, options):
    """Measures the private network of a user without rights, beside the user network."""
    if reason := no_private_network():
        print(f"private: skipped: {reason}")
        return
    with private_network.private_host(host.env["XDG_DATA_HOME"]) as (own, net):
        own.configure(pool_size=0)
        clone, other = [], []
        for _ in range(options.rounds + 1):
            clone.append(own.first_output(*RUN, *ECHO)[0])
            other.append(own.first_output(*RUN, "--network", "user", *ECHO)[0])
        yield Figure("private: clone, beside the user network", clone[1:], other[1:], 1.05)
        with vm(own, name="bench-own"), vm(own, "--network", "user", name="bench-user"):
            time.sleep(8)  # guests that have just started are still busy with their own services
            for direction, name in (("in", "guest → outside"), ("out", "outside → guest")):
                rates = {"bench-own": [], "bench-user": []}
                for _ in range(few(options) + 1):
                    for guest, times in rates.items():
                        def run(argv, guest=guest):
                            own.ok("vm", "exec", guest, "--", *argv)
                        rate = throughput.mib_per_second(net.command(net.outside), run, direction,
                                                         address=netns.OUTSIDE_ADDRESS)
                        times.append(1000 / rate)
                yield Figure(f"private: a MiB of TCP, {name}", rates["bench-own"][1:], rates["bench-user"][1:], 1 / 1.5)
            yield Figure("private: memory of its processes", [private_network.memory_mib(own)], [], 12, "most", "MiB")


def gate(host, options):
    """Measures connections of a guest with an egress policy, beside those of an open guest in the same network."""
    if reason := no_private_network():
        print(f"gate: skipped: {reason}")
        return
    rule = f"{egress_gate.NAME}:{egress_gate.PORT}"
    with private_network.private_host(host.env["XDG_DATA_HOME"]) as (own, net), egress_gate.server(net) as server:
        own.configure(pool_size=0)
        with vm(own, "--egress", "none", "--allow", rule, name="bench-gate"), vm(own, name="bench-open"):
            time.sleep(8)  # guests that have just started are still busy with their own services
            moved, first = {"bench-gate": [], "bench-open": []}, {"bench-gate": [], "bench-open": []}
            for _ in range(few(options) + 1):
                for guest in moved:
                    moved[guest].append(1000 / egress_gate.mib_per_second(own, guest, server))
            for _ in range(few(options) + 1):  # in turns, because the speed of a shared host changes
                for guest in first:
                    first[guest].append(egress_gate.first_bytes_ms(own, guest, 10))
            yield Figure("gate: a MiB of TCP, guest → outside", *(times[1:] for times in moved.values()), 2)
            yield Figure("gate: connection → first byte",
                         *([each for times in rounds[1:] for each in times] for rounds in first.values()), 2, "more")
            yield Figure("gate: memory with 1,000 connections", [egress_gate.memory_mib(own, net, "bench-gate")], [],
                         64, "most", "MiB")


def workspace(host, options):
    """Measures a large checkout into a guest, beside `tar | ssh tar` to the same guest."""
    ours, other, second, export = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="banger-bench-") as place, vm(host, name="bench-work"):
        repo = checkout.Checkout(place)
        remote = [str(hosts.BIN / "banger"), "vm", "ssh", "bench-work", "--", "tar", "-C", "/root/plain", "-x"]
        for i in range(few(options)):
            target = ("bench-work", str(repo.top), "--guest-path", "/root/repo")
            host.ok("vm", "exec", "bench-work", "--", "sh", "-c",
                    "rm -rf /root/repo /root/plain; mkdir /root/plain; sync")
            ours.append(host.time("vm", "workspace", "prepare", *target))
            other.append(hosts.timed(lambda: repo.pack_into(remote, host.env)))
            repo.write(range(i, 10 + i))
            second.append(host.time("vm", "workspace", "prepare", *target))
            host.ok("vm", "exec", "-w", "/root/repo", "bench-work", "--", "sh", "-c",
                    "for f in directory-?/*; do echo more >>$f; done")
            export.append(host.time("vm", "workspace", "export", "bench-work", "--output", f"{place}/patch"))
    yield Figure("workspace: prepare, over tar | ssh tar", ours, other, 0.5)
    yield Figure("workspace: a second prepare, 10 files", second, [], 300, "most")
    yield Figure("workspace: export of 1,000 files", export, [], 1000, "most")


def ways_in(host, options):
    """Measures ssh and sessions beside plain commands, and a long stream through the daemon."""
    host.configure(pool_size=0)
    with vm(host, name="bench-in"):
        time.sleep(8)  # a guest that has just started is still busy with its own services
        ssh, plain = [], []
        for _ in range(options.rounds + 1):
            plain.append(host.time("vm", "exec", "bench-in", "--", "true"))
            ssh.append(host.time("vm", "ssh", "bench-in", "--", "true"))
        yield Figure("vm ssh -- true, over vm exec -- true", ssh[1:], plain[1:], 60, "more")

        echo = ("--", "sh", "-c", "echo ready; exec cat")
        host.ok("vm", "session", "start", "bench-in", "--name", "keys", "--stdin-mode", "pty", *echo)
        terminals = [access.Terminal(host, "vm", "session", "attach", "bench-in", "keys"),
                     access.Terminal(host, "vm", "exec", "-it", "bench-in", *echo)]
        keys = [[key for _ in range(3) for key in each.echoes()] for each in terminals]
        for each in terminals:
            each.close()
        yield Figure("session attach: a key's echo, over vm exec", keys[0], keys[1], 5, "more")

        with access.Peak(host.daemon_pid()) as peak:
            seconds = access.stream(host, "bench-in")
        yield Figure("daemon resident while 1 GiB streams", [peak.mib], [], 32, "most", "MiB")
        yield Figure("a MiB of a command's output", [seconds * 1000 / access.STREAM_MIB], [], None, "most")

        starts = [host.time("vm", "session", "start", "bench-in", "--", "sleep", "1000") for _ in range(199)]
        yield Figure("session start, the last 20 of 200 over the first", starts[-20:], starts[:20], None)
        yield Figure("session list, of 200", [host.time("vm", "session", "list", "bench-in") for _ in range(5)], [],
                     None, "most")


def fairness(host, options):
    """Measures what a guest with one processor loses beside each hostile guest of the same size.

    The bare run is beside a process of the host that only uses a processor."""
    host.configure(pool_size=0)
    rates = {"processor": neighbours.loop_rate, "vm exec": neighbours.trip_rate}

    def losses(neighbour):
        found = {name: [] for name in rates}
        for _ in range(few(options)):
            alone = {name: rate(host, "bench-victim") for name, rate in rates.items()}
            with neighbour():
                for name, rate in rates.items():
                    found[name].append(neighbours.loss_percent(alone[name], rate(host, "bench-victim")))
        return found

    with vm(host, name="bench-victim"), vm(host, name="bench-hostile"):
        time.sleep(8)  # guests that have just started are still busy with their own services
        other = losses(neighbours.busy_process)
        for what, script in neighbours.HOSTILE.items():
            ours = losses(lambda script=script: neighbours.hostile(host, "bench-hostile", script))
            for name, loss in ours.items():
                yield Figure(f"{name}: lost beside {what}", loss, other[name], 20, "most", "%")


def python(host, options):
    pooled, again = python_client.measure(host, options.rounds)
    yield Figure("ready pool: Python vm.run → output", pooled, [], 60, "most")
    yield Figure("Python vm.run in a running VM", again)


ALL = {"start": start, "pool": pool, "clone": clone, "many": many, "fork": fork, "resume": resume, "cold": cold,
       "exec": execute, "memory": memory, "tar": tar, "layers": layers, "pull": pull, "pulled": pulled,
       "kernel": kernel, "helper": helper, "dns": dns, "bridge": bridge, "tcp": tcp, "workspace": workspace,
       "access": ways_in, "private": private, "gate": gate, "fairness": fairness, "python": python}


def load(path):
    """Reads a report written earlier, so that it can be drawn again."""
    return json.loads(pathlib.Path(path).read_text())
