"""Bounds of the client, each with its reason. Those of the daemon are in `_types.py`."""

MIB = 1024 * 1024

READ_BYTES = 256 * 1024
"""One read of a socket."""
PENDING_BYTES = 16 * MIB
"""Output that is held while its reader writes input. More means that the reader reads too late."""
OUTPUT_BYTES = 64 * MIB
"""What `run` collects of one output by default."""
FILE_BYTES = 256 * MIB
"""What `files.read` reads by default."""
LINE_BYTES = MIB
"""The longest line that `lines()` gives. Longer ones are cut."""
LIST_BYTES = 32 * MIB
"""The output of a command that lists a directory."""

START_SECONDS = 30.0
"""How long a guest may take until a command runs, as for `banger vm exec`."""
DAEMON_SECONDS = 60.0
"""How long the start of the daemon may take."""
CONNECT_SECONDS = 5.0
"""How long a busy daemon may take to accept a connection."""
CONNECT_PAUSE_SECONDS = 0.005
"""The pause before another try to connect."""
DELETE_SECONDS = 120.0
"""How long the end of a `with` block waits for the deletion of its VM."""
