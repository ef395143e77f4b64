"""Connections whose end deletes a VM. A fork of this process must not keep them open."""
from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Lease(Protocol):
    def close(self) -> None: ...


_held: WeakSet[Lease] = WeakSet()


def hold(lease: Lease) -> None:
    _held.add(lease)


def _close_all() -> None:
    for lease in list(_held):
        lease.close()


os.register_at_fork(after_in_child=_close_all)
