# Generated from src/api by clients/python/generate. Do not change this file.
"""The objects of the daemon's interface (docs/rpc.md)."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ._record import Reader, Record, boolean, counts, integer, real, records, text, text_map, texts

EXEC_BYTES = 2097152
EXEC_STRING_BYTES = 131071
FRAME_BYTES = 65536
MESSAGE_BYTES = 1048576

ERROR_CODES = (
    "not_found", "exists", "invalid", "denied", "busy", "unavailable", "timeout", "corrupt", "cancelled",
    "unsupported", "exhausted", "internal",
)

__all__ = [
    "CatalogEntryObject",
    "CatalogObject",
    "CheckList",
    "CheckObject",
    "DaemonStatus",
    "DefaultsObject",
    "DeletionResult",
    "DownloadObject",
    "EgressLog",
    "EgressRow",
    "ErrorObject",
    "EventObject",
    "FileObject",
    "ForkResult",
    "GuestImageObject",
    "ImageList",
    "ImageObject",
    "InspectObject",
    "KernelList",
    "KernelName",
    "KernelObject",
    "LayerObject",
    "LeftOutObject",
    "LeftoverList",
    "LeftoverObject",
    "NameObject",
    "PoolObject",
    "PortList",
    "PortObject",
    "PruneObject",
    "PullObject",
    "PushObject",
    "RecipeObject",
    "RunConfigObject",
    "SecretObject",
    "SessionList",
    "SessionObject",
    "SnapshotList",
    "SnapshotObject",
    "SourcesObject",
    "SshObject",
    "StageObject",
    "StatisticsObject",
    "SyncResult",
    "SyncedFileObject",
    "TemplateList",
    "TemplateObject",
    "UploadResult",
    "VmList",
    "VmObject",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStatus(Record):
    """The daemon status of docs/rpc.md."""

    NAME: ClassVar[str] = "daemon status"
    version: str = ""
    """The daemon's version."""
    pid: int = 0
    """The daemon's process."""
    started_at: int = 0
    """When the daemon was started."""
    socket: str = ""
    """The path of the socket."""
    log: str = ""
    """The path of the log."""
    state: str = ""
    """The directory of the daemon's state."""
    vms_running: int = 0
    """How many VMs run."""
    resident_bytes: int = 0
    """The daemon's resident memory."""
    recovered: list[str] = field(default_factory=list)
    """What the daemon finished or undid at its start, one sentence each."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "version": text,
        "pid": integer,
        "started_at": integer,
        "socket": text,
        "log": text,
        "state": text,
        "vms_running": integer,
        "resident_bytes": integer,
        "recovered": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckObject(Record):
    """The check object of docs/rpc.md."""

    NAME: ClassVar[str] = "check object"
    name: str = ""
    """What was checked."""
    status: Literal["pass", "warn", "fail"] = "pass"
    """The outcome."""
    detail: str = ""
    """What was found."""
    hint: str = ""
    """What can be done, or empty."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "status": text,
        "detail": text,
        "hint": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftoverObject(Record):
    """The leftover object of docs/rpc.md."""

    NAME: ClassVar[str] = "leftover object"
    kind: str = ""
    """What kind of thing was found."""
    path: str = ""
    """Its path, or its name where it has no path."""
    reason: str = ""
    """Why nobody owns the thing."""
    removed: bool = False
    """Whether the thing was removed."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "kind": text,
        "path": text,
        "reason": text,
        "removed": boolean,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesObject(Record):
    """The sources object of docs/rpc.md."""

    NAME: ClassVar[str] = "sources object"
    vcpus: Literal["config", "host", "built-in"] = "config"
    """The source of `vcpus`."""
    memory_bytes: Literal["config", "host", "built-in"] = "config"
    """The source of `memory_bytes`."""
    disk_bytes: Literal["config", "host", "built-in"] = "config"
    """The source of `disk_bytes`."""
    system_bytes: Literal["config", "host", "built-in"] = "config"
    """The source of `system_bytes`."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "vcpus": text,
        "memory_bytes": text,
        "disk_bytes": text,
        "system_bytes": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretObject(Record):
    """The secret object of docs/rpc.md."""

    NAME: ClassVar[str] = "secret object"
    name: str = ""
    """The name of the secret, and of the guest's variable."""
    hosts: list[str] = field(default_factory=list)
    """The hosts that get the value."""
    available: bool = False
    """Whether the value is known. Otherwise requests with it fail."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "hosts": texts,
        "available": boolean,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StageObject(Record):
    """The stage object of docs/rpc.md."""

    NAME: ClassVar[str] = "stage object"
    name: str = ""
    """The stage."""
    ms: float = 0.0
    """How long the stage took, in milliseconds."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "ms": real,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsObject(Record):
    """The statistics object of docs/rpc.md."""

    NAME: ClassVar[str] = "statistics object"
    cpu_percent: float = 0.0
    """Use of the guest's processors."""
    load1: float = 0.0
    """The guest's load average over one minute."""
    memory_used_bytes: int = 0
    """Memory in use in the guest."""
    memory_total_bytes: int = 0
    """Memory that the guest has."""
    disk_read_bytes: int = 0
    """Bytes read from the guest's disks, like the next three figures since `uptime_ms` began."""
    disk_written_bytes: int = 0
    """Bytes written to the guest's disks."""
    net_received_bytes: int = 0
    """Bytes that the guest received."""
    net_sent_bytes: int = 0
    """Bytes that the guest sent."""
    uptime_ms: int = 0
    """Time since the guest booted, or was cloned, in milliseconds."""
    host_resident_bytes: int | None = None
    """The VMM's resident memory on the host."""
    host_pss_bytes: int | None = None
    """The VMM's proportional share of memory on the host."""
    host_cpu_time_us: int | None = None
    """Processor time of the VMM, in microseconds."""
    metrics: dict[str, int] | None = None
    """As in the VM object, at most `stats_poll_interval` old."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "cpu_percent": real,
        "load1": real,
        "memory_used_bytes": integer,
        "memory_total_bytes": integer,
        "disk_read_bytes": integer,
        "disk_written_bytes": integer,
        "net_received_bytes": integer,
        "net_sent_bytes": integer,
        "uptime_ms": integer,
        "host_resident_bytes": integer,
        "host_pss_bytes": integer,
        "host_cpu_time_us": integer,
        "metrics": counts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NameObject(Record):
    """The name object of docs/rpc.md."""

    NAME: ClassVar[str] = "name object"
    id: str = ""
    """The id."""
    name: str = ""
    """The name."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventObject(Record):
    """The event object of docs/rpc.md."""

    NAME: ClassVar[str] = "event object"
    sequence: int = 0
    """The number of the event since the daemon's start. `current` and `missed` repeat the number of the event
    before them."""
    time_ms: int = 0
    """When the event happened, in milliseconds since 1970."""
    event: Literal[
        "current", "created", "starting", "running", "resumed", "ready", "stopping", "stopped", "suspending",
        "suspended", "restoring", "restored", "forked", "renamed", "changed", "paused", "goes_on", "silent",
        "answers", "refused", "deleted", "missed"
    ] = "current"
    """What happened."""
    id: str = ""
    """The VM's id. Empty for `missed`."""
    name: str = ""
    """The VM's name after the event. Empty for `missed`."""
    state: str = ""
    """The VM's state after the event. Empty for `missed`."""
    detail: str = ""
    """More about the event, or empty."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "sequence": integer,
        "time_ms": integer,
        "event": text,
        "id": text,
        "name": text,
        "state": text,
        "detail": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileObject(Record):
    """The file object of docs/rpc.md."""

    NAME: ClassVar[str] = "file object"
    exists: bool = False
    """Whether the path leads to something."""
    type: Literal["file", "directory", "symlink", "other"] = "file"
    """The type. Empty when nothing is there."""
    mode: int = 0
    """The permission bits."""
    target_type: Literal["file", "directory", "symlink", "other"] | None = None
    """For a symlink, the type of what it leads to."""
    identity: str | None = None
    """Two paths with the same text lead to the same file of the guest."""
    target_identity: str | None = None
    """For a symlink, the identity of what it leads to."""
    around: list[str] = field(default_factory=list)
    """For a directory: its identity, and those of the directories around it up to the root."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "exists": boolean,
        "type": text,
        "mode": integer,
        "target_type": text,
        "identity": text,
        "target_identity": text,
        "around": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadObject(Record):
    """The download object of docs/rpc.md."""

    NAME: ClassVar[str] = "download object"
    type: Literal["file", "directory", "symlink", "other"] = "file"
    """The type of `path`."""
    name: str = ""
    """The name of the VM."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "type": text,
        "name": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutObject(Record):
    """The left-out object of docs/rpc.md."""

    NAME: ClassVar[str] = "left-out object"
    path: str = ""
    """The name in the tar."""
    reason: str = ""
    """Why it was left out."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "path": text,
        "reason": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorObject(Record):
    """The error object of docs/rpc.md."""

    NAME: ClassVar[str] = "error object"
    code: str = ""
    """One of the codes of errors."""
    message: str = ""
    """What failed."""
    hint: str | None = None
    """What can be done."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "code": text,
        "message": text,
        "hint": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedFileObject(Record):
    """The synced file object of docs/rpc.md."""

    NAME: ClassVar[str] = "synced file object"
    path: str = ""
    """Relative to /root of the guest, made printable."""
    directory: bool = False
    """Whether it is a directory."""
    mode: int = 0
    """The permission bits that a new file or directory gets."""
    bytes: int = 0
    """The size of a file."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "path": text,
        "directory": boolean,
        "mode": integer,
        "bytes": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionObject(Record):
    """The session object of docs/rpc.md."""

    NAME: ClassVar[str] = "session object"
    id: str = ""
    """The id, unique in the VM."""
    name: str = ""
    """The name, unique among the live sessions of the VM."""
    vm: str = ""
    """The name of the VM."""
    command: str = ""
    """The command as a shell reads it, shortened."""
    cwd: str = ""
    """The directory that was asked for, shortened. Empty: the default."""
    user: str = ""
    """The user that was asked for. Empty: the default."""
    stdin_mode: Literal["pipe", "pty", "none"] = "pipe"
    """What the standard input is."""
    state: Literal["starting", "running", "exited", "failed", "lost"] = "starting"
    """`failed`: the command never ran. `lost`: the guest ended before the session did."""
    pid: int = 0
    """The process in the guest, or 0."""
    exit_code: int | None = None
    """The exit code of a command that has exited."""
    exit_signal: int | None = None
    """The signal that ended the command."""
    reason: str = ""
    """Why the session has failed, was lost, or was ended."""
    started_at: int = 0
    """When the session was started."""
    ended_at: int = 0
    """When the session has ended, or 0."""
    attached: bool = False
    """Whether a client is attached that may write."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "vm": text,
        "command": text,
        "cwd": text,
        "user": text,
        "stdin_mode": text,
        "state": text,
        "pid": integer,
        "exit_code": integer,
        "exit_signal": integer,
        "reason": text,
        "started_at": integer,
        "ended_at": integer,
        "attached": boolean,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PortObject(Record):
    """The port object of docs/rpc.md."""

    NAME: ClassVar[str] = "port object"
    protocol: Literal["tcp", "udp"] = "tcp"
    """The protocol."""
    address: str = ""
    """The address in the guest."""
    port: int = 0
    """The port in the guest."""
    process: str = ""
    """The name of the process that listens."""
    command: str = ""
    """The command line of that process."""
    pid: int = 0
    """The id of that process in the guest."""
    scheme: Literal["http", "https", ""] = "http"
    """How a browser can reach the port. Empty when the port does not speak HTTP."""
    url: str = ""
    """`http://NAME.vm:PORT/`, or with the address where this host does not resolve names; or empty."""
    forward: str = ""
    """`ADDRESS:PORT`, where the host listens for the port, or empty."""
    published: list[str] = field(default_factory=list)
    """`ADDRESS:PORT` of each port of the host that is published for the port."""
    note: str = ""
    """Why the port is not forwarded, or why connections to it wait; or empty."""
    hint: str = ""
    """What can be done about that, or empty."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "protocol": text,
        "address": text,
        "port": integer,
        "process": text,
        "command": text,
        "pid": integer,
        "scheme": text,
        "url": text,
        "forward": text,
        "published": texts,
        "note": text,
        "hint": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRow(Record):
    """The egress row of docs/rpc.md."""

    NAME: ClassVar[str] = "egress row"
    name: str = ""
    """The host's name, with unprintable bytes as `\\xNN`. Empty when none is known."""
    address: str | None = None
    """The IPv4 address. Only of connections, not of lookups."""
    port: int | None = None
    """The TCP port. Only of connections, not of lookups."""
    verdict: Literal["allowed", "refused"] = "allowed"
    """What became of it."""
    reason: str = ""
    """A word for the reason. The same words stay from version to version."""
    sentence: str | None = None
    """The reason of a refusal, for people."""
    sent: int = 0
    """Bytes that the guest sent."""
    received: int = 0
    """Bytes that the guest received."""
    count: int = 0
    """How often it happened."""
    first_at: int = 0
    """When it happened first."""
    last_at: int = 0
    """When the row changed last."""
    sequence: int = 0
    """The number of the row's last change."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "address": text,
        "port": integer,
        "verdict": text,
        "reason": text,
        "sentence": text,
        "sent": integer,
        "received": integer,
        "count": integer,
        "first_at": integer,
        "last_at": integer,
        "sequence": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SshObject(Record):
    """The SSH object of docs/rpc.md."""

    NAME: ClassVar[str] = "SSH object"
    id: str = ""
    """The id of the VM."""
    name: str = ""
    """The name of the VM."""
    server: bool = False
    """Whether a server answers on the port: the guest's own, or on port 22 the agent's."""
    host_key: str = ""
    """The public host key of the VM, as `TYPE BASE64`."""
    known_hosts: str = ""
    """The path of banger's known_hosts, where the key is under `NAME.vm` and `ID.vm`."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "server": boolean,
        "host_key": text,
        "known_hosts": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotObject(Record):
    """The snapshot object of docs/rpc.md."""

    NAME: ClassVar[str] = "snapshot object"
    id: str = ""
    """The id."""
    name: str = ""
    """The name."""
    vm: str = ""
    """The name that the VM had when the snapshot was made."""
    vm_id: str = ""
    """The id of the VM."""
    image: str = ""
    """The name of the image."""
    kernel: str = ""
    """The name of the kernel."""
    vcpus: int = 0
    """Virtual processors."""
    memory_bytes: int = 0
    """The guest's memory."""
    disk_bytes: int = 0
    """The size of the work disk."""
    system_bytes: int = 0
    """The size of the system disk."""
    has_memory: bool = False
    """Whether the snapshot has memory, and not only disks."""
    created_at: int = 0
    """When the snapshot was made."""
    size_bytes: int = 0
    """What the snapshot occupies on the host."""
    used_by: list[str] = field(default_factory=list)
    """The names of the VMs that run on the snapshot's memory."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "vm": text,
        "vm_id": text,
        "image": text,
        "kernel": text,
        "vcpus": integer,
        "memory_bytes": integer,
        "disk_bytes": integer,
        "system_bytes": integer,
        "has_memory": boolean,
        "created_at": integer,
        "size_bytes": integer,
        "used_by": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateObject(Record):
    """The template object of docs/rpc.md."""

    NAME: ClassVar[str] = "template object"
    id: str = ""
    """The id."""
    image: str = ""
    """The name of the image."""
    image_id: str = ""
    """The id of the image."""
    kernel: str = ""
    """The name of the kernel."""
    vcpus: int = 0
    """Virtual processors."""
    memory_bytes: int = 0
    """The guest's memory."""
    disk_bytes: int = 0
    """The size of the work disk. The disk of a clone may be larger."""
    system_bytes: int = 0
    """The size of the system disk, likewise."""
    storage: str = ""
    """The kind of system disk."""
    network: str = ""
    """The kind of network."""
    nat: bool = False
    """Whether the template's guest could reach hosts outside."""
    machine: str = ""
    """The VMM and its version."""
    state: Literal["building", "ready", "stale"] = "building"
    """`stale`: kept only for the VMs that run on the template."""
    created_at: int = 0
    """When the template was made."""
    used_at: int = 0
    """When a VM was last cloned from the template."""
    size_bytes: int = 0
    """What the template occupies on the host."""
    used_by: list[str] = field(default_factory=list)
    """The names of the VMs that run on the template's memory."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "image": text,
        "image_id": text,
        "kernel": text,
        "vcpus": integer,
        "memory_bytes": integer,
        "disk_bytes": integer,
        "system_bytes": integer,
        "storage": text,
        "network": text,
        "nat": boolean,
        "machine": text,
        "state": text,
        "created_at": integer,
        "used_at": integer,
        "size_bytes": integer,
        "used_by": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolObject(Record):
    """The pool object of docs/rpc.md."""

    NAME: ClassVar[str] = "pool object"
    id: str = ""
    """The id."""
    template: str = ""
    """The id of the template."""
    state: Literal["filling", "ready"] = "filling"
    """The state."""
    age_s: int = 0
    """Seconds since the clone was begun."""
    pss_bytes: int = 0
    """The VMM's proportional share of memory on the host."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "template": text,
        "state": text,
        "age_s": integer,
        "pss_bytes": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionResult(Record):
    """The deletion result of docs/rpc.md."""

    NAME: ClassVar[str] = "deletion result"
    deleted: list[str] = field(default_factory=list)
    """The ids of the deleted templates."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "deleted": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfigObject(Record):
    """The run config object of docs/rpc.md."""

    NAME: ClassVar[str] = "run config object"
    env: list[str] = field(default_factory=list)
    """Variables, as `NAME=VALUE`."""
    entrypoint: list[str] = field(default_factory=list)
    """The first words of the image's main command."""
    cmd: list[str] = field(default_factory=list)
    """The last words of the main command, which a user may replace."""
    working_dir: str = ""
    """The directory of commands. Empty: the user's home."""
    user: str = ""
    """The user of commands, as `USER[:GROUP]`. Empty: root."""
    stop_signal: str = ""
    """The signal that ends the main command. Empty: SIGTERM."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "env": texts,
        "entrypoint": texts,
        "cmd": texts,
        "working_dir": text,
        "user": text,
        "stop_signal": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerObject(Record):
    """The layer object of docs/rpc.md."""

    NAME: ClassVar[str] = "layer object"
    digest: str = ""
    """The digest of the layer, as the registry has it."""
    size_bytes: int = 0
    """The size of the layer, as the registry has it."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "digest": text,
        "size_bytes": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PushObject(Record):
    """The push object of docs/rpc.md."""

    NAME: ClassVar[str] = "push object"
    name: str = ""
    """The full reference."""
    digest: str = ""
    """The digest of the image's manifest in the registry."""
    sent_bytes: int = 0
    """The size of what the registry did not have."""
    layers: int = 0
    """How many layers the image has in the registry."""
    note: str = ""
    """Why the layers of its base are not among them; empty if they are."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "digest": text,
        "sent_bytes": integer,
        "layers": integer,
        "note": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneObject(Record):
    """The prune object of docs/rpc.md."""

    NAME: ClassVar[str] = "prune object"
    removed: int = 0
    """How many files were removed."""
    size_bytes: int = 0
    """What these files occupied on the host."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "removed": integer,
        "size_bytes": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectObject(Record):
    """The inspect object of docs/rpc.md."""

    NAME: ClassVar[str] = "inspect object"
    config: str = ""
    """The text of the OCI image configuration, as the registry has it."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "config": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeObject(Record):
    """The recipe object of docs/rpc.md."""

    NAME: ClassVar[str] = "recipe object"
    name: str = ""
    """The name."""
    description: str = ""
    """What the image contains."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "description": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntryObject(Record):
    """The catalog entry object of docs/rpc.md."""

    NAME: ClassVar[str] = "catalog entry object"
    kind: Literal["image", "kernel"] = "image"
    """What it is."""
    name: str = ""
    """The name, for `image.pull` or `kernel.pull`."""
    description: str = ""
    """What it contains."""
    sources: list[str] = field(default_factory=list)
    """Where it comes from, in the order in which sources are tried."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "kind": text,
        "name": text,
        "description": text,
        "sources": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelObject(Record):
    """The kernel object of docs/rpc.md."""

    NAME: ClassVar[str] = "kernel object"
    name: str = ""
    """The name."""
    source: str = ""
    """The package and its version, `import`, `bundle:ID` or `catalog:SHA256`."""
    release: str = ""
    """The release. Empty when the release is unknown."""
    sha256: str = ""
    """The digest of `vmlinux`."""
    size_bytes: int = 0
    """What the kernel occupies on the host."""
    created_at: int = 0
    """When the kernel was stored."""
    vmlinux: str = ""
    """The path of the kernel's file."""
    modules: list[str] = field(default_factory=list)
    """The paths of the modules that are loaded early, in order."""
    modules_image: str = ""
    """The path of the file system with all modules, or empty."""
    initrd: str = ""
    """The path of the initrd, or empty."""
    used_by: list[str] = field(default_factory=list)
    """The names of the VMs that use the kernel."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "source": text,
        "release": text,
        "sha256": text,
        "size_bytes": integer,
        "created_at": integer,
        "vmlinux": text,
        "modules": texts,
        "modules_image": text,
        "initrd": text,
        "used_by": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelName(Record):
    """The kernel name of docs/rpc.md."""

    NAME: ClassVar[str] = "kernel name"
    name: str = ""
    """The name."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckList(Record):
    """The check list of docs/rpc.md."""

    NAME: ClassVar[str] = "check list"
    checks: list[CheckObject] = field(default_factory=list)
    """All checks."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "checks": records(CheckObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftoverList(Record):
    """The leftover list of docs/rpc.md."""

    NAME: ClassVar[str] = "leftover list"
    items: list[LeftoverObject] = field(default_factory=list)
    """What nobody owns."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "items": records(LeftoverObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsObject(Record):
    """The defaults object of docs/rpc.md."""

    NAME: ClassVar[str] = "defaults object"
    vcpus: int = 0
    """Virtual processors."""
    memory_bytes: int = 0
    """The guest's memory."""
    disk_bytes: int = 0
    """The size of the work disk."""
    system_bytes: int = 0
    """The size of the system disk."""
    image: str = ""
    """The name of the default image."""
    sources: SourcesObject | None = None
    """Where each default comes from."""
    host_cpus: int | None = None
    """The processors of the host."""
    host_memory_bytes: int | None = None
    """The memory of the host, which no VM may exceed."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "vcpus": integer,
        "memory_bytes": integer,
        "disk_bytes": integer,
        "system_bytes": integer,
        "image": text,
        "sources": SourcesObject.from_json,
        "host_cpus": integer,
        "host_memory_bytes": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VmObject(Record):
    """The VM object of docs/rpc.md."""

    NAME: ClassVar[str] = "VM object"
    id: str = ""
    """The id."""
    name: str = ""
    """The name."""
    state: Literal[
        "creating", "stopped", "starting", "running", "stopping", "suspending", "suspended", "restoring", "deleting"
    ] = "creating"
    """The state."""
    image: str = ""
    """The name of the image."""
    image_id: str = ""
    """The id of the image."""
    kernel: str = ""
    """The name of the kernel."""
    vcpus: int = 0
    """Virtual processors."""
    memory_bytes: int = 0
    """The guest's memory."""
    disk_bytes: int = 0
    """The size of the work disk."""
    system_bytes: int = 0
    """The size of the system disk."""
    nat: bool = False
    """Whether the guest can reach hosts outside."""
    egress: str = ""
    """What the guest may reach outside: `open`, `none`, or the name of a policy of the config."""
    allow: list[str] = field(default_factory=list)
    """The hosts that the guest may reach all the same. Not in lists."""
    secrets: list[SecretObject] = field(default_factory=list)
    """What the gate puts into requests. Not in lists."""
    network: Literal["user", "bridge"] = "user"
    """The kind of network."""
    storage: Literal["overlay", "copy", "dm-snapshot"] = "overlay"
    """The kind of system disk."""
    disk_iops: int = 0
    """Limit of the operations a second of all disks together; 0: none."""
    disk_bandwidth_bytes: int = 0
    """Limit of the bytes a second of all disks together; 0: none."""
    net_bandwidth_bytes: int = 0
    """Limit of the bytes a second that the guest sends, and that it receives; 0: none."""
    pids: int = 0
    """Limit of the processes and threads of one command; 0: the guest's own."""
    address: str = ""
    """The guest's IPv4 address. On a bridge, empty before the first start."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels by their keys."""
    publish: list[str] = field(default_factory=list)
    """The published ports, each as `ADDRESS:HOSTPORT:PORT`."""
    publish_problems: list[str] = field(default_factory=list)
    """Sentences for people: why published ports are not open now. Only in the result of `vm.show`, and only if
    there are any."""
    restart: Literal["no", "on-failure", "always"] = "no"
    """When the VM starts again after its guest has ended by itself."""
    autostart: bool = False
    """Whether the VM is started whenever the daemon starts."""
    created_at: int = 0
    """When the VM was created."""
    started_at: int = 0
    """When the machine was last started."""
    machine: str = ""
    """The VMM and its version. Empty when no machine runs."""
    machine_reason: str = ""
    """Why banger chose this VMM. Empty when no machine runs."""
    accelerator: str = ""
    """How guest code runs. Empty when no machine runs."""
    pid: int | None = None
    """The VMM's process. Null when no machine runs."""
    agent_ready: bool = False
    """Whether the agent answers."""
    system_ready: bool = False
    """Whether the guest has booted."""
    paused: str = ""
    """Why the VMM has paused the guest. Empty when the guest runs."""
    silent: bool = False
    """Whether the guest has stopped answering. The guest may only be slow."""
    last_error: str = ""
    """Why the last operation failed. Empty when the operation succeeded."""
    ended: str = ""
    """How the last machine ended. Empty when a machine runs, and before the first start."""
    ended_at: int = 0
    """When the last machine ended, or 0."""
    disk_used_bytes: int = 0
    """What the VM's files occupy on the host."""
    directory: str = ""
    """The VM's directory on the host."""
    way: Literal["cold", "clone", "pool", "fork", "snapshot", "resume", ""] = "cold"
    """How the machine came up. Empty before the first start."""
    template: str = ""
    """The id of the template that the VM was cloned from, or empty."""
    ephemeral: bool = False
    """Whether the VM is deleted when the connection that created it closes."""
    metrics: dict[str, int] | None = None
    """What the VMM counted, as last read (`metrics_poll_interval`). Null before the first reading."""
    stages: list[StageObject] = field(default_factory=list)
    """The stages of the last create or start."""
    restart_needed: list[str] = field(default_factory=list)
    """Only in the result of `vm.set`: the changed fields that take effect at the next start. `name` stands for the
    host name in the guest."""
    forced: str | None = None
    """Why the machine was killed. Only in the results of `vm.stop` and `vm.restart`, and only if the guest did not
    shut down."""
    config: RunConfigObject | None = None
    """How programs of the image want to run. Only if the image says so, and not in lists."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "state": text,
        "image": text,
        "image_id": text,
        "kernel": text,
        "vcpus": integer,
        "memory_bytes": integer,
        "disk_bytes": integer,
        "system_bytes": integer,
        "nat": boolean,
        "egress": text,
        "allow": texts,
        "secrets": records(SecretObject),
        "network": text,
        "storage": text,
        "disk_iops": integer,
        "disk_bandwidth_bytes": integer,
        "net_bandwidth_bytes": integer,
        "pids": integer,
        "address": text,
        "labels": text_map,
        "publish": texts,
        "publish_problems": texts,
        "restart": text,
        "autostart": boolean,
        "created_at": integer,
        "started_at": integer,
        "machine": text,
        "machine_reason": text,
        "accelerator": text,
        "pid": integer,
        "agent_ready": boolean,
        "system_ready": boolean,
        "paused": text,
        "silent": boolean,
        "last_error": text,
        "ended": text,
        "ended_at": integer,
        "disk_used_bytes": integer,
        "directory": text,
        "way": text,
        "template": text,
        "ephemeral": boolean,
        "metrics": counts,
        "stages": records(StageObject),
        "restart_needed": texts,
        "forced": text,
        "config": RunConfigObject.from_json,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult(Record):
    """The upload result of docs/rpc.md."""

    NAME: ClassVar[str] = "upload result"
    ok: bool | None = None
    """True when the guest has unpacked the tar."""
    error: ErrorObject | None = None
    """Why the upload failed."""
    left_out: list[LeftOutObject] = field(default_factory=list)
    """What was not unpacked, although the rest was."""
    left_out_more: int | None = None
    """How much more was left out, without its names."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "ok": boolean,
        "error": ErrorObject.from_json,
        "left_out": records(LeftOutObject),
        "left_out_more": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult(Record):
    """The sync result of docs/rpc.md."""

    NAME: ClassVar[str] = "sync result"
    id: str = ""
    """The id of the VM."""
    name: str = ""
    """The name of the VM."""
    files: int = 0
    """How many files the guest got, or would get."""
    bytes: int = 0
    """Their sizes together."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for people about what was skipped."""
    plan: list[SyncedFileObject] = field(default_factory=list)
    """Only with `dry_run`: the files and directories."""
    plan_more: int | None = None
    """How many more there are than `plan` has room for."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "files": integer,
        "bytes": integer,
        "warnings": texts,
        "plan": records(SyncedFileObject),
        "plan_more": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList(Record):
    """The session list of docs/rpc.md."""

    NAME: ClassVar[str] = "session list"
    sessions: list[SessionObject] = field(default_factory=list)
    """The sessions, the oldest first."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "sessions": records(SessionObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PortList(Record):
    """The port list of docs/rpc.md."""

    NAME: ClassVar[str] = "port list"
    ports: list[PortObject] = field(default_factory=list)
    """The ports that the guest listens on."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "ports": records(PortObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLog(Record):
    """The egress log of docs/rpc.md."""

    NAME: ClassVar[str] = "egress log"
    policy: str = ""
    """The policy and its rules, for people. A long text is cut."""
    rows: list[EgressRow] = field(default_factory=list)
    """The rows that changed after `since`, the oldest change first."""
    sequence: int = 0
    """The value of `since` for the next call."""
    more: bool = False
    """Whether more rows have changed than fit into one answer."""
    forgotten: int = 0
    """How many rows are lost, because the log keeps 1000 of each verdict."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "policy": text,
        "rows": records(EgressRow),
        "sequence": integer,
        "more": boolean,
        "forgotten": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotList(Record):
    """The snapshot list of docs/rpc.md."""

    NAME: ClassVar[str] = "snapshot list"
    snapshots: list[SnapshotObject] = field(default_factory=list)
    """The snapshots."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "snapshots": records(SnapshotObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateList(Record):
    """The template list of docs/rpc.md."""

    NAME: ClassVar[str] = "template list"
    templates: list[TemplateObject] = field(default_factory=list)
    """All templates."""
    pool: list[PoolObject] = field(default_factory=list)
    """The clones in the ready pool."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "templates": records(TemplateObject),
        "pool": records(PoolObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageObject(Record):
    """The image object of docs/rpc.md."""

    NAME: ClassVar[str] = "image object"
    id: str = ""
    """The id."""
    name: str = ""
    """The name. Empty after another image has taken the name."""
    other_names: list[str] = field(default_factory=list)
    """Its other names."""
    source: str = ""
    """`recipe:NAME`, `import`, `file`, `bundle:ID`, `catalog:SHA256`, `vm:NAME` or `registry:REFERENCE`."""
    kernel: str = ""
    """The name of the kernel that the image asks for."""
    sha256: str = ""
    """The digest of the root file system; empty for an image in layers, which has a `digest`."""
    size_bytes: int = 0
    """What the image occupies on the host."""
    rootfs_bytes: int = 0
    """The length of the root file system."""
    created_at: int = 0
    """When the image was made."""
    init: Literal["systemd", "openrc", "runit", "busybox", "none", "other"] = "systemd"
    """The init system."""
    rootfs: str = ""
    """The path of the root file system."""
    host_file: str = ""
    """The file of the host that a registered image uses. Empty: the image has a copy of its own."""
    host_file_fault: str = ""
    """Why this file cannot be used. Empty: it can."""
    work_seed: str = ""
    """The path of the work seed."""
    used_by: list[str] = field(default_factory=list)
    """The names of the VMs that were made from the image."""
    digest: str = ""
    """The digest in the registry that it was pulled from. Empty: not pulled."""
    layers: list[LayerObject] = field(default_factory=list)
    """The layers that it was made from. Only if it was pulled, and not in lists."""
    config: RunConfigObject | None = None
    """How its programs want to run. Only if the image says so, and not in lists."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "id": text,
        "name": text,
        "other_names": texts,
        "source": text,
        "kernel": text,
        "sha256": text,
        "size_bytes": integer,
        "rootfs_bytes": integer,
        "created_at": integer,
        "init": text,
        "rootfs": text,
        "host_file": text,
        "host_file_fault": text,
        "work_seed": text,
        "used_by": texts,
        "digest": text,
        "layers": records(LayerObject),
        "config": RunConfigObject.from_json,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogObject(Record):
    """The catalog object of docs/rpc.md."""

    NAME: ClassVar[str] = "catalog object"
    place: str = ""
    """The path or the URL of the catalog. Empty: it is compiled in."""
    entries: list[CatalogEntryObject] = field(default_factory=list)
    """The entries, in the order of the catalog."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "place": text,
        "entries": records(CatalogEntryObject),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelList(Record):
    """The kernel list of docs/rpc.md."""

    NAME: ClassVar[str] = "kernel list"
    kernels: list[KernelObject] = field(default_factory=list)
    """All kernels."""
    pullable: list[str] = field(default_factory=list)
    """The kernels of the catalog. Empty for a catalog behind a URL that no call has read."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "kernels": records(KernelObject),
        "pullable": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VmList(Record):
    """The VM list of docs/rpc.md."""

    NAME: ClassVar[str] = "VM list"
    vms: list[VmObject] = field(default_factory=list)
    """All VMs."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for people about what may stop the VMs soon. Only if there are any."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "vms": records(VmObject),
        "warnings": texts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkResult(Record):
    """The fork result of docs/rpc.md."""

    NAME: ClassVar[str] = "fork result"
    vms: list[VmObject] = field(default_factory=list)
    """The children."""
    pause_ms: float = 0.0
    """How long the parent stood still, in milliseconds. 0 if it did not run."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "vms": records(VmObject),
        "pause_ms": real,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PullObject(Record):
    """The pull object of docs/rpc.md."""

    NAME: ClassVar[str] = "pull object"
    name: str = ""
    """The full reference, which is a name of the image."""
    image: ImageObject | None = None
    """The image."""
    already: bool = False
    """Whether the image was here, so that at most its names changed."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "name": text,
        "image": ImageObject.from_json,
        "already": boolean,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestImageObject(Record):
    """The guest image object of docs/rpc.md."""

    NAME: ClassVar[str] = "guest image object"
    image: ImageObject | None = None
    """The image."""
    left_out: list[LeftOutObject] = field(default_factory=list)
    """The files that the image lacks, or that changed while they were read."""
    left_out_more: int = 0
    """How many more files there are that the list lacks."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "image": ImageObject.from_json,
        "left_out": records(LeftOutObject),
        "left_out_more": integer,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageList(Record):
    """The image list of docs/rpc.md."""

    NAME: ClassVar[str] = "image list"
    images: list[ImageObject] = field(default_factory=list)
    """All images."""
    recipes: list[RecipeObject] = field(default_factory=list)
    """The recipes that `image.build` knows."""
    available: list[CatalogEntryObject] = field(default_factory=list)
    """The images of the catalog. Empty for a catalog behind a URL that no call has read."""
    READERS: ClassVar[Mapping[str, Reader]] = {
        "images": records(ImageObject),
        "recipes": records(RecipeObject),
        "available": records(CatalogEntryObject),
    }
