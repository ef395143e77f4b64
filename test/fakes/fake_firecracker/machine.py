"""The state of a stand-in machine: open files, a guest that runs or is paused, and saved states."""
import fcntl
import json
import os
import socket
import struct

from .api import SNAPSHOT_VERSIONS, Ended, Fault, parse_version
from .metrics import Metrics
from .vsock import Vsock

MIB = 1 << 20
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 0x0002, 0x1000, 0x4000


def opened(path, mode, what):
    try:
        open(path, mode).close()
    except OSError as why:
        raise Fault(f"{what}: {why.strerror} (os error {why.errno}) {path}") from None


class Machine:
    def __init__(self, version, name, guest):
        self.version_text, self.version, self.name = version, parse_version(version), name
        self.guest = guest
        self.taps = []
        self.state, self.boot_path, self.saved = "Not started", False, False
        self.config = {"vcpu_count": 1, "mem_size_mib": 128}
        self.drives, self.nets = {}, {}
        self.boot = self.uds = self.vsock = self.balloon = self.metrics = None

    def get(self, path):
        return {"/": {"id": self.name, "state": self.state, "vmm_version": self.version_text,
                      "app_name": "Firecracker"},
                "/version": {"firecracker_version": self.version_text}, "/machine-config": self.config,
                "/vm/config": {"machine-config": self.config, "drives": list(self.drives.values()),
                               "network-interfaces": list(self.nets.values()), "boot-source": self.boot or {}}}[path]

    def do(self, method, path, body):
        name = (method + " " + path.split("{")[0]).rstrip("/")
        return {"PUT /machine-config": self.set_config, "PUT /boot-source": self.set_boot,
                "PUT /drives": self.add_drive,
                "PATCH /drives": self.change_drive, "PUT /network-interfaces": self.add_net,
                "PUT /vsock": self.set_vsock,
                "PUT /entropy": lambda _: None, "PUT /logger": lambda _: None, "PUT /metrics": self.set_metrics,
                "PUT /balloon": self.set_balloon, "PUT /serial": self.set_file,
                "PUT /actions": self.act, "PATCH /vm": self.set_state, "PUT /snapshot/create": self.save,
                "PUT /snapshot/load": self.load}[name](body)

    def set_config(self, body):
        self.config = body

    def set_boot(self, body):
        opened(body["kernel_image_path"], "rb", "The kernel file cannot be opened")
        if "initrd_path" in body:
            opened(body["initrd_path"], "rb", "The initrd file cannot be opened")
        if len(body.get("boot_args", "")) > 2048:
            raise Fault("The kernel command line is invalid")
        self.boot = body

    def set_file(self, body):
        for path in body.values():
            # Since 1.14 Firecracker creates the file. It writes from the beginning and does not truncate.
            opened(path, "r+b" if self.version < (1, 14, 0) or os.path.exists(path) else "wb", "Cannot open the file")

    def set_metrics(self, body):
        if self.metrics:
            raise Fault("Initialization of metrics failed: already initialized")
        self.set_file({"path": body["metrics_path"]})
        self.metrics = Metrics(body["metrics_path"])

    def set_balloon(self, body):
        if body["amount_mib"] > self.config["mem_size_mib"]:
            raise Fault("Unable to create the balloon device: target size is larger than the memory")
        self.balloon = body

    def open_drive(self, drive):
        opened(drive["path_on_host"], "rb" if drive.get("is_read_only") else "r+b", "Unable to create the block device")

    def add_drive(self, body):
        if "path_on_host" not in body:
            raise Fault("Unable to create the block device: no path")
        self.open_drive(body)
        self.drives[body["drive_id"]] = body

    def change_drive(self, body):
        drive = self.drives.get(body["drive_id"])
        if drive is None:
            raise Fault("Unable to patch the block device: Invalid device ID")
        if "path_on_host" not in body and "rate_limiter" not in body:
            raise Fault("Unable to patch the block device: Running method expected different backend.")
        changed = dict(drive, **body)
        self.open_drive(changed)
        self.drives[body["drive_id"]] = changed

    def open_net(self, net):
        if not os.path.exists("/sys"):  # in a jail; there /dev/net/tun exists, so the tap can really be attached
            return self.attach_tap(net["host_dev_name"])
        # sysfs may show the network of another process.
        if net["host_dev_name"] not in {name for _, name in socket.if_nameindex()}:
            raise Fault(f"Could not create the network device: Open tap device failed: {net['host_dev_name']}")

    def attach_tap(self, name):
        try:
            tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        except OSError as why:
            raise Fault(f"Could not create the network device: Open tap device failed: {why.strerror} {name}") from None
        self.taps.append(tap)

    def add_net(self, body):
        self.open_net(body)
        self.nets[body["iface_id"]] = body

    def listen(self, path):
        try:
            self.vsock = Vsock(path, self.guest)
        except OSError as why:
            raise Fault(f"Cannot create backend for vsock device: UnixBind({why.strerror})") from None
        self.uds = path

    def set_vsock(self, body):
        self.listen(body["uds_path"])

    def act(self, body):
        kind = body["action_type"]
        if kind == "InstanceStart":
            return self.start()
        if self.state == "Not started":
            raise Fault("The requested operation is not supported before starting the microVM.")
        if kind == "SendCtrlAltDel":
            self.guest.press_button()
        if kind == "FlushMetrics":
            if not self.metrics:
                raise Fault("Error flushing metrics: not initialized")
            self.metrics.flush(self)

    def start(self):
        if self.state != "Not started":
            raise Fault("The requested operation is not supported after starting the microVM.")
        if self.boot is None:
            raise Fault("Cannot start microvm without kernel configuration.")
        self.state = "Running"
        self.guest.boot(self.boot)

    def set_state(self, body):
        if body["state"] == "Paused":
            self.saved = self.saved and self.state == "Paused"
            self.state = "Paused"
            self.guest.set_paused(True)
            return
        if self.state == "Paused" and self.vsock:
            if self.saved:
                self.vsock.reset()  # closes the guest's end of every connection; the host's end does not notice
            elif self.version <= (1, 16, 1):
                self.vsock.deaf = True
        self.state, self.saved = "Running", False
        self.guest.set_paused(False)

    def save(self, body):
        if self.state != "Paused":
            raise Fault("Cannot save the microVM state: save/restore of a running microVM is not allowed")
        state = {"format": SNAPSHOT_VERSIONS.get(self.version[1]), "version": self.version_text, "config": self.config,
                 "drives": self.drives,
                 "nets": self.nets, "uds": self.uds, "balloon": self.balloon, "guest": self.guest.describe()}
        with open(body["snapshot_path"], "w") as file:
            json.dump(state, file)
        with open(body["mem_file_path"], "wb") as file:  # Firecracker writes all pages, also those never used
            file.write(b"guest memory".ljust(4096, b"."))
            for _ in range(self.config["mem_size_mib"]):
                file.write(bytes(MIB))
            file.truncate(self.config["mem_size_mib"] * MIB)
        self.saved = True

    def load(self, body):
        if self.boot_path:
            raise Fault("Loading a microVM snapshot not allowed after configuring boot-specific resources.")
        try:
            self.restore_state(body)
        except (Fault, OSError, ValueError, KeyError) as why:
            raise Ended(f"Load snapshot error: {why}", 1) from None

    def restore_state(self, body):
        if "BANGER_FAKE_REFUSE" in os.environ:
            raise Fault(os.environ["BANGER_FAKE_REFUSE"])
        with open(body["snapshot_path"]) as file:
            state = json.load(file)
        if state["format"] != SNAPSHOT_VERSIONS.get(self.version[1]):
            raise Fault("Failed to restore from snapshot: Invalid snapshot version")
        memory = body["mem_backend"]["backend_path"] if "mem_backend" in body else body["mem_file_path"]
        if os.stat(memory).st_size != state["config"]["mem_size_mib"] * MIB:
            raise Fault("Failed to load guest memory: file has another size")
        self.memory = open(memory, "rb")  # stays open, because Firecracker maps the file while it runs
        overrides = {each["iface_id"]: each["host_dev_name"] for each in body.get("network_overrides", [])}
        for name in overrides:
            if name not in state["nets"]:
                raise Fault(f"Invalid network override: {name}")
        self.config, self.drives = state["config"], state["drives"]
        self.nets, self.balloon = state["nets"], state["balloon"]
        for drive in self.drives.values():
            self.open_drive(drive)
        for name, net in self.nets.items():
            net["host_dev_name"] = overrides.get(name, net["host_dev_name"])
            self.open_net(net)
        self.guest.restore(state["guest"])
        if state["uds"]:
            self.listen(body.get("vsock_override", {}).get("uds_path", state["uds"]))
            self.vsock.deaf = self.version[:3] == (1, 16, 0)
        self.state = "Paused"
        self.saved = True
        if body.get("resume_vm"):
            self.set_state({"state": "Resumed"})
