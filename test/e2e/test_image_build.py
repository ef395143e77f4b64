"""Images from a Containerfile, built in a real guest, and from the directory of a root file system."""
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import extras  # noqa: E402
import registry as registries  # noqa: E402
from bare import BareCase, busybox_tar  # noqa: E402
from harness import wait_until  # noqa: E402
from marks import long  # noqa: E402

CONTAINERFILE = """ARG BASE
FROM $BASE AS compile
ARG WHAT=nothing
COPY . /src
RUN cat /src/word > /word && echo "made of $WHAT" >> /word && sh -c 'echo /src/*' > /sent

FROM compile AS test
RUN false

FROM $BASE
COPY --from=compile /word /sent /
ENV COLOUR=blue
WORKDIR /tmp
USER 1000
ENTRYPOINT ["/bin/sh", "-c", "cat /word; echo $COLOUR; pwd"]
"""


# The image of the builder is made with mmdebstrap, and its VM boots under emulation: minutes.
@long
@unittest.skipIf(registries.missing_tools(), f"not installed: {registries.missing_tools()}")
class Containerfiles(BareCase):
    @classmethod
    def setUpClass(cls):
        builder = None if os.geteuid() == 0 else extras.need("debian-bookworm-build.tar.zst")
        super().setUpClass()
        if builder:  # the account of the stories may not gain the privileges that building this image takes
            cls.b.ok("image", "import", str(builder))
        cls.registry = registries.Registry()
        cls.addClassCleanup(cls.registry.close)
        layout = pathlib.Path(tempfile.mkdtemp(prefix="banger-registry-"))
        cls.addClassCleanup(shutil.rmtree, layout, ignore_errors=True)
        cls.registry.push(cls.base(layout), "latest", "base:v1")
        cls.reference = f"{cls.registry.address}/base:v1"

    @staticmethod
    def base(root):
        """An image of a busybox root in one layer."""
        busybox_tar(root / "root.tar")
        layout = root / "layout"
        image = f"{layout}:latest"
        registries.run("umoci", "init", "--layout", layout)
        registries.run("umoci", "new", "--image", image)
        registries.run("umoci", "raw", "add-layer", "--image", image, root / "root.tar")
        registries.run("umoci", "config", "--image", image, "--architecture", "amd64", "--os", "linux",
                       "--config.env", "PATH=/bin", "--config.cmd", "/bin/sh")
        return layout

    def setUp(self):
        self.context = pathlib.Path(tempfile.mkdtemp(prefix="banger-context-"))
        self.addCleanup(shutil.rmtree, self.context, ignore_errors=True)
        self.put("Containerfile", CONTAINERFILE)
        self.put("word", "hello\n")
        self.put("secret", "x")
        self.put("logs/a.log", "x")
        self.put("logs/keep.log", "x")
        self.put(".dockerignore", "# a comment\nsecret\n**/*.log\n!logs/keep.log\nContainerfile\n.dockerignore\n")

    def put(self, name, text):
        path = self.context / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def build(self, *words, name="app", **kwargs):
        return self.b.run("image", "build", "-t", name, "--build-arg", f"BASE={self.reference}", *words,
                          timeout=3600, **kwargs)

    def run_image(self, name, *words):
        return self.b.ok("vm", "run", "--rm", "--image", name, "--memory", "256M", *words)

    def builder(self):
        return next(vm for vm in self.b.json("vm", "list", "--all") if vm["name"] == "image-builder")

    def begin(self, name):
        """Starts a build that takes long, and returns its process and output when its last step has begun."""
        self.put("Containerfile", f"FROM {self.reference}\nRUN echo started && sleep 1000\n")
        process = self.b.popen("image", "build", "-t", name, str(self.context), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen = b""
        while b"\nstarted" not in seen:
            piece = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(piece, seen)
            seen += piece
        return process, seen

    def test_1_a_containerfile_becomes_an_image_and_the_second_build_is_cached(self):
        (self.context / "outside").symlink_to("/etc/shadow")
        first = self.build("--build-arg", "WHAT=clay", str(self.context))
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("app: ready", first.stdout)
        self.assertIn("STEP", first.stderr)
        self.assertEqual(self.builder()["state"], "stopped")
        self.assertEqual(self.run_image("app", "--entrypoint"), "hello\nmade of clay\nblue\n/tmp\n")
        sent = self.run_image("app", "--", "/bin/cat", "/sent")
        self.assertEqual(sorted(sent.split()), ["/src/logs", "/src/outside", "/src/word"])
        second = self.build("--build-arg", "WHAT=clay", str(self.context), name="again")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn("Using cache", second.stderr)
        self.assertNotIn("downloaded", second.stderr)
        images = {image["name"]: image for image in self.b.json("image", "list")}
        self.assertEqual(images["app"]["digest"], images["again"]["digest"])

    def test_2_the_result_is_pushed_without_its_base_layers(self):
        built = self.build(str(self.context))
        self.assertEqual(built.returncode, 0, built.stderr)
        base = self.b.json("image", "show", self.reference)
        app = self.b.json("image", "show", "app")
        self.assertEqual(app["layers"][0], base["layers"][0])
        self.b.ok("image", "push", "app", f"{self.registry.address}/app:v1")
        config = registries.run("skopeo", "inspect", "--tls-verify=false", "--config",
                                f"docker://{self.registry.address}/app:v1")
        self.assertIn("COLOUR=blue", config)

    def test_3_a_stage_is_built_and_a_failure_names_its_step(self):
        done = self.build("--target", "compile", str(self.context), name="stage")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hello", self.run_image("stage", "--", "/bin/cat", "/word"))
        failed = self.build("--target", "test", str(self.context), name="failed")
        self.assertEqual(failed.returncode, 125)
        self.assertIn('STEP "RUN false"', failed.stderr)
        self.assertIn("the build failed with status", failed.stderr)
        self.assertEqual(self.builder()["state"], "stopped")
        self.assertNotIn("failed", [image["name"] for image in self.b.json("image", "list")])

    def test_4_an_image_that_is_here_can_be_a_base_and_a_context_can_come_from_a_pipe(self):
        busybox_tar(self.b.root / "root.tar")
        self.b.ok("image", "import", "mine", str(self.b.root / "root.tar"))
        (self.context / "Other").write_text("FROM mine\nCOPY note /note\n")
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w:gz") as archive:
            info = tarfile.TarInfo("note")
            info.size = 5
            archive.addfile(info, io.BytesIO(b"piped"))
        done = self.build("-f", str(self.context / "Other"), "-", name="piped", stdin=tar.getvalue())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_image("piped", "--", "/bin/cat", "/note"), "piped")

    def test_5_an_interrupt_ends_the_build_and_stops_the_vm(self):
        process, seen = self.begin("slow")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=600)
        self.assertEqual(process.returncode, 130, seen + rest)
        wait_until(lambda: self.builder()["state"] == "stopped", "the builder to stop")
        self.assertEqual(self.b.leftovers(), [])

    def test_6_two_builds_at_once_do_not_disturb_each_other(self):
        processes = []
        for name in ("one", "two"):
            text = f"FROM {self.reference}\nRUN echo {name} > /who && sleep 5\n"
            self.put(name, text)
            processes.append(self.b.popen("image", "build", "-t", name, "-f", str(self.context / name),
                                          str(self.context), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT))
        for process in processes:
            output, _ = process.communicate(timeout=3600)
            self.assertEqual(process.returncode, 0, output)
        for name in ("one", "two"):
            self.assertEqual(self.run_image(name, "--", "/bin/cat", "/who"), f"{name}\n")
        self.assertEqual(self.builder()["state"], "stopped")

    def test_7_a_builder_whose_client_is_killed_stops_by_itself(self):
        process, _ = self.begin("lost")
        process.kill()
        process.communicate()
        self.assertEqual(self.builder()["state"], "running")
        wait_until(lambda: self.builder()["state"] == "stopped", "the builder to stop", timeout=1800)
        self.assertEqual(self.b.leftovers(), [])


