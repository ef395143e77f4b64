# Generated from src/api by clients/python/generate. Do not change this file.
"""One function for each method of the daemon. It makes a call for `Client.call`.

Only required parameters have a position. None leaves a parameter out.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ._record import Call, call, nothing
from ._types import CatalogObject
from ._types import CheckList
from ._types import DaemonStatus
from ._types import DefaultsObject
from ._types import DeletionResult
from ._types import DownloadObject
from ._types import EgressLog
from ._types import FileObject
from ._types import ForkResult
from ._types import GuestImageObject
from ._types import ImageList
from ._types import ImageObject
from ._types import InspectObject
from ._types import KernelList
from ._types import KernelName
from ._types import KernelObject
from ._types import LeftoverList
from ._types import NameObject
from ._types import PortList
from ._types import PruneObject
from ._types import PullObject
from ._types import PushObject
from ._types import SessionList
from ._types import SessionObject
from ._types import SnapshotList
from ._types import SnapshotObject
from ._types import SshObject
from ._types import StatisticsObject
from ._types import SyncResult
from ._types import TemplateList
from ._types import TemplateObject
from ._types import VmList
from ._types import VmObject
from ._values import Text, byte_string


def daemon_status() -> Call[DaemonStatus]:
    """Describes the daemon."""
    return call("daemon.status", DaemonStatus.from_json, {})


def daemon_stop() -> Call[None]:
    """Ends the daemon. Running VMs go on."""
    return call("daemon.stop", nothing, {})


def host_doctor(*, fix: bool | None = None) -> Call[CheckList]:
    """Checks whether the host has what banger requires.

    - `fix`: Tries anew whether KVM runs guests. The default is false.
    """
    return call("host.doctor", CheckList.from_json, {
        "fix": fix,
    })


def host_gc(*, dry_run: bool | None = None) -> Call[LeftoverList]:
    """Finds what nobody owns, and removes it.

    - `dry_run`: Lists what is found and removes nothing. The default is false.
    """
    return call("host.gc", LeftoverList.from_json, {
        "dry_run": dry_run,
    })


def host_defaults() -> Call[DefaultsObject]:
    """Gives what a new VM gets when a parameter is absent."""
    return call("host.defaults", DefaultsObject.from_json, {})


def vm_create(*, name: str | None = None, image: str | None = None, kernel: str | None = None,
              vcpus: int | None = None, memory_bytes: int | None = None,
              disk_bytes: int | None = None, system_bytes: int | None = None,
              nat: bool | None = None, egress: str | None = None,
              allow: Sequence[str] | None = None, secrets: Sequence[str] | None = None,
              network: Literal["auto", "user", "bridge"] | None = None,
              storage: Literal["overlay", "copy", "dm-snapshot"] | None = None,
              disk_iops: int | None = None, disk_bandwidth_bytes: int | None = None,
              net_bandwidth_bytes: int | None = None, pids: int | None = None,
              environment: Mapping[str, str] | None = None,
              labels: Mapping[str, str] | None = None, publish: Sequence[str] | None = None,
              restart: Literal["no", "on-failure", "always"] | None = None,
              autostart: bool | None = None, secret_values: Mapping[str, str] | None = None,
              start: bool | None = None, wait: Literal["agent", "system"] | None = None,
              cold: bool | None = None, from_: str | None = None, ephemeral: bool | None = None) -> Call[VmObject]:
    """Creates a VM. A default image or kernel that is missing is made first. So is a template, unless `cold` is
    true or `start` is false. With `from`, the parameters image, kernel and storage come from the snapshot and
    may not be given. If the snapshot has memory, that is also true of vcpus, memory_bytes and network. An
    `ephemeral` VM is deleted as by `vm.delete` with `force`, and a new daemon deletes the ephemeral VMs of one
    that died. An ephemeral VM that does not start is kept. A call that is cancelled is undone.

    - `name`: The name. By default, banger makes one up.
    - `image`: The name or id of the image. The default is that of `host.defaults`.
    - `kernel`: The name of the kernel. By default, the image's own choice.
    - `vcpus`: Virtual processors. The default is that of `host.defaults`.
    - `memory_bytes`: Memory. The default is that of `host.defaults`.
    - `disk_bytes`: The size of the work disk. The default is that of `host.defaults`.
    - `system_bytes`: The size of the system disk. The default is that of `host.defaults`.
    - `nat`: Whether the guest can reach hosts outside. The default is true.
    - `egress`: What the guest may reach outside: `open`, `none`, or the name of a policy of the config. Without
      it, a list `allow` turns `open` into `none`. The default is that of the config.
    - `allow`: Hosts that the guest may reach all the same. Each is `NAME`, `*.NAME`, `ADDRESS` or `CIDR`, which
      `:PORT` or `:PORT-PORT` may follow.
    - `secrets`: Secrets that the gate of the egress policy puts into requests in place of their placeholders.
      Each is `NAME@HOST` or `NAME@HOST,HOST`, or `NAME` for the hosts that the config has. The policy must name
      each host.
    - `network`: The kind of network. The default is that of the config.
    - `storage`: The kind of system disk. The default is that of the config.
    - `disk_iops`: Limit of the operations a second of all disks together; 0: none. The default is that of the
      config.
    - `disk_bandwidth_bytes`: Limit of the bytes a second of all disks together; 0: none. The default is that of
      the config.
    - `net_bandwidth_bytes`: Limit of the bytes a second that the guest sends, and of those that it receives; 0:
      none. Needs a bridge. The default is that of the config.
    - `pids`: Limit of the processes and threads of one command, session or login in the guest. 0: half of what
      the guest's kernel allows. The default is that of the config.
    - `environment`: Environment variables of commands in the guest, of login shells and of services. Shells and
      services get only names of letters, digits and `_`. Services get only values that `/etc/environment` can
      hold.
    - `labels`: Labels by their keys.
    - `publish`: Ports of this host that lead to ports of the guest whenever the VM runs. Each is
      `HOSTPORT:PORT` at 127.0.0.1, or `ADDRESS:HOSTPORT:PORT`. Port 0 of the host is any free port, which the
      VM then keeps.
    - `restart`: When the VM starts again after its guest has ended by itself. `on-failure` means after a panic,
      and when the VMM ended. A guest that reboots always runs again. The default is "no".
    - `autostart`: Whether the VM is started, or resumed, whenever the daemon starts. The default is false.
    - `secret_values`: The values of secrets by their names. They are kept in memory only, and never recorded. A
      secret without one has the value of its file or command in the config.
    - `start`: Whether the VM is started too. The default is true.
    - `wait`: `agent` waits until the agent answers, `system` until the guest has booted. The default is
      `system` for a guest that boots, and `agent` for a guest from a saved state, which has booted before.
    - `cold`: Boots the VM instead of cloning a template. The default is false.
    - `from_`: The name or id of a snapshot. The VM gets the disks of the snapshot, and its live processes if
      the snapshot has memory.
    - `ephemeral`: Deletes the VM when this connection closes. `vm.exec` may follow on the connection. The
      default is false.
    """
    return call("vm.create", VmObject.from_json, {
        "name": name,
        "image": image,
        "kernel": kernel,
        "vcpus": vcpus,
        "memory_bytes": memory_bytes,
        "disk_bytes": disk_bytes,
        "system_bytes": system_bytes,
        "nat": nat,
        "egress": egress,
        "allow": list(allow) if allow is not None else None,
        "secrets": list(secrets) if secrets is not None else None,
        "network": network,
        "storage": storage,
        "disk_iops": disk_iops,
        "disk_bandwidth_bytes": disk_bandwidth_bytes,
        "net_bandwidth_bytes": net_bandwidth_bytes,
        "pids": pids,
        "environment": dict(environment) if environment is not None else None,
        "labels": dict(labels) if labels is not None else None,
        "publish": list(publish) if publish is not None else None,
        "restart": restart,
        "autostart": autostart,
        "secret_values": dict(secret_values) if secret_values is not None else None,
        "start": start,
        "wait": wait,
        "cold": cold,
        "from": from_,
        "ephemeral": ephemeral,
    })


def vm_start(vm: str, *, wait: Literal["agent", "system"] | None = None, cold: bool | None = None) -> Call[VmObject]:
    """Starts a VM. A suspended VM goes on where it stood. With `cold` a suspended VM boots from its disks.

    - `vm`: A name, an id or a unique id prefix.
    - `wait`: `agent` waits until the agent answers, `system` until the guest has booted. The default is
      `system` for a guest that boots, and `agent` for a guest from a saved state, which has booted before.
    - `cold`: Boots the VM from its disks. The default is false.
    """
    return call("vm.start", VmObject.from_json, {
        "vm": vm,
        "wait": wait,
        "cold": cold,
    })


def vm_suspend(vm: str) -> Call[VmObject]:
    """Saves the memory of a VM to disk, and ends its machine.

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.suspend", VmObject.from_json, {
        "vm": vm,
    })


