"""A daemon that follows docs/rpc.md on a Unix socket, for tests without guests."""
import json
import os
import pathlib
import socket
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from banger._frames import FrameDecoder, FrameType, encode_frame  # noqa: E402

VM = {"id": "vm1", "name": "web", "state": "running"}


class Peer:
    """One connection. Answers are functions of (peer, params), and `methods` has them by name."""

    def __init__(self, daemon, sock):
        self.daemon, self.sock, self.lines = daemon, sock, sock.makefile("rb")

    def send(self, message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def serve(self):
        try:
            for line in self.lines:
                call = json.loads(line)
                self.number = call["id"]
                self.daemon.calls.append((call["method"], call["params"]))
                answer = self.daemon.methods.get(call["method"])
                if answer is None:
                    self.fail("invalid", f"there is no method '{call['method']}'", number=-32601)
                elif callable(answer):
                    answer(self, call["params"])
                else:
                    self.result(answer)
        except (OSError, ValueError):
            pass
        finally:
            self.daemon.ended.append(self)
            self.close()

    def result(self, value):
        self.send({"jsonrpc": "2.0", "id": self.number, "result": value})

    def fail(self, code, message, hint="", number=-32000):
        self.send({"jsonrpc": "2.0", "id": self.number,
                   "error": {"code": number, "message": message, "data": {"code": code, "hint": hint}}})

    def progress(self, stage, percent=-1):
        about = {"id": self.number, "stage": stage, "detail": "", "percent": percent}
        self.send({"method": "progress", "params": about})

    def frame(self, kind, payload=b""):
        self.sock.sendall(encode_frame(kind, payload))

    def frames(self):
        """Yields the frames of the client, until it closes its end."""
        decoder = FrameDecoder()
        while data := self.read():
            decoder.feed(data)
            while frame := decoder.next():
                yield frame

    def read(self):
        try:
            return self.lines.read1(65536)
        except ConnectionResetError:  # the client has closed with unread bytes
            return b""

    def spec(self, frames):
        """The spec of a command, from the first frames."""
        text = b""
        for kind, payload in frames:
            text += payload
            if kind is FrameType.SPEC:
                return json.loads(text)
        raise ValueError("no spec")

    def exit(self, code=0):
        self.frame(FrameType.EXIT, json.dumps({"code": code} if code >= 0 else {"signal": -code}).encode())

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.lines.close()
        self.sock.close()


def stream(run):
    """An answer of vm.exec: `run` gets the peer, the spec and the frames after it."""
    def answer(peer, _params):
        peer.result({"id": "vm1", "name": "web"})
        frames = peer.frames()
        run(peer, peer.spec(frames), frames)
        peer.close()
    return answer


class FakeDaemon:
    def __init__(self):
        self.methods = {"vm.create": VM, "vm.show": VM, "vm.delete": {"id": "vm1", "name": "web"}}
        self.calls, self.ended = [], []
        self._folder = tempfile.TemporaryDirectory(prefix="banger-fake-")
        self.path = os.path.join(self._folder.name, "bangerd.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Peer(self, sock).serve, daemon=True).start()

    def methods_called(self):
        return [method for method, _ in self.calls]

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._folder.cleanup()