class RootTrees(BareCase):
    def test_a_directory_becomes_an_image_whose_files_belong_to_root(self):
        tree = pathlib.Path(tempfile.mkdtemp(prefix="banger-tree-"))
        self.addCleanup(shutil.rmtree, tree, ignore_errors=True)
        busybox_tar(tree / "root.tar")
        with tarfile.open(tree / "root.tar") as tar:
            tar.extractall(tree / "root")
        (tree / "root" / "etc" / "hello").write_text("from a directory\n")
        self.b.ok("image", "import", "tree", str(tree / "root"))
        words = ("vm", "run", "--rm", "--image", "tree", "--memory", "256M", "--")
        self.assertEqual(self.b.ok(*words, "/bin/sh", "-c", "cat /etc/hello; stat -c %u /etc/hello"),
                         "from a directory\n0\n")

    @unittest.skipIf(os.geteuid() == 0, "root may read every file")
    def test_a_file_that_cannot_be_read_is_named(self):
        tree = pathlib.Path(tempfile.mkdtemp(prefix="banger-tree-"))
        self.addCleanup(shutil.rmtree, tree, ignore_errors=True)
        (tree / "locked").write_text("x")
        (tree / "locked").chmod(0)
        done = self.b.run("image", "import", "locked", str(tree))
        self.assertEqual(done.returncode, 125)
        self.assertIn("locked: Permission denied", done.stderr)


if __name__ == "__main__":
    unittest.main()