def vm_resume(vm: str) -> Call[VmObject]:
    """Continues a suspended VM.

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.resume", VmObject.from_json, {
        "vm": vm,
    })


def vm_fork(vm: str, *, count: int | None = None, names: Sequence[str] | None = None,
            start: bool | None = None) -> Call[ForkResult]:
    """Makes copies of a VM, with its live processes. The result has all children; if one of them fails, none is
    kept. The children of a stopped VM get its disks. The children of a suspended VM go on where it stands.

    - `vm`: A name, an id or a unique id prefix.
    - `count`: How many children. The default is 1. From 1 to 64.
    - `names`: One name for each child. By default, banger makes names up.
    - `start`: Whether the children are started too. The default is true.
    """
    return call("vm.fork", ForkResult.from_json, {
        "vm": vm,
        "count": count,
        "names": list(names) if names is not None else None,
        "start": start,
    })


def vm_stop(vm: str, *, timeout_ms: int | None = None) -> Call[VmObject]:
    """Asks the guest to shut down, and forces the machine to end after a time.

    - `vm`: A name, an id or a unique id prefix.
    - `timeout_ms`: How long the guest may take before the machine is forced to end. By default, 30 seconds.
      From 0 to 3600000.
    """
    return call("vm.stop", VmObject.from_json, {
        "vm": vm,
        "timeout_ms": timeout_ms,
    })


def vm_kill(vm: str) -> Call[VmObject]:
    """Ends the machine at once.

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.kill", VmObject.from_json, {
        "vm": vm,
    })


