"""A TLS server of a test that records whole requests, with certificates of the test's CA or of none."""
import json
import ssl
import subprocess
import threading

from internet import TcpServer, Web, inside

PORT = 443


class Api(Web):
    """Records each request. Answers with nothing that was in it, except below /echo: with the request's headers."""

    def setup(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append({"host": self.headers.get("Host"), "path": self.path, "body": body.decode(),
                                     "headers": {name.lower(): value for name, value in self.headers.items()}})
        answer = dict(self.headers.items()) if self.path.startswith("/echo") else {"ok": True}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_GET


class ApiServer(TcpServer):
    def __init__(self, address, internet, context):
        self.context, self.requests = context, []
        super().__init__(address, Api, internet)


def certificate(internet, name, names, trusted=True):
    """Makes a server's certificate for the names. Returns the TLS context with it."""
    place = internet.place
    key, pem = place / f"{name}.key", place / f"{name}.pem"
    by_ca = ["-CA", place / "ca.pem", "-CAkey", place / "ca.key"] if trusted else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-keyout", key, "-out", pem, "-subj", f"/CN={name}", *by_ca, "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{each}" for each in names), "-addext",
                    "basicConstraints=critical,CA:false"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context


def serve(internet, address, name, names, trusted=True):
    """Serves the names at that address until the test ends the server."""
    server = inside(internet.net.outside, ApiServer, (address, PORT), internet,
                    certificate(internet, name, names, trusted))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
