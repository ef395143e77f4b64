"""Container registries for stories: Debian's docker-registry on a loopback port, and a token server for it. A proxy in
front of it misbehaves on request. Images are made with umoci from a busybox root, and copied with skopeo."""
import base64
import collections
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

from harness import wait_until

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"


def run(*words, **kwargs):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def missing_tools():
    return [name for name in ("docker-registry", "skopeo", "umoci", "htpasswd", "openssl") if not shutil.which(name)]


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def descriptor(media_type, content):
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


class Certificate:
    """A CA and a certificate of 127.0.0.1, localhost and more names that the CA has signed."""

    def __init__(self, root, *names):
        self.authority, self.file, self.key = root / "ca.crt", root / "server.crt", root / "server.key"
        quiet = ("-nodes", "-newkey", "rsa:2048", "-days", "30")
        run("openssl", "req", "-x509", *quiet, "-keyout", root / "ca.key", "-out", self.authority, "-subj",
            "/CN=test CA")
        run("openssl", "req", *quiet, "-keyout", self.key, "-out", root / "server.csr", "-subj", "/CN=localhost")
        (root / "names").write_text(
            "subjectAltName=DNS:localhost,IP:127.0.0.1" + "".join(f",DNS:{name}" for name in names) + "\n")
        run("openssl", "x509", "-req", "-in", root / "server.csr", "-CA", self.authority, "-CAkey", root / "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", root / "names", "-out", self.file)


class Registry:
    """docker-registry at `address`. `auth` and `tls` are parts of its configuration; login is "user:password"."""

    def __init__(self, auth=None, certificate=None, login=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="banger-registry-"))
        self.certificate, self.login = certificate, login
        config = {"version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.root / "data")}}, "http": {}}
        if certificate:
            config["http"]["tls"] = {"certificate": str(certificate.file), "key": str(certificate.key)}
        if login and not auth:
            user, password = login.split(":")
            run("htpasswd", "-Bbc", self.root / "htpasswd", user, password)
            auth = {"htpasswd": {"realm": "test", "path": str(self.root / "htpasswd")}}
        if auth:
            config["auth"] = auth
        for _ in range(5):  # another process may take the free port first
            if self.starts(config):
                return
        raise AssertionError((self.root / "log").read_text())

    def starts(self, config):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"localhost:{self.port}"
        config["http"]["addr"] = f"127.0.0.1:{self.port}"
        path = self.root / "config.yml"
        path.write_text(json.dumps(config))  # JSON is YAML
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(path)], stdout=subprocess.DEVNULL,
                                            stderr=log)
        wait_until(lambda: self.process.poll() is not None or self.listens(), f"the registry at {self.address}")
        return self.process.poll() is None

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def request(self, method, path, body=None, headers=None):
        """One request to the registry itself, with the login. Returns (status, headers, body)."""
        if self.certificate:
            context = ssl.create_default_context(cafile=self.certificate.authority)
            connection = http.client.HTTPSConnection("localhost", self.port, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = dict(headers or {})
        if self.login:
            headers["Authorization"] = "Basic " + base64.b64encode(self.login.encode()).decode()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, dict(response.headers), content

    def put_blob(self, repository, content):
        status, headers, body = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert status == 202, (status, body)
        url = urllib.parse.urlsplit(headers["Location"])
        path = f"{url.path}?{url.query}&digest={urllib.parse.quote(digest(content))}"
        status, _, body = self.request("PUT", path, content, {"Content-Type": "application/octet-stream"})
        assert status == 201, (status, body)

    def put_manifest(self, repository, tag, document, media_type=MANIFEST):
        content = json.dumps(document).encode()
        status, _, body = self.request("PUT", f"/v2/{repository}/manifests/{tag}", content,
                                       {"Content-Type": media_type})
        assert status == 201, (status, body)
        return content

    def push(self, layout, tag, name):
        """Copies an image of an OCI layout with skopeo."""
        options = ["--dest-tls-verify=false"]
        if self.login:
            options.append(f"--dest-creds={self.login}")
        run("skopeo", "--insecure-policy", "copy", "-q", *options, f"oci:{layout}:{tag}",
            f"docker://{self.address}/{name}", env=os.environ | {"TMPDIR": str(self.root)})

    def push_layers(self, name, layers, architecture="amd64", config=None):
        """Pushes an image of these plain tar layers, with the registry's own API. Returns the manifest's bytes."""
        repository, tag = name.split(":")
        document = {"os": "linux", "architecture": architecture, "config": config or {},
                    "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}
        content = json.dumps(document).encode()
        for blob in (content, *layers):
            self.put_blob(repository, blob)
        return self.put_manifest(repository, tag, {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, content),
            "layers": [descriptor(LAYER, layer) for layer in layers]})


def listing(tree):
    """What a tree has, by path: kind, mode, owner, content and attributes."""
    found = {}
    for path in sorted(tree.rglob("*")):
        info = path.lstat()
        content = os.readlink(path) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                      for name in os.listxattr(path, follow_symlinks=False)}
        links = info.st_nlink if not path.is_dir() else 0
        found[str(path.relative_to(tree))] = (oct(info.st_mode), info.st_uid, info.st_gid, info.st_rdev, links, content,
                                              attributes)
    return found