def vm_restart(vm: str, *, wait: Literal["agent", "system"] | None = None,
               timeout_ms: int | None = None) -> Call[VmObject]:
    """Stops a VM and starts it again.

    - `vm`: A name, an id or a unique id prefix.
    - `wait`: `agent` waits until the agent answers, `system` until the guest has booted. The default is
      `system` for a guest that boots, and `agent` for a guest from a saved state, which has booted before.
    - `timeout_ms`: How long the guest may take before the machine is forced to end. By default, 30 seconds.
      From 0 to 3600000.
    """
    return call("vm.restart", VmObject.from_json, {
        "vm": vm,
        "wait": wait,
        "timeout_ms": timeout_ms,
    })


def vm_delete(vm: str, *, force: bool | None = None) -> Call[NameObject]:
    """Deletes a VM and its disks. Fails with `busy` while the VM runs, unless `force` is true.

    - `vm`: A name, an id or a unique id prefix.
    - `force`: Deletes the VM even while it runs. The default is false.
    """
    return call("vm.delete", NameObject.from_json, {
        "vm": vm,
        "force": force,
    })


def vm_set(vm: str, *, name: str | None = None, vcpus: int | None = None,
           memory_bytes: int | None = None, disk_bytes: int | None = None,
           system_bytes: int | None = None, nat: bool | None = None, egress: str | None = None,
           allow: Sequence[str] | None = None, secrets: Sequence[str] | None = None,
           disk_iops: int | None = None, disk_bandwidth_bytes: int | None = None,
           net_bandwidth_bytes: int | None = None, pids: int | None = None,
           labels: Mapping[str, str] | None = None, publish: Sequence[str] | None = None,
           restart: Literal["no", "on-failure", "always"] | None = None,
           autostart: bool | None = None, secret_values: Mapping[str, str] | None = None) -> Call[VmObject]:
    """Changes a VM. The result also has `restart_needed`.

    - `vm`: A name, an id or a unique id prefix.
    - `name`: A new name.
    - `vcpus`: Virtual processors.
    - `memory_bytes`: Memory.
    - `disk_bytes`: The size of the work disk. A disk can only grow.
    - `system_bytes`: The size of the system disk. A disk can only grow.
    - `nat`: Whether the guest can reach hosts outside. On a bridge, the change takes effect at once.
    - `egress`: What the guest may reach outside: `open`, `none`, or the name of a policy of the config. Without
      it, a list `allow` turns `open` into `none`. On a bridge, the change takes effect at once.
    - `allow`: All hosts that the guest may reach all the same. Hosts that are not named go. On a bridge, the
      change takes effect at once.
    - `secrets`: All secrets. Secrets that are not named go. The change takes effect at once.
    - `disk_iops`: Limit of the operations a second of all disks together; 0: none. The change takes effect at
      once.
    - `disk_bandwidth_bytes`: Limit of the bytes a second of all disks together; 0: none. The change takes
      effect at once.
    - `net_bandwidth_bytes`: Limit of the bytes a second that the guest sends, and of those that it receives; 0:
      none. Needs a bridge. The change takes effect at once.
    - `pids`: Limit of the processes and threads of one command, session or login in the guest. 0: half of what
      the guest's kernel allows. The change takes effect at once.
    - `labels`: All labels by their keys. Labels that are not named go.
    - `publish`: All published ports. Ports that are not named go.
    - `restart`: When the VM starts again after its guest has ended by itself. `on-failure` means after a panic,
      and when the VMM ended. A guest that reboots always runs again.
    - `autostart`: Whether the VM is started, or resumed, whenever the daemon starts.
    - `secret_values`: The values of secrets by their names. They are kept in memory only, and never recorded. A
      secret without one has the value of its file or command in the config.
    """
    return call("vm.set", VmObject.from_json, {
        "vm": vm,
        "name": name,
        "vcpus": vcpus,
        "memory_bytes": memory_bytes,
        "disk_bytes": disk_bytes,
        "system_bytes": system_bytes,
        "nat": nat,
        "egress": egress,
        "allow": list(allow) if allow is not None else None,
        "secrets": list(secrets) if secrets is not None else None,
        "disk_iops": disk_iops,
        "disk_bandwidth_bytes": disk_bandwidth_bytes,
        "net_bandwidth_bytes": net_bandwidth_bytes,
        "pids": pids,
        "labels": dict(labels) if labels is not None else None,
        "publish": list(publish) if publish is not None else None,
        "restart": restart,
        "autostart": autostart,
        "secret_values": dict(secret_values) if secret_values is not None else None,
    })


def vm_list() -> Call[VmList]:
    """Lists all VMs."""
    return call("vm.list", VmList.from_json, {})


