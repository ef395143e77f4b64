"""A web server of one directory on a loopback port. It knows ranges, and misbehaves on request."""
import re
import threading

from registry import Handler, Server


class FileHandler(Handler):
    def do_GET(self):
        owner = self.server.owner
        name = self.path.lstrip("/")
        range_header = self.headers.get("Range")
        owner.asked.append((name, range_header))
        path = owner.directory / name
        if name in owner.broken or not path.is_file():
            return self.answer(404, b"missing")
        content = path.read_bytes()
        start = int(re.fullmatch(r"bytes=(\d+)-", range_header)[1]) if range_header else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop_at = owner.stalls.pop(name, len(content))
        self.wfile.write(content[start:stop_at])
        self.wfile.flush()
        if stop_at < len(content):
            owner.closed.wait()
            self.close_connection = True


class FileServer(Server):
    """`asked` has the names and the ranges of all requests. A name in `broken` does not exist. A name in `stalls` stops
    once after so many bytes."""

    def __init__(self, directory):
        self.directory, self.asked, self.broken, self.stalls = directory, [], set(), {}
        self.closed = threading.Event()
        super().__init__(FileHandler)

    def close(self):
        self.closed.set()
        super().close()
