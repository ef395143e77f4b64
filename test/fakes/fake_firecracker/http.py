"""An HTTP server like Firecracker's, according to Firecracker's documents and reports of users. It has one thread,
handles one request at a time, allows few connections and short lines, and its answers have an unusual form."""
import os
import selectors
import socket

CONNECTIONS = 10
LINE = 1024
BODY = 51200


class Refused(Exception):
    """A request that cannot be parsed. It gets an answer in a different form, and the connection is closed."""


def answer(status, body=""):
    # Firecracker sends an empty reason phrase.
    head = f"HTTP/1.1 {status} \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n"
    if status == 204:
        return (head + "\r\n").encode()
    return (head + f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}").encode()


def unparsable(why):
    # This is not valid JSON, because the string contains a line break.
    return answer(400, '{ "error": "' + why + '\nAll previous unanswered requests will be dropped." }')


class Request:
    def __init__(self, method, path, body):
        self.method, self.path, self.body = method, path, body


class Connection:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b""


    def head(self):
        """Returns ([request line, header, …], rest), or None if the head is incomplete."""
        lines, rest = [], self.buffer
        while True:
            end = rest.find(b"\r\n")
            if (end if end >= 0 else len(rest)) > LINE:
                raise Refused("Request line or header is too long.")
            if end < 0:
                return None
            line, rest = rest[:end], rest[end + 2:]
            if not line:
                return lines, rest
            lines.append(line.decode("latin-1"))

    def request(self):
        """Returns the next complete request, or None."""
        parsed = self.head()
        if parsed is None:
            return None
        lines, rest = parsed
        words = lines[0].split(" ") if lines else []
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
            raise Refused("Invalid request line.")
        method, path, _ = words
        if method not in ("GET", "PUT", "PATCH", "DELETE"):
            raise Refused("Unsupported HTTP method.")
        length = 0
        for header in lines[1:]:
            name, colon, value = header.partition(":")
            if not colon:
                raise Refused("Invalid header.")
            # Chunked bodies are not supported. Their content is parsed as an invalid request.
            if name.lower() == "content-length":
                if not value.strip().isdigit():
                    raise Refused("Invalid Content-Length.")
                length = int(value)
        if length > BODY:
            raise Refused(f"Request payload with size {length} is larger than the limit of {BODY} allowed by server.")
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return Request(method, path, rest[:length].decode("utf-8", "replace"))


class Server:
    def __init__(self, path, handle, answered):
        """`handle` returns the answer to a request. `answered` is called after the answer has been sent."""
        self.handle, self.answered, self.connections = handle, answered, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)  # fails if the path exists; Firecracker does not remove it either
        self.listener.listen(16)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)

    def drop(self, connection):
        self.connections.remove(connection)
        self.selector.unregister(connection.sock)
        connection.sock.close()

    def accept(self):
        sock, _ = self.listener.accept()
        if len(self.connections) >= CONNECTIONS:
            sock.sendall(answer(503, '{ "error": "Too many open connections" }'))
            sock.close()
            return
        connection = Connection(sock)
        self.connections.append(connection)
        self.selector.register(sock, selectors.EVENT_READ, connection)

    def serve(self, connection):
        try:
            data = connection.sock.recv(65536)
            if not data:
                return self.drop(connection)
            connection.buffer += data
            while (request := connection.request()) is not None:
                status, body, then = self.handle(request)
                connection.sock.sendall(answer(status, body))
                if then is not None:
                    os._exit(then)
                self.answered()
        except Refused as why:
            connection.sock.sendall(unparsable(str(why)))
            self.drop(connection)
        except OSError:
            self.drop(connection)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.serve(key.data)