def vm_show(vm: str) -> Call[VmObject]:
    """Describes one VM.

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.show", VmObject.from_json, {
        "vm": vm,
    })


def vm_stats(vm: str, *, max_age_ms: int | None = None, timeout_ms: int | None = None) -> Call[StatisticsObject]:
    """Measures what a VM uses. Figures without the prefix `host_` come from the guest, and a guest can forge them.

    - `vm`: A name, an id or a unique id prefix.
    - `max_age_ms`: How old the guest's figures may be. By default, `stats_poll_interval`. From 0 to 86400000.
    - `timeout_ms`: How long the guest may take to answer. From 0 to 600000.
    """
    return call("vm.stats", StatisticsObject.from_json, {
        "vm": vm,
        "max_age_ms": max_age_ms,
        "timeout_ms": timeout_ms,
    })


def vm_events(*, vms: Sequence[str] | None = None, since_ms: int | None = None) -> Call[None]:
    """Follows what happens to VMs.

    The connection then is a stream: one event object a line. The stream ends when the daemon stops, and after
    the last event of VMs that were named and are deleted.

    - `vms`: Names, ids or unique id prefixes. By default, all VMs.
    - `since_ms`: Also sends the events of so many last milliseconds, as far as the daemon still has them. From
      0 to 31622400000.
    """
    return call("vm.events", nothing, {
        "vms": list(vms) if vms is not None else None,
        "since_ms": since_ms,
    })


def vm_exec(vm: str) -> Call[NameObject]:
    """Runs a command in the guest. The call itself starts nothing. The first frame is the spec of the command.

    The connection then is a stream: exec frames (see below).

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.exec", NameObject.from_json, {
        "vm": vm,
    })


def vm_put_files(vm: str, path: Text, *, keep_owner: bool | None = None,
                 replace_attributes: bool | None = None, follow_link: bool | None = None,
                 only: Text | None = None) -> Call[None]:
    """Unpacks a tar in the guest. A file is replaced in one step. A device, or a file with several hard links,
    gets the new content and stays what it is. The result names what the guest left out, such as devices.

    The connection then is a stream: the client sends the tar and shuts down its side. The daemon answers with
    one line of JSON, an upload result.

    - `vm`: A name, an id or a unique id prefix.
    - `path`: A directory in the guest, which must exist.
    - `keep_owner`: Whether owners are those in the tar. Otherwise root owns the files. The default is false.
    - `replace_attributes`: Whether a file that exists gets a new owner and mode, as a new file does. Otherwise
      it keeps its own. The default is false.
    - `follow_link`: What happens to a file at the top of the tar whose name is a symlink in the guest. The file
      is written through the symlink, or refused. The default is false.
    - `only`: The first component that every name in the tar must have. Another name ends the upload.
    """
    return call("vm.put_files", nothing, {
        "vm": vm,
        "path": byte_string(path),
        "keep_owner": keep_owner,
        "replace_attributes": replace_attributes,
        "follow_link": follow_link,
        "only": byte_string(only) if only is not None else None,
    })


def vm_get_files(vm: str, path: Text, *, name: Text | None = None,
                 follow_links: bool | None = None) -> Call[DownloadObject]:
    """Packs a path of the guest as a tar. Without `name`, the names of the entries start with the last component
    of `path`. A member with the extended attribute `banger.left_out` is not part of the copy, and the attribute
    has the reason. If the member before has the same name, its content is not whole.

    The connection then is a stream: the tar.

    - `vm`: A name, an id or a unique id prefix.
    - `path`: A path in the guest. With `/` or `/.` at its end, a symlink to a directory stands for the
      directory.
    - `name`: The first component of the names in the tar, or `.` for none.
    - `follow_links`: Whether the tar has what symlinks lead to, instead of the symlinks. The default is false.
    """
    return call("vm.get_files", DownloadObject.from_json, {
        "vm": vm,
        "path": byte_string(path),
        "name": byte_string(name) if name is not None else None,
        "follow_links": follow_links,
    })


def vm_stat_file(vm: str, path: Text) -> Call[FileObject]:
    """Describes a path of the guest.

    - `vm`: A name, an id or a unique id prefix.
    - `path`: A path in the guest.
    """
    return call("vm.stat_file", FileObject.from_json, {
        "vm": vm,
        "path": byte_string(path),
    })


def vm_sync(vm: str, *, dry_run: bool | None = None) -> Call[SyncResult]:
    """Brings the files of the config's `[[file_sync]]` into a running guest. VMs get these files when they are
    created or started anyway. A file is replaced in one step. Fails with `invalid` if the config has no such
    entries.

    - `vm`: A name, an id or a unique id prefix.
    - `dry_run`: Only lists what would travel. The VM then need not run. The default is false.
    """
    return call("vm.sync", SyncResult.from_json, {
        "vm": vm,
        "dry_run": dry_run,
    })


def vm_report_tree(vm: str, path: Text, *, confirm: bool | None = None, changes: bool | None = None) -> Call[None]:
    """Tells what has changed in a workspace of the guest. A workspace is a git checkout that `banger vm workspace
    prepare` has brought. The report has the record of the last prepare, the references, and the files that
    differ from the record. `src/workspace/tree_report.h` has its form, which may change with each version.

    The connection then is a stream: the client sends names of files, with a zero byte after each, or nothing,
    and shuts down its side. The guest's agent answers.

    - `vm`: A name, an id or a unique id prefix.
    - `path`: An absolute path in the guest.
    - `confirm`: Whether an upload to that path has just ended. The answer is empty then, and the next report is
      fast. The default is false.
    - `changes`: Whether the answer is a tar of the tree, without the files that the client names. The default
      is false.
    """
    return call("vm.report_tree", nothing, {
        "vm": vm,
        "path": byte_string(path),
        "confirm": confirm,
        "changes": changes,
    })


