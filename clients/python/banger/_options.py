"""What a VM can be made with."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from . import calls
from ._record import Call
from ._types import VmObject
from ._values import size


class VmOptions(TypedDict, total=False):
    """The options of `banger.vm` and `Client.create`. What is left out is a default of the host."""

    name: str
    """The name. By default, banger makes one up."""
    image: str
    """The name or id of an image, or a name in a registry like "python:3.12"."""
    kernel: str
    vcpus: int
    memory: int | str
    """Bytes, or a text like "2G"."""
    disk: int | str
    """The size of the work disk."""
    system_disk: int | str
    """The size of the system disk."""
    egress: str
    """What the guest may reach outside: "open", "none", or the name of a policy of the config."""
    allow: Sequence[str]
    """Hosts that the guest may reach all the same, like "example.org" or "*.example.net:443"."""
    secrets: Mapping[str, str | None]
    """Values that the gate puts into requests, by "NAME@HOST" or "NAME@HOST,HOST". The guest has a placeholder in NAME.
    None: the file or command of the config has the value."""
    nat: bool
    """False: the guest reaches other guests only."""
    network: Literal["auto", "user", "bridge"]
    storage: Literal["overlay", "copy", "dm-snapshot"]
    disk_iops: int
    """The operations a second of all disks together. 0 is no limit, as for the next two."""
    disk_bandwidth: int | str
    """The bytes a second of all disks together."""
    net_bandwidth: int | str
    """The bytes a second that the guest sends, and of those that it receives."""
    pids: int
    """The processes of one command."""
    env: Mapping[str, str]
    """Variables of all commands in the VM."""
    labels: Mapping[str, str]
    publish: Sequence[str]
    """Ports of this host for ports of the guest, like "8080:80"."""
    restart: Literal["no", "on-failure", "always"]
    autostart: bool
    wait: Literal["agent", "system"]
    """"system" waits until the guest has booted."""
    cold: bool
    """Boots the VM instead of cloning a template."""
    from_snapshot: str
    """The name or id of a snapshot that the VM begins with."""
    keep: bool
    """True: the VM stays. Otherwise it is deleted at the end of the `with` block, or of this process."""


def create_call(options: VmOptions) -> Call[VmObject]:
    """The call that makes a VM."""
    sizes = {name: size(value) if (value := options.get(name)) is not None else None  # type: ignore[arg-type]
             for name in ("memory", "disk", "system_disk", "disk_bandwidth", "net_bandwidth")}
    unknown = options.keys() - VmOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"a VM has no option '{min(unknown)}'")
    secrets = options.get("secrets")
    values = {name.partition("@")[0]: value for name, value in (secrets or {}).items() if value is not None}
    return calls.vm_create(
        name=options.get("name"), image=options.get("image"), kernel=options.get("kernel"), vcpus=options.get("vcpus"),
        memory_bytes=sizes["memory"], disk_bytes=sizes["disk"], system_bytes=sizes["system_disk"],
        nat=options.get("nat"), egress=options.get("egress"), allow=options.get("allow"),
        secrets=list(secrets) if secrets is not None else None, secret_values=values or None,
        network=options.get("network"), storage=options.get("storage"), environment=options.get("env"),
        labels=options.get("labels"), publish=options.get("publish"), restart=options.get("restart"),
        autostart=options.get("autostart"), wait=options.get("wait"), cold=options.get("cold"),
        disk_iops=options.get("disk_iops"), disk_bandwidth_bytes=sizes["disk_bandwidth"],
        net_bandwidth_bytes=sizes["net_bandwidth"], pids=options.get("pids"),
        from_=options.get("from_snapshot"), ephemeral=not options.get("keep", False))