def busybox_layout(root, tag="latest"):
    """Makes an OCI layout with one image of a busybox root, in two layers."""
    layout = root / "layout"
    image = f"{layout}:{tag}"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", image)

    def add_layer(name, fill):
        rootless = ["--rootless"] if os.geteuid() else []
        run("umoci", "unpack", *rootless, "--image", image, root / name)
        fill(root / name / "rootfs")
        run("umoci", "repack", "--image", image, root / name)

    def base(tree):
        (tree / "bin").mkdir()
        (tree / "root").mkdir()
        shutil.copy("/bin/busybox", tree / "bin" / "busybox")
        for applet in ("cat", "ls", "sh"):
            (tree / "bin" / applet).symlink_to("busybox")

    def system(tree):
        (tree / "etc").mkdir()
        (tree / "etc" / "os-release").write_text("ID=tiny\nPRETTY_NAME=Tiny\n")

    add_layer("base", base)
    add_layer("system", system)
    run("umoci", "config", "--image", image, "--config.env", "GREETING=hello", "--config.workingdir", "/root",
        "--config.cmd", "/bin/sh", "--architecture", "amd64", "--os", "linux")
    return layout


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class QuietServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that leave early are part of the stories."""


class Server:
    """An HTTP server on a loopback port, with a thread for each connection."""

    def __init__(self, handler):
        self.server = QuietServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.address = f"localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ProxyHandler(Handler):
    def forward(self):
        proxy = self.server.owner
        proxy.asked.append(f"{self.command} {self.path}")
        proxy.headers.append(dict(self.headers))
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for part, fault in list(proxy.faults):
            if part in f"{self.command} {self.path}" and fault(self):
                return
        status, headers, body = proxy.fetch(self)
        self.answer(status, body, headers)

    do_GET = do_HEAD = do_POST = do_PUT = forward


class Proxy(Server):
    """Passes requests to a registry. `faults` is a list of (part of "METHOD path", function of the handler). A function
    that returns True has answered."""

    def __init__(self, registry):
        self.registry, self.faults = registry, []
        self.asked, self.headers = [], []
        self.stopped = threading.Event()
        super().__init__(ProxyHandler)

    def close(self):
        self.stopped.set()
        super().close()

    def fetch(self, handler):
        wanted = {name: value for name, value in handler.headers.items() if name in ("Accept", "Range", "Content-Type")}
        status, headers, body = self.registry.request(handler.command, handler.path, handler.content, wanted)
        kept = {name: headers[name] for name in ("Content-Type", "Docker-Content-Digest", "Content-Range")
                if name in headers}
        if "Location" in headers:  # without the registry's own address
            place = urllib.parse.urlsplit(headers["Location"])
            kept["Location"] = f"{place.path}?{place.query}"
        return status, kept, body

    def count(self, part):
        return sum(part in one for one in self.asked)

    # -- faults

    def stall(self, after=0):
        """Sends the first bytes of the body, and nothing more until the proxy is closed."""
        def fault(handler):
            status, headers, body = self.fetch(handler)
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:after])
            handler.wfile.flush()
            self.stopped.wait()
            handler.close_connection = True
            return True
        return fault

    def truncate(self, after, times=1):
        """Ends the connection after some bytes of the body, a few times."""
        left = collections.deque(range(times))

        def fault(handler):
            if not left:
                return False
            left.pop()
            status, headers, body = self.fetch(handler)
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:after])
            handler.close_connection = True
            return True
        return fault

    @staticmethod
    def status(code, headers=(), body=b"", times=1000):
        left = collections.deque(range(times))

        def fault(handler):
            if not left:
                return False
            left.pop()
            handler.answer(code, body, dict(headers))
            return True
        return fault

    def slow(self, piece=65536, pause=0.05):
        """Sends the body in pieces with pauses, until the proxy is closed."""
        def fault(handler):
            status, headers, body = self.fetch(handler)
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            try:
                for start in range(0, len(body), piece):
                    handler.wfile.write(body[start:start + piece])
                    handler.wfile.flush()
                    if self.stopped.wait(pause):
                        break
            except OSError:
                pass
            return True
        return fault


class TunnelHandler(Handler):
    def do_CONNECT(self):
        owner = self.server.owner
        owner.asked.append(self.path)
        wanted = "Basic " + base64.b64encode(owner.login.encode()).decode() if owner.login else None
        if wanted and self.headers.get("Proxy-Authorization") != wanted:
            return self.answer(407, headers={"Proxy-Authenticate": "Basic realm=test"})
        with socket.create_connection(("127.0.0.1", int(self.path.rsplit(":", 1)[1]))) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=self.copy, args=(server, self.connection), daemon=True)
            back.start()
            self.copy(self.connection, server)
            back.join()
        self.close_connection = True

    @staticmethod
    def copy(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class TunnelProxy(Server):
    """A proxy for CONNECT. Every name leads to this host, so the names of its clients need no name server."""

    def __init__(self, login=None):
        self.login, self.asked = login, []
        super().__init__(TunnelHandler)


class TokenHandler(Handler):
    def do_GET(self):
        owner = self.server.owner
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        owner.asked.append(query | {"authorization": self.headers.get("Authorization", "")})
        wanted = "Basic " + base64.b64encode(owner.login.encode()).decode()
        if self.headers.get("Authorization") != wanted:
            return self.answer(401, b'{"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]}')
        self.reply(query)

    def do_POST(self):
        owner = self.server.owner
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        owner.asked.append(form)
        if form.get("refresh_token") != owner.identity:
            return self.answer(400, b'{"error": "invalid_grant"}')
        self.reply(form)

    def reply(self, query):
        token = self.server.owner.token(query["service"], query["scope"])
        self.answer(200, json.dumps({"token": token, "expires_in": 300}).encode(), {"Content-Type": "application/json"})


class TokenServer(Server):
    """Gives docker-registry's signed tokens to one login, or to one identity token."""

    def __init__(self, root, login="user:secret", identity="refresh-me"):
        self.login, self.identity, self.asked = login, identity, []
        self.certificate = Certificate(root)
        self.bundle = root / "token-ca.crt"
        self.bundle.write_bytes(self.certificate.authority.read_bytes())
        super().__init__(TokenHandler)

    def auth(self):
        """The part `auth` of the registry's configuration."""
        return {"token": {"realm": f"http://{self.address}/token", "service": "test registry", "issuer": "test",
                          "rootcertbundle": str(self.bundle)}}

    def token(self, service, scope):
        kind, name, actions = scope.split(":")
        der = base64.b64encode(ssl.PEM_cert_to_DER_cert(self.certificate.file.read_text())).decode()
        now = int(time.time())
        parts = ({"typ": "JWT", "alg": "RS256", "x5c": [der]},
                 {"iss": "test", "aud": service, "sub": "", "iat": now, "nbf": now - 10, "exp": now + 300, "jti": "1",
                  "access": [{"type": kind, "name": name, "actions": actions.split(",")}]})
        signed = b".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.certificate.key], input=signed,
                                   stdout=subprocess.PIPE, check=True).stdout
        return (signed + b"." + encoded(signature)).decode()


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=")