def vm_logs(vm: str, *, source: Literal["console", "machine"] | None = None,
            follow: bool | None = None, tail_bytes: int | None = None, tail_lines: int | None = None) -> Call[None]:
    """Reads a log of the VM.

    The connection then is a stream: the bytes of the log. With `follow`, the stream ends when the VM stops or
    the client closes it.

    - `vm`: A name, an id or a unique id prefix.
    - `source`: The guest's console, or the output of the VMM. The default is "console".
    - `follow`: Sends what is written later too, until the VM stops. The default is false.
    - `tail_bytes`: How much of the log's end is sent, without the beginning of a line that is cut. The default
      is 1048576.
    - `tail_lines`: The same in lines, instead of `tail_bytes`.
    """
    return call("vm.logs", nothing, {
        "vm": vm,
        "source": source,
        "follow": follow,
        "tail_bytes": tail_bytes,
        "tail_lines": tail_lines,
    })


def vm_session_start(vm: str, *, name: str | None = None, argv: Sequence[str] | None = None,
                     env: Mapping[str, str] | None = None, cwd: Text | None = None,
                     user: str | None = None,
                     stdin_mode: Literal["pipe", "pty", "none"] | None = None,
                     require: Sequence[str] | None = None, main: bool | None = None,
                     rows: int | None = None, cols: int | None = None,
                     term: str | None = None) -> Call[SessionObject]:
    """Starts a session. Answers when the command runs. A command that cannot run fails the call with `invalid`,
    and the session is kept with the reason. `exists`: a live session has the name.

    - `vm`: A name, an id or a unique id prefix.
    - `name`: The name. By default, banger makes one up.
    - `argv`: The command. By default, the user's login shell, or with `main` the words of the image.
    - `env`: Variables besides those of the guest.
    - `cwd`: The directory, which must exist. By default, that of `vm.exec`.
    - `user`: The user, or USER:GROUP. By default, the image's choice, or root.
    - `stdin_mode`: The standard input. With `pty` the command has a terminal. The default is "pipe".
    - `require`: Commands that the guest must have.
    - `main`: Runs the main command of the image. `argv` replaces its last words. The default is false.
    - `rows`: Of the terminal. The default is 24. From 0 to 65535.
    - `cols`: Of the terminal. The default is 80. From 0 to 65535.
    - `term`: TERM of the terminal. The default is "xterm-256color".
    """
    return call("vm.session.start", SessionObject.from_json, {
        "vm": vm,
        "name": name,
        "argv": list(argv) if argv is not None else None,
        "env": dict(env) if env is not None else None,
        "cwd": byte_string(cwd) if cwd is not None else None,
        "user": user,
        "stdin_mode": stdin_mode,
        "require": list(require) if require is not None else None,
        "main": main,
        "rows": rows,
        "cols": cols,
        "term": term,
    })


def vm_session_list(vm: str) -> Call[SessionList]:
    """Lists the sessions of a VM.

    - `vm`: A name, an id or a unique id prefix.
    """
    return call("vm.session.list", SessionList.from_json, {
        "vm": vm,
    })


def vm_session_show(vm: str, session: str) -> Call[SessionObject]:
    """Describes one session.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    """
    return call("vm.session.show", SessionObject.from_json, {
        "vm": vm,
        "session": session,
    })


def vm_session_logs(vm: str, session: str, *,
                    stream: Literal["stdout", "stderr"] | None = None,
                    follow: bool | None = None, since_ms: int | None = None) -> Call[SessionObject]:
    """Reads what a session has printed.

    The connection then is a stream: `stdio_mux_v1` (see below).

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `stream`: Only this output. By default, both.
    - `follow`: Sends what is written later too, until the session ends. The default is false.
    - `since_ms`: Leaves out what was written before this unix time in milliseconds. The default is 0.
    """
    return call("vm.session.logs", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "stream": stream,
        "follow": follow,
        "since_ms": since_ms,
    })


def vm_session_attach(vm: str, session: str, *, read_only: bool | None = None,
                      steal: bool | None = None, scrollback_bytes: int | None = None) -> Call[SessionObject]:
    """Connects to a live session. Sends the end of the log, and then what is new, without a gap. The session goes
    on when the client closes its end. `busy`: another client writes.

    The connection then is a stream: `stdio_mux_v1` (see below).

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `read_only`: Only reads. Any number of clients may. The default is false.
    - `steal`: Takes the session over from another client that writes. That client gets *failed*. The default is
      false.
    - `scrollback_bytes`: How much of the end of the log is sent first. The default is 65536. From 0 to
      16777216.
    """
    return call("vm.session.attach", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "read_only": read_only,
        "steal": steal,
        "scrollback_bytes": scrollback_bytes,
    })


