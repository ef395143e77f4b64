"""Image layers for scripts/bench, what banger makes of them, and the same with umoci and mke2fs."""
import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import resource
import shutil
import subprocess
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = 20_000


@dataclasses.dataclass
class Cost:
    wall_ms: float
    cpu_ms: float
    peak_mib: float = 0


def build():
    """Builds the program, and returns its path."""
    program = "test/bench/layers_to_ext4"
    subprocess.run(["ninja", "-C", ROOT / "build", program], check=True, capture_output=True)
    return ROOT / "build" / program


def add_file(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(content), 1_700_000_000
    archive.addfile(member, io.BytesIO(content))


def synthetic_root(path):
    """A tree of many files with the sizes of a distribution's, which gzip makes a third as long."""
    rng = random.Random(1)
    words = [rng.randbytes(rng.randint(2, 12)) for _ in range(4000)]
    with tarfile.open(path, "w") as archive:
        for i in range(FILES):
            size = min(int(rng.lognormvariate(7.5, 1.8)), 4 << 20)
            content = b"".join(rng.choices(words, k=size // 7 + 1))[:size]
            add_file(archive, f"usr/d{i // 200}/f{i}", content)


def upper_layer(root, path):
    """An upgrade: writes a tenth of the files anew, and removes another tenth."""
    with tarfile.open(root) as lower, tarfile.open(path, "w") as upper:
        for i, member in enumerate(each for each in lower if each.isfile()):
            if i % 10 == 0:
                upper.addfile(member, lower.extractfile(member))
            elif i % 10 == 1:
                parent, name = os.path.split(member.name)
                add_file(upper, os.path.join(parent, f".wh.{name}"), b"")


class Layers:
    """An image of two gzip layers in an OCI layout. BANGER_BENCH_ROOT names a tar file with another lower layer."""

    def __init__(self, place):
        self.place, self.program = pathlib.Path(place), build()
        self.lower = pathlib.Path(os.environ.get("BANGER_BENCH_ROOT") or self.place / "lower.tar")
        if not self.lower.exists():
            synthetic_root(self.lower)
        upper_layer(self.lower, self.place / "upper.tar")
        self.blobs = self.place / "layout/blobs/sha256"
        self.blobs.mkdir(parents=True)
        self.files, described, diff_ids = [], [], []
        for tar in (self.lower, self.place / "upper.tar"):
            content = tar.read_bytes()
            diff_ids.append(f"sha256:{hashlib.sha256(content).hexdigest()}")
            described.append(self.blob("layer.v1.tar+gzip", gzip.compress(content, 6)))
            self.files.append(self.blobs / described[-1]["digest"].removeprefix("sha256:"))
        config = {"architecture": "amd64", "os": "linux", "config": {},
                  "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        manifest = {"schemaVersion": 2, "config": self.blob("config.v1+json", json.dumps(config).encode()),
                    "layers": described}
        tagged = self.blob("manifest.v1+json", json.dumps(manifest).encode())
        tagged["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        (self.place / "layout/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [tagged]}))
        (self.place / "layout/oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, kind, content):
        digest = hashlib.sha256(content).hexdigest()
        (self.blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    def ours(self, what="layers"):
        """Makes the image of the layers, or of the lower layer alone as one tar stream (`tar`)."""
        image = self.place / "ours.ext4"
        image.unlink(missing_ok=True)
        began = time.perf_counter()
        inputs = self.files if what == "layers" else self.files[:1]
        done = subprocess.run([self.program, what, image, *inputs], check=True, capture_output=True)
        wall = (time.perf_counter() - began) * 1000
        used = json.loads(done.stdout)
        return Cost(wall, used["cpu_ms"], used["peak_kib"] / 1024)

    def theirs(self):
        """umoci and mke2fs, with a sync to disk at the end as of `ours`."""
        image, bundle = self.place / "theirs.ext4", self.place / "bundle"
        shutil.rmtree(bundle, ignore_errors=True)
        image.unlink(missing_ok=True)
        rootless = [] if os.geteuid() == 0 else ["--rootless"]
        used_before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(["umoci", "unpack", *rootless, "--image", f"{self.place}/layout:latest", bundle], check=True,
                       capture_output=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", bundle / "rootfs", image, "2G"], check=True,
                       capture_output=True, env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        with open(image, "rb") as file:
            os.fsync(file.fileno())
        wall = (time.perf_counter() - began) * 1000
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = sum(getattr(used, name) - getattr(used_before, name) for name in ("ru_utime", "ru_stime")) * 1000
        return Cost(wall, cpu)
