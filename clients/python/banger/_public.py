"""What `banger` and `banger.aio` both have."""
from ._command import Chunk
from ._completed import Completed
from ._errors import (Busy, Cancelled, CommandFailed, CommandTimeout, Corrupt, Denied, Error, Exhausted, Exists,
                      Internal, Invalid, NotFound, NotStarted, Timeout, Unavailable, Unsupported)
from ._frames import Terminal
from ._options import VmOptions
from ._protocol import Progress
from ._record import Call
from ._tar import Entry

__all__ = [
    "Busy",
    "Call",
    "Cancelled",
    "Chunk",
    "CommandFailed",
    "CommandTimeout",
    "Completed",
    "Corrupt",
    "Denied",
    "Entry",
    "Error",
    "Exhausted",
    "Exists",
    "Internal",
    "Invalid",
    "NotFound",
    "NotStarted",
    "Progress",
    "Terminal",
    "Timeout",
    "Unavailable",
    "Unsupported",
    "VmOptions",
]