def vm_session_send(vm: str, session: str, *, data: str | None = None,
                    close: bool | None = None) -> Call[SessionObject]:
    """Sends input to a session. Answers when the input waits for the command.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `data`: The bytes in base64, at most 512 KiB of them. The default is "".
    - `close`: Ends the input after the bytes. The default is false.
    """
    return call("vm.session.send", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "data": data,
        "close": close,
    })


def vm_session_signal(vm: str, session: str, signal: int) -> Call[SessionObject]:
    """Sends a signal to a session.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `signal`: The number. On a terminal, the foreground gets the signal. From 1 to 64.
    """
    return call("vm.session.signal", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "signal": signal,
    })


def vm_session_resize(vm: str, session: str, rows: int, cols: int) -> Call[SessionObject]:
    """Changes the size of the terminal of a session.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `rows`: Of the terminal. From 0 to 65535.
    - `cols`: Of the terminal. From 0 to 65535.
    """
    return call("vm.session.resize", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "rows": rows,
        "cols": cols,
    })


def vm_session_stop(vm: str, session: str, *, timeout_ms: int | None = None) -> Call[SessionObject]:
    """Ends a session with SIGTERM, and with SIGKILL after a time.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    - `timeout_ms`: How long the command may take after SIGTERM, before SIGKILL. The default is 10000. From 0 to
      3600000.
    """
    return call("vm.session.stop", SessionObject.from_json, {
        "vm": vm,
        "session": session,
        "timeout_ms": timeout_ms,
    })


def vm_session_kill(vm: str, session: str) -> Call[SessionObject]:
    """Ends a session with SIGKILL.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    """
    return call("vm.session.kill", SessionObject.from_json, {
        "vm": vm,
        "session": session,
    })


def vm_session_delete(vm: str, session: str) -> Call[SessionObject]:
    """Deletes an ended session and its log. Fails with `busy` while the session lives.

    - `vm`: A name, an id or a unique id prefix.
    - `session`: A name or an id. Of several sessions with the name, the live one or the latest.
    """
    return call("vm.session.delete", SessionObject.from_json, {
        "vm": vm,
        "session": session,
    })


def vm_ports(vm: str, *, probe: bool | None = None, timeout_ms: int | None = None) -> Call[PortList]:
    """Lists what the guest listens on.

    - `vm`: A name, an id or a unique id prefix.
    - `probe`: Connects to each TCP port to learn whether the port speaks HTTP. The default is true.
    - `timeout_ms`: How long the guest may take to list its ports. From 0 to 600000.
    """
    return call("vm.ports", PortList.from_json, {
        "vm": vm,
        "probe": probe,
        "timeout_ms": timeout_ms,
    })


def vm_tunnel(vm: str, port: int, *, host: str | None = None, chunks: bool | None = None) -> Call[NameObject]:
    """Connects to a port from inside the guest.

    The connection then is a stream: the TCP connection. Each direction ends by itself.

    - `vm`: A name, an id or a unique id prefix.
    - `port`: A TCP port. From 1 to 65535.
    - `host`: A name or an address, as the guest sees it. The default is "localhost".
    - `chunks`: Sends the guest's bytes in chunks: 4 bytes of length (big endian), then bytes. 0 is the end. The
      default is false.
    """
    return call("vm.tunnel", NameObject.from_json, {
        "vm": vm,
        "port": port,
        "host": host,
        "chunks": chunks,
    })


def vm_egress(vm: str, *, since: int | None = None) -> Call[EgressLog]:
    """Lists what a guest with an egress policy reached and tried to reach. Fails with `invalid` for a VM whose
    policy is `open` without hosts, because nothing is recorded then.

    - `vm`: A name, an id or a unique id prefix.
    - `since`: Only rows that changed after the row with this `sequence`. The default is 0.
    """
    return call("vm.egress", EgressLog.from_json, {
        "vm": vm,
        "since": since,
    })


def vm_ssh(vm: str, *, port: int | None = None) -> Call[SshObject]:
    """Prepares a connection of ssh to a VM. Waits until the guest has booted, and writes the VM's host key to
    banger's known_hosts. The caller then connects with `vm.tunnel`. The files of ssh are described in
    `docs/ssh.md`.

    - `vm`: A name, an id or a unique id prefix.
    - `port`: The server's TCP port. The default is 22. From 1 to 65535.
    """
    return call("vm.ssh", SshObject.from_json, {
        "vm": vm,
        "port": port,
    })


def vm_snapshot_create(vm: str, *, name: str | None = None) -> Call[SnapshotObject]:
    """Makes a snapshot of a VM. A running VM goes on, and a suspended VM stays suspended.

    - `vm`: A name, an id or a unique id prefix.
    - `name`: The name. By default, banger makes one up.
    """
    return call("vm.snapshot.create", SnapshotObject.from_json, {
        "vm": vm,
        "name": name,
    })


def vm_snapshot_list(*, vm: str | None = None) -> Call[SnapshotList]:
    """Lists snapshots.

    - `vm`: Only snapshots of this VM: a name, an id or a unique id prefix.
    """
    return call("vm.snapshot.list", SnapshotList.from_json, {
        "vm": vm,
    })


