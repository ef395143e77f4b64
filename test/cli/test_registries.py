"""Images from registries: docker-registry on a loopback port, with logins, tokens, TLS, and a proxy that misbehaves.
No VM boots here."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import registry as registries  # noqa: E402
from harness import Case, alive, wait_until  # noqa: E402
from marks import for_root  # noqa: E402
from registry import INDEX, LAYER, MANIFEST, Certificate, Proxy, Registry, TokenServer, TunnelProxy, \
    descriptor  # noqa: E402


def layer(name, content):
    """A tar with one file."""
    root = pathlib.Path(tempfile.mkdtemp())
    try:
        (root / name).write_bytes(content)
        words = ["tar", "-C", root, "-c", "--mtime=@0", "--owner=0", "--group=0", name]
        return subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    finally:
        shutil.rmtree(root)


@unittest.skipIf(registries.missing_tools(), f"not installed: {registries.missing_tools()}")
class RegistryCase(Case):
    needs_images = False
    config = 'log_level = "debug"\n'

    def registry(self, **options):
        started = Registry(**options)
        self.addCleanup(started.close)
        return started

    def proxy(self, registry):
        started = Proxy(registry)
        self.addCleanup(started.close)
        return started

    def root(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="banger-registry-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def file_in(self, image, path):
        rootfs = self.b.json("image", "show", image)["rootfs"]
        return subprocess.run(["debugfs", "-R", f"cat {path}", rootfs], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout

    def blobs(self):
        path = pathlib.Path(self.b.env["XDG_CACHE_HOME"]) / "banger" / "blobs" / "sha256"
        return sorted(path.iterdir()) if path.exists() else []

    def partials(self):
        return [path for path in self.blobs() if path.name.endswith(".partial") and path.stat().st_size]

    def assert_clean(self):
        """Nothing is unfinished and nothing is unowned, but for complete layers."""
        self.assertEqual([item for item in self.b.leftovers() if "no image has" not in item["reason"]], [])


class Images(RegistryCase):
    def test_a_container_image_becomes_an_image(self):
        registry = self.registry()
        layout = registries.busybox_layout(self.root())
        registry.push(layout, "latest", "tiny:v1")
        name = f"{registry.address}/tiny:v1"
        self.assertEqual(self.b.ok("image", "pull", name).split(",")[0], f"{name}: ready")
        shown = self.b.json("image", "show", name)
        self.assertEqual((shown["name"], shown["source"]), (name, f"registry:{name}"))
        self.assertEqual(shown["config"]["env"][-1], "GREETING=hello")
        status, headers, body = registry.request("GET", "/v2/tiny/manifests/v1", headers={"Accept": MANIFEST})
        manifest = json.loads(body)
        self.assertEqual(shown["digest"], headers["Docker-Content-Digest"])
        self.assertEqual([(one["digest"], one["size_bytes"]) for one in shown["layers"]],
                         [(one["digest"], one["size"]) for one in manifest["layers"]])
        self.assertIn(b"ID=tiny", self.file_in(name, "/etc/os-release"))
        subprocess.run(["e2fsck", "-fn", shown["rootfs"]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)
        config = json.loads(registry.request("GET", f"/v2/tiny/blobs/{manifest['config']['digest']}")[2])
        self.assertEqual(json.loads(self.b.ok("image", "inspect", name)), config)
        self.assertIn(manifest["layers"][0]["digest"], self.b.ok("image", "show", name))
        self.assert_nothing_left()

    def test_names_move_between_images(self):
        registry = self.registry()
        registry.push_layers("app:v1", [layer("who", b"one")])
        registry.push_layers("app:v2", [layer("who", b"two")])
        registry.push_layers("app:latest", [layer("who", b"one")])
        app = f"{registry.address}/app"
        first = self.b.json("image", "pull", f"{app}:v1")["id"]
        self.assertIn(f"{app}:latest: is here already", self.b.ok("image", "pull", app))
        self.assertEqual(self.b.json("image", "show", app)["id"], first)
        second = self.b.json("image", "pull", f"{app}:v2")["id"]
        registry.push_layers("app:latest", [layer("who", b"two")])
        self.assertEqual(self.b.json("image", "pull", app)["id"], second)
        self.assertEqual(self.b.json("image", "show", first)["other_names"], [])

        self.b.ok("image", "tag", app, "mine")
        self.assertEqual(self.b.json("image", "show", "mine")["id"], second)
        self.b.ok("image", "delete", app)
        self.fails(125, "image", "show", app, says="no image")
        self.assertEqual(self.b.json("image", "show", "mine")["id"], second)
        self.b.ok("image", "tag", f"{app}:v1", "mine")
        self.assertEqual(self.b.json("image", "show", "mine")["id"], first)

        # An image that loses its last name goes.
        registry.push_layers("app:v2", [layer("who", b"three")])
        self.b.ok("image", "pull", f"{app}:v2")
        self.fails(125, "image", "show", second, says="no image")
        self.assertEqual(len(self.b.json("image", "list")), 2)

    def test_layers_are_shared_and_pruned(self):
        registry = self.registry()
        proxy = self.proxy(registry)
        base, top = layer("base", b"b" * 1000), layer("top", b"t")
        registry.push_layers("one:v1", [base])
        registry.push_layers("two:v1", [base, top])
        self.b.ok("image", "pull", f"{proxy.address}/one:v1")
        self.b.ok("image", "pull", f"{proxy.address}/two:v1")
        self.assertEqual(proxy.count(f"blobs/{registries.digest(base)}"), 1)
        self.assertEqual(self.b.ok("image", "prune"), "nothing to remove\n")
        self.b.ok("image", "delete", f"{proxy.address}/two:v1")
        self.assertIn("no image has this layer", self.b.ok("gc", "--dry-run"))
        self.assertEqual(self.b.json("image", "prune")["removed"], 1)
        self.assertEqual(len(self.blobs()), 1)
        self.assert_nothing_left()

    def test_a_missing_image_of_a_vm_is_pulled(self):
        registry = self.registry()
        registry.push_layers("app:v1", [layer("who", b"one")])
        # There is no kernel, so the VM cannot be made.
        done = self.b.run("vm", "create", "--no-start", "--image", f"{registry.address}/app:v1", "--kernel", "none")
        self.assertEqual(done.returncode, 125)
        self.assertIn("none", done.stderr)
        self.assertEqual(self.b.json("image", "show", f"{registry.address}/app:v1")["source"],
                         f"registry:{registry.address}/app:v1")
        self.fails(125, "vm", "create", "--no-start", "--image", f"{registry.address}/nothing",
                   says=["has no localhost", "check the name and the tag"])

    def test_what_cannot_be_booted_is_refused_by_name(self):
        registry = self.registry()
        proxy = self.proxy(registry)
        arm = registry.push_layers("arm:v1", [layer("a", b"a")], architecture="arm64")
        entry = descriptor(MANIFEST, arm) | {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
        registry.put_manifest("arm", "index", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}, INDEX)
        self.fails(125, "image", "pull", f"{registry.address}/arm:v1",
                   says=["not built for linux/amd64", "linux/arm64"])
        self.fails(125, "image", "pull", f"{registry.address}/arm:index", says="there is linux/arm64/v8")
        config = descriptor("application/vnd.oci.image.config.v1+json", b"{}")
        foreign = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"x")
        for document, says in (({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
                               ({"schemaVersion": 2, "config": config, "layers": [foreign]}, "foreign"),
                               ({"schemaVersion": 2, "config": descriptor("text/x", b"{}"), "layers": []}, "text/x"),
                               ({"schemaVersion": 2, "config": config, "layers": [descriptor(LAYER, b"")] * 300},
                                "at most 256"),
                               ([], "schemaVersion")):
            body = json.dumps(document).encode()
            proxy.faults = [("manifests", proxy.status(200, body=body))]
            self.fails(125, "image", "pull", f"{proxy.address}/arm:v1", says=says)
        self.fails(125, "image", "pull", "team/App", says=["upper-case", "did you mean 'team/app'?"])
        self.assert_nothing_left()


class Logins(RegistryCase):
    def login(self, address, **entry):
        path = self.b.root / ".docker" / "config.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"auths": {address: entry}}))

    def test_a_password_is_required_and_kept_secret(self):
        registry = self.registry(login="user:s3cret-word")
        registry.push_layers("app:v1", [layer("who", b"one")])
        name = f"{registry.address}/app:v1"
        self.fails(125, "image", "pull", name, says=["somebody without a login", f"docker login {registry.address}"])
        self.login(registry.address, username="user", password="wr0ng-word")
        done = self.fails(125, "image", "pull", name, says="to this login")
        self.assertNotIn("wr0ng-word", done.stderr + self.b.log())
        self.login(registry.address, username="user", password="s3cret-word")
        self.b.ok("image", "pull", name)
        self.assertNotIn("s3cret-word", self.b.log())

    def test_helpers_and_other_files_have_logins_too(self):
        registry = self.registry(login="user:secret")
        registry.push_layers("app:v1", [layer("who", b"one")])
        name = f"{registry.address}/app:v1"
        file = self.b.root / "auth.json"
        self.b.env["REGISTRY_AUTH_FILE"] = str(file)
        self.b.env["PATH"] = f"{self.b.root}:{self.b.env['PATH']}"
        file.write_text("{broken")
        self.fails(125, "image", "pull", name, says=[f"{file}: not valid JSON", "repair the file"])
        file.write_text(json.dumps({"credHelpers": {registry.address: "story"}}))
        self.fails(125, "image", "pull", name, says="there is no program docker-credential-story")
        helper = self.b.root / "docker-credential-story"
        helper.write_text("#!/bin/sh\necho hidden-word; exit 3\n")
        helper.chmod(0o700)
        done = self.fails(125, "image", "pull", name, says="docker-credential-story: it failed with exit status 3")
        self.assertNotIn("hidden-word", done.stderr.replace(str(helper), ""))
        helper.write_text('#!/bin/sh\necho \'{"Username": "user", "Secret": "secret"}\'\n')
        self.b.ok("image", "pull", name)

    def test_token_servers_take_passwords_and_identity_tokens(self):
        tokens = TokenServer(self.root())
        self.addCleanup(tokens.close)
        registry = self.registry(auth=tokens.auth(), login="user:secret")
        proxyless = f"{registry.address}/app:v1"
        self.push_with_token(registry, tokens)
        self.fails(125, "image", "pull", proxyless, says=["somebody without a login", "who are you"])
        self.login(registry.address, identitytoken="wrong-t0ken")
        done = self.fails(125, "image", "pull", proxyless, says="to this login")
        self.assertNotIn("wrong-t0ken", done.stderr + self.b.log())
        self.login(registry.address, identitytoken="refresh-me")
        self.b.ok("image", "pull", proxyless)
        self.assertEqual(tokens.asked[-1]["scope"], "repository:app:pull")
        asked = len(tokens.asked)
        self.b.ok("image", "pull", proxyless)  # the token is still good
        self.assertEqual(len(tokens.asked), asked)
        self.login(registry.address, username="user", password="secret")
        self.b.ok("daemon", "stop")
        self.b.ok("image", "pull", "--force", proxyless)
        self.assertEqual(tokens.asked[-1]["account"], "user")
        self.assertNotIn("secret", self.b.log())

    def push_with_token(self, registry, tokens):
        token = tokens.token("test registry", "repository:app:pull,push")
        plain = registry.request

        def request(method, path, body=None, headers=None):
            registry.login = None
            return plain(method, path, body, dict(headers or {}) | {"Authorization": f"Bearer {token}"})
        registry.request = request
        registry.push_layers("app:v1", [layer("who", b"one")])
        registry.request = plain

    def test_a_registry_of_a_test_ca_is_trusted_through_certs_d(self):
        certificate = Certificate(self.root())
        registry = self.registry(certificate=certificate, login="user:secret")
        registry.push_layers("app:v1", [layer("who", b"one")])
        name = f"{registry.address}/app:v1"
        self.login(registry.address, username="user", password="secret")
        self.fails(125, "image", "pull", name, says="certificate")
        directory = self.b.root / ".config" / "containers" / "certs.d" / registry.address
        directory.mkdir(parents=True)
        shutil.copy(certificate.authority, directory / "ca.crt")
        self.b.ok("image", "pull", name)

    def test_an_insecure_registry_may_have_any_certificate(self):
        registry = self.registry(certificate=Certificate(self.root()))
        registry.push_layers("app:v1", [layer("who", b"one")])
        name = f"{registry.address}/app:v1"
        self.fails(125, "image", "pull", name, says="certificate")
        config = pathlib.Path(self.b.env["XDG_CONFIG_HOME"]) / "banger" / "config.toml"
        config.write_text(config.read_text() + f'insecure_registries = ["{registry.address}"]\n')
        self.b.ok("daemon", "stop")  # the next one reads the config
        self.b.ok("image", "pull", name)


class Proxied(RegistryCase):
    """A registry with a name that only the proxy knows."""

    def setUp(self):
        super().setUp()
        certificate = Certificate(self.root(), "registry.test")
        registry = self.registry(certificate=certificate)
        registry.push_layers("app:v1", [layer("who", b"one")])
        self.place = f"registry.test:{registry.port}"
        directory = self.b.root / ".config" / "containers" / "certs.d" / self.place
        directory.mkdir(parents=True)
        shutil.copy(certificate.authority, directory / "ca.crt")
        self.b.chown_home()

    def tunnel(self, login=None, **environment):
        proxy = TunnelProxy(login)
        self.addCleanup(proxy.close)
        who = f"{login}@" if login else ""
        self.b.env |= {"HTTPS_PROXY": f"http://{who}{proxy.address}"} | environment
        return proxy

    def test_a_pull_goes_through_the_proxy(self):
        for login in (None, "user:secret"):
            with self.subTest(login):
                proxy = self.tunnel(login)
                self.b.run("daemon", "stop")  # a daemon has the environment of its start
                self.b.ok("image", "pull", "--force", f"{self.place}/app:v1")
                self.assertIn(self.place, proxy.asked)
        self.assertNotIn("secret", self.b.ok("daemon", "logs"))

    def test_a_proxy_that_wants_a_login_is_named(self):
        proxy = self.tunnel("user:secret")
        self.b.env["HTTPS_PROXY"] = f"http://{proxy.address}"
        self.fails(125, "image", "pull", f"{self.place}/app:v1", says=["the proxy wants a login", "USER:PASSWORD"])

    def test_no_proxy_is_honoured(self):
        proxy = self.tunnel(NO_PROXY="registry.test")
        self.fails(125, "image", "pull", f"{self.place}/app:v1", says="registry.test")
        self.assertEqual(proxy.asked, [])


class Trouble(RegistryCase):
    def image(self, size=3_000_000):
        """A registry with one large layer, the proxy in front of it, the layer, and the image's name."""
        registry = self.registry()
        proxy = self.proxy(registry)
        content = layer("big", os.urandom(size))
        registry.push_layers("app:v1", [content])
        return proxy, content, f"{proxy.address}/app:v1"

    def test_a_broken_download_goes_on_where_it_broke(self):
        proxy, content, name = self.image()
        proxy.faults = [(f"GET /v2/app/blobs/{registries.digest(content)}", proxy.truncate(1_000_000))]
        self.b.ok("image", "pull", name)
        ranges = [headers["Range"] for headers in proxy.headers if "Range" in headers]
        self.assertTrue(ranges and ranges[0].startswith("bytes=") and ranges[0] != "bytes=0-", ranges)
        self.assert_clean()

    def test_statuses_say_what_to_do(self):
        proxy, _, name = self.image(1000)
        for status, says in ((403, "forbids"), (404, "check the name and the tag"), (418, "answered 418")):
            proxy.faults = [("/v2/app/", proxy.status(status))]
            self.fails(125, "image", "pull", name, says=says)
        proxy.faults = [("manifests", proxy.status(429, {"Retry-After": "0"}, times=2)),
                        ("manifests", proxy.status(503, {"Retry-After": "0"}, times=1))]
        self.b.ok("image", "pull", name)
        proxy.faults = [("manifests", proxy.status(429, {"Retry-After": "0"}))]
        self.fails(125, "image", "pull", name, says="allows no more requests now")
        proxy.faults = [("manifests", proxy.status(502, {"Retry-After": "0"}))]
        self.fails(125, "image", "pull", name, says=["502 Bad Gateway", "try again later"])
        self.assert_clean()

    def test_redirects_cannot_lead_into_the_network_of_this_host(self):
        proxy, content, name = self.image(1000)
        for target, says in (("file:///etc/passwd", "'file:' is not supported"),
                             ("http://169.254.169.254/latest", "not encrypted"),
                             ("https://10.0.0.1/x", "inside of this host's network")):
            proxy.faults = [("blobs", proxy.status(307, {"Location": target}))]
            self.fails(125, "image", "pull", name, says=says)
        # To another port of this host, for example a storage server, is fine.
        path = f"/v2/app/blobs/{registries.digest(content)}"
        proxy.faults = [(path, proxy.status(307, {"Location": f"http://{proxy.registry.address}{path}"}))]
        self.b.ok("image", "pull", name)

    def test_wrong_content_is_refused_and_not_kept(self):
        proxy, content, name = self.image(1000)
        blob = f"GET /v2/app/blobs/{registries.digest(content)}"
        proxy.faults = [(blob, proxy.status(200, body=b"x" * len(content)))]
        self.fails(125, "image", "pull", name, says="does not match its digest")
        self.assertEqual(self.blobs(), [])
        proxy.faults = [(blob, proxy.status(200, body=b"too short"))]
        self.fails(125, "image", "pull", name)
        self.b.ok("image", "prune")
        manifest = f"/v2/app/manifests/{self.digest_of(proxy)}"
        proxy.faults = [(manifest, proxy.status(200, body=b'{"schemaVersion": 2}'))]
        self.fails(125, "image", "pull", name, says="instead of sha256:")
        proxy.faults = []
        self.b.ok("image", "pull", name)
        self.assert_nothing_left()

    def digest_of(self, proxy):
        return proxy.registry.request("HEAD", "/v2/app/manifests/v1", headers={"Accept": MANIFEST})[1][
            "Docker-Content-Digest"]

    def test_two_pulls_at_once_are_one_download(self):
        proxy, content, name = self.image()
        blob = f"GET /v2/app/blobs/{registries.digest(content)}"
        proxy.faults = [(blob, proxy.slow(pause=0.01))]
        self.b.ok("daemon", "start")
        pulls = [self.b.popen("image", "pull", name, stdout=subprocess.PIPE) for _ in range(3)]
        texts = [pull.communicate(timeout=180)[0].decode() for pull in pulls]
        self.assertEqual([pull.returncode for pull in pulls], [0, 0, 0])
        self.assertEqual(sum(": ready" in text for text in texts), 1, texts)
        self.assertEqual(proxy.count(blob), 1)
        self.assertEqual(len(self.b.json("image", "list")), 1)
        self.assert_nothing_left()

    def test_an_interrupted_pull_ends_at_once_and_the_next_goes_on(self):
        proxy, content, name = self.image()
        blob = f"GET /v2/app/blobs/{registries.digest(content)}"
        proxy.faults = [(blob, proxy.stall(after=1_000_000))]
        pull = self.b.popen("image", "pull", name, stderr=subprocess.PIPE)
        wait_until(self.partials, "the first bytes")
        pull.send_signal(signal.SIGINT)
        pull.communicate(timeout=180)
        self.assertNotEqual(pull.returncode, 0)
        proxy.faults = []
        # A gc of a running download would find nothing; now it finds the partial file.
        wait_until(lambda: any("never finished" in item["reason"] for item in self.b.leftovers()), "the pull to end")
        self.b.ok("image", "pull", name)
        self.assertTrue(any("Range" in headers for headers in proxy.headers))
        self.assert_nothing_left()

    def test_a_killed_daemon_leaves_a_pull_that_goes_on(self):
        proxy, content, name = self.image()
        blob = f"GET /v2/app/blobs/{registries.digest(content)}"
        proxy.faults = [(blob, proxy.stall(after=2_000_000))]
        pull = self.b.popen("image", "pull", name, stderr=subprocess.PIPE)
        wait_until(self.partials, "the first bytes")
        self.b.kill_daemon()
        pull.communicate(timeout=180)
        self.assertNotEqual(pull.returncode, 0)
        proxy.faults = []
        self.assertEqual([item["kind"] for item in self.b.leftovers()], ["cache"])
        self.b.ok("image", "pull", name)
        self.assertTrue(any("Range" in headers for headers in proxy.headers))
        self.assertEqual(len(self.blobs()), 1)
        self.assert_nothing_left()

    @for_root
    def test_a_full_disk_is_an_error_and_does_no_damage(self):
        proxy, content, name = self.image(8_000_000)
        cache = pathlib.Path(self.b.env["XDG_CACHE_HOME"])
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", cache], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", cache], check=True)
        self.b.ok("daemon", "start")
        self.fails(125, "image", "pull", name, says=["the layers need", "and 64M must stay free", "banger image prune"])
        subprocess.run(["mount", "-o", "remount,size=80m", cache], check=True)
        (cache / "filler").write_bytes(b"x" * 2_000_000)
        proxy.faults = [(registries.digest(content), lambda handler: self.fill(cache))]
        self.fails(125, "image", "pull", name, says=["No space left", "banger image prune"])
        self.assertEqual(self.blobs(), [])
        proxy.faults = []
        (cache / "filler").unlink()
        self.b.ok("image", "pull", name)
        self.assert_clean()

    @for_root
    def test_a_disk_that_is_too_small_for_the_image_is_an_error(self):
        proxy, content, name = self.image(8_000_000)
        data = pathlib.Path(self.b.env["XDG_DATA_HOME"])
        data.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", data], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", data], check=True)
        self.fails(125, "image", "pull", name, says=["No space left", "free some space"])
        self.assertEqual([path for path in (data / "banger" / "images").iterdir()], [])
        subprocess.run(["mount", "-o", "remount,size=80m", data], check=True)
        self.b.ok("image", "pull", name)
        self.assertEqual(proxy.count(f"GET /v2/app/blobs/{registries.digest(content)}"), 1)
        self.assert_clean()

    @staticmethod
    def fill(cache):
        """Fills the file system, after the check for free space."""
        with (cache / "filler").open("ab") as file, unittest.TestCase().assertRaises(OSError):
            while True:
                file.write(b"x" * 100_000)
                file.flush()
        return False


if __name__ == "__main__":
    unittest.main()
