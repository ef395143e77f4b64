"""Workspaces: git checkouts of this host in a VM. The program banger does the work (docs/workspace.md)."""
from __future__ import annotations

import json
import typing
from collections.abc import Sequence
from typing import Any

from .._errors import Corrupt
from .._values import Text, raw

if typing.TYPE_CHECKING:
    from ._vm import Vm

Mode = typing.Literal["shallow_overlay", "full_copy", "metadata_only"]


class Workspace:
    """A git checkout in a VM, at /root/repo or at `guest_path`."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    async def prepare(self, path: Text = ".", *, branch: str | None = None, from_revision: str | None = None,
                      mode: Mode | None = None, include_untracked: bool = False, readonly: bool = False,
                      guest_path: Text | None = None, timeout: float | None = None) -> None:
        """Brings the checkout around `path` into the VM. Again, it sends what has changed since."""
        options = _options({"--branch": branch, "--from": from_revision, "--mode": mode, "--guest-path": guest_path})
        options += [b"--include-untracked"] * include_untracked + [b"--readonly"] * readonly
        await self._program("prepare", options, path, timeout)

    async def export(self, *, base_commit: str | None = None, paths: Sequence[Text] = (),
                     guest_path: Text | None = None, timeout: float | None = None) -> bytes:
        """The changes of the guest as a patch for `git apply --index`."""
        options = _options({"--base-commit": base_commit, "--guest-path": guest_path, "--output": "-"})
        return await self._program("export", options + _each("--path", paths), None, timeout)

    async def apply(self, checkout: Text = ".", *, base_commit: str | None = None, paths: Sequence[Text] = (),
                    guest_path: Text | None = None, timeout: float | None = None) -> None:
        """Applies the changes of the guest to a checkout of this host, wholly or not at all."""
        options = _options({"--base-commit": base_commit, "--guest-path": guest_path}) + _each("--path", paths)
        await self._program("export", [*options, b"--apply"], checkout, timeout)

    async def diff(self, *, base_commit: str | None = None, paths: Sequence[Text] = (),
                   guest_path: Text | None = None, timeout: float | None = None) -> str:
        """The same changes as text for people."""
        options = _options({"--base-commit": base_commit, "--guest-path": guest_path}) + _each("--path", paths)
        return (await self._program("diff", options, None, timeout)).decode(errors="replace")

    async def status(self, path: Text = ".", *, guest_path: Text | None = None,
                     timeout: float | None = None) -> dict[str, Any]:
        """Whether guest and checkout have moved apart: `base`, `guest`, `host`, `conflicts` and `advice`."""
        options = [*_options({"--guest-path": guest_path}), b"--json"]
        output = await self._program("status", options, path, timeout)
        try:
            found = json.loads(output)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Corrupt("the program banger did not print JSON")
        return found

    async def _program(self, command: str, options: Sequence[bytes], path: Text | None,
                       timeout: float | None) -> bytes:
        ends = [self._vm.id.encode()] + ([] if path is None else [raw(path)])
        return await self._vm.client.program([b"-v", b"vm", b"workspace", command, *options, b"--", *ends], timeout)


def _options(values: dict[str, Text | None]) -> list[bytes]:
    return [word for name, value in values.items() if value is not None for word in (name.encode(), raw(value))]


def _each(name: str, values: Sequence[Text]) -> list[bytes]:
    return [word for value in values for word in (name.encode(), raw(value))]
