"""The objects that the daemon describes: VMs, sessions, ports, events and so on. See docs/rpc.md."""
from ._types import *  # noqa: F403