def vm_snapshot_restore(vm: str, snapshot: str, *, force: bool | None = None) -> Call[VmObject]:
    """Returns a VM to the state of a snapshot. Replaces the VM's disks by those of the snapshot: all of them, or
    none after a failure or a crash. Fails with `busy` while the VM runs or is suspended, unless `force` is
    true, and with `invalid` for a snapshot of another VM. The VM runs afterwards if the snapshot has memory;
    otherwise the VM is stopped.

    - `vm`: A name, an id or a unique id prefix.
    - `snapshot`: A name or an id.
    - `force`: Ends the machine first if the VM runs. Also restores a suspended VM, whose memory is then lost.
      The default is false.
    """
    return call("vm.snapshot.restore", VmObject.from_json, {
        "vm": vm,
        "snapshot": snapshot,
        "force": force,
    })


def vm_snapshot_delete(snapshot: str) -> Call[NameObject]:
    """Deletes a snapshot. Fails with `busy` while a VM runs on the snapshot's memory.

    - `snapshot`: A name or an id.
    """
    return call("vm.snapshot.delete", NameObject.from_json, {
        "snapshot": snapshot,
    })


def template_list() -> Call[TemplateList]:
    """Lists the templates and the ready pool."""
    return call("template.list", TemplateList.from_json, {})


def template_build(*, image: str | None = None, kernel: str | None = None,
                   vcpus: int | None = None, memory_bytes: int | None = None,
                   rebuild: bool | None = None) -> Call[TemplateObject]:
    """Gives the template for an image, a kernel and a size. If there is no such template, one is made. A build
    that failed before is tried again.

    - `image`: The name or id of the image. The default is that of `host.defaults`.
    - `kernel`: The name of the kernel. By default, the image's own choice.
    - `vcpus`: Virtual processors. The default is that of `host.defaults`.
    - `memory_bytes`: Memory. The default is that of `host.defaults`.
    - `rebuild`: Makes a new template in any case. The default is false.
    """
    return call("template.build", TemplateObject.from_json, {
        "image": image,
        "kernel": kernel,
        "vcpus": vcpus,
        "memory_bytes": memory_bytes,
        "rebuild": rebuild,
    })


def template_delete(*, template: str | None = None, all: bool | None = None) -> Call[DeletionResult]:
    """Deletes templates. VMs that run on a template go on.

    - `template`: An id or a unique id prefix. Required unless `all` is true.
    - `all`: Deletes all templates. The default is false.
    """
    return call("template.delete", DeletionResult.from_json, {
        "template": template,
        "all": all,
    })


def catalog_show() -> Call[CatalogObject]:
    """Reads the catalog of images and kernels. A catalog behind a URL is fetched anew."""
    return call("catalog.show", CatalogObject.from_json, {})


def image_list() -> Call[ImageList]:
    """Lists images and recipes."""
    return call("image.list", ImageList.from_json, {})


def image_show(image: str) -> Call[ImageObject]:
    """Describes one image.

    - `image`: A name or an id.
    """
    return call("image.show", ImageObject.from_json, {
        "image": image,
    })


def image_build(name: str) -> Call[ImageObject]:
    """Builds an image from a recipe. An older image of that name is removed. If a VM was made from the older
    image, the image only loses its name.

    - `name`: The name of a recipe.
    """
    return call("image.build", ImageObject.from_json, {
        "name": name,
    })


def image_import_bundle(bundle: str, *, name: str | None = None) -> Call[ImageObject]:
    """Makes an image from a bundle. 'banger image export' writes bundles. A bundle that does not match its
    manifest is refused.

    - `bundle`: The bundle, on the host.
    - `name`: The name of the new image; by default that of the bundle.
    """
    return call("image.import_bundle", ImageObject.from_json, {
        "bundle": bundle,
        "name": name,
    })


def image_build_from_vm(vm: str, name: str) -> Call[GuestImageObject]:
    """Makes an image from the files of a running VM. The VM keeps running. An older image of that name is treated
    as by `image.build`. The image gets the VM's files, with `/root`, and neither its machine id, host keys,
    authorised keys nor variables.

    - `vm`: The name or the id of a running VM.
    - `name`: The name of the new image.
    """
    return call("image.build_from_vm", GuestImageObject.from_json, {
        "vm": vm,
        "name": name,
    })


def image_build_from_layout(layout: str, name: str, *, kernel: str | None = None) -> Call[ImageObject]:
    """Makes an image from an OCI layout, as buildah and skopeo write it. The layout has one image for linux/amd64.
    Layers that it lacks are taken from images that are here. An older image of that name is treated as by
    `image.build`.

    - `layout`: A tar of the OCI layout, on the host.
    - `name`: The name of the new image: a plain one, or a reference.
    - `kernel`: The name of the kernel that the image asks for. The default is "debian-cloud".
    """
    return call("image.build_from_layout", ImageObject.from_json, {
        "layout": layout,
        "name": name,
        "kernel": kernel,
    })


def image_register(name: str, rootfs: str, *, kernel: str | None = None) -> Call[ImageObject]:
    """Makes an image that uses a file of the host. The file stays where it is, and is never changed or deleted.
    VMs of the image do not start while the file is missing, or after its size or its time has changed.

    - `name`: The name of the new image.
    - `rootfs`: An ext4 file system in a file, on the host.
    - `kernel`: The name of the kernel that the image asks for. The default is "debian-cloud".
    """
    return call("image.register", ImageObject.from_json, {
        "name": name,
        "rootfs": rootfs,
        "kernel": kernel,
    })


def image_promote(image: str) -> Call[ImageObject]:
    """Copies the file of a registered image into the store. The image needs the host's file no more. Does nothing
    for other images.

    - `image`: A name or an id.
    """
    return call("image.promote", ImageObject.from_json, {
        "image": image,
    })


def image_import(name: str, tar: str, *, kernel: str | None = None, config: str | None = None) -> Call[ImageObject]:
    """Makes an image from a tar.

    - `name`: The name of the new image.
    - `tar`: The tar of a root file system, on the host.
    - `kernel`: The name of the kernel that the image asks for. The default is "debian-cloud".
    - `config`: How programs of the image want to run: the text of an OCI image configuration, or of its object
      `config`.
    """
    return call("image.import", ImageObject.from_json, {
        "name": name,
        "tar": tar,
        "kernel": kernel,
        "config": config,
    })


def image_pull(reference: str, *, force: bool | None = None) -> Call[PullObject]:
    """Pulls an image of the catalog, or from a registry. An image of the catalog gets the catalog's name, another
    one its full reference. An older image loses this name, and is removed if it has no other name and no VM was
    made from it. The sources of an entry are tried in their order. Each failure is a progress report with the
    stage `warning`.

    - `reference`: What to pull: a name of the catalog, or else `python:3.12`, `host:5000/a/b@sha256:…`.
    - `force`: Makes the image anew, even if it is here, and checks the cached layers first. The default is
      false.
    """
    return call("image.pull", PullObject.from_json, {
        "reference": reference,
        "force": force,
    })


def image_push(image: str, reference: str) -> Call[PushObject]:
    """Pushes an image into a registry. A pulled image keeps its manifest and layers, and thus its digest. An image
    from one of its VMs has these layers, and one with what is different. Another image becomes one layer.

    - `image`: A name or an id.
    - `reference`: Where to: `host:5000/team/app:tag`.
    """
    return call("image.push", PushObject.from_json, {
        "image": image,
        "reference": reference,
    })


def image_prune() -> Call[PruneObject]:
    """Removes layers that no image needs. Unfinished downloads are removed too. The layers of running pulls are
    kept."""
    return call("image.prune", PruneObject.from_json, {})


def image_tag(image: str, name: str) -> Call[ImageObject]:
    """Gives an image one more name. If another image has the name, that image loses it.

    - `image`: A name or an id.
    - `name`: The new name: a plain one, or a reference.
    """
    return call("image.tag", ImageObject.from_json, {
        "image": image,
        "name": name,
    })


def image_inspect(image: str) -> Call[InspectObject]:
    """Returns the OCI configuration of a pulled image.

    - `image`: A name or an id.
    """
    return call("image.inspect", InspectObject.from_json, {
        "image": image,
    })


def image_delete(image: str) -> Call[NameObject]:
    """Deletes an image. If the image has several names and one of them is given, only this name is taken away.
    Otherwise fails with `busy` while a VM uses the image. The error names the VM. The file of a registered
    image stays.

    - `image`: A name or an id.
    """
    return call("image.delete", NameObject.from_json, {
        "image": image,
    })


def kernel_list() -> Call[KernelList]:
    """Lists kernels."""
    return call("kernel.list", KernelList.from_json, {})


def kernel_show(kernel: str) -> Call[KernelObject]:
    """Describes one kernel.

    - `kernel`: A name.
    """
    return call("kernel.show", KernelObject.from_json, {
        "kernel": kernel,
    })


def kernel_pull(name: str) -> Call[KernelObject]:
    """Downloads a kernel of the catalog. An older kernel of that name is replaced. Failed sources are reported as
    by `image.pull`.

    - `name`: A name of the catalog.
    """
    return call("kernel.pull", KernelObject.from_json, {
        "name": name,
    })


def kernel_import_bundle(bundle: str, *, name: str | None = None) -> Call[KernelObject]:
    """Makes a kernel from a bundle. 'banger kernel export' writes bundles. A bundle that does not match its
    manifest is refused.

    - `bundle`: The bundle, on the host.
    - `name`: The name of the new kernel; by default that of the bundle.
    """
    return call("kernel.import_bundle", KernelObject.from_json, {
        "bundle": bundle,
        "name": name,
    })


def kernel_import(name: str, vmlinux: str, *, modules: str | None = None,
                  initrd: str | None = None) -> Call[KernelObject]:
    """Stores a kernel that is on the host.

    - `name`: The name of the new kernel.
    - `vmlinux`: The kernel's file, on the host.
    - `modules`: The directory of the modules, on the host.
    - `initrd`: An initrd, on the host.
    """
    return call("kernel.import", KernelObject.from_json, {
        "name": name,
        "vmlinux": vmlinux,
        "modules": modules,
        "initrd": initrd,
    })


def kernel_delete(kernel: str) -> Call[KernelName]:
    """Deletes a kernel. Fails with `busy` while a VM uses the kernel. The error names the VM.

    - `kernel`: A name.
    """
    return call("kernel.delete", KernelName.from_json, {
        "kernel": kernel,
    })
