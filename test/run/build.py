"""The two builds: the release binary, and a build of everything with ASan and UBSan for unit tests and fuzzers."""
import functools
import os
import shutil
import subprocess
import tempfile

from place import CHECKED, RELEASE, say, sh

BINARY = RELEASE / "src/banger"
SIZE_LIMIT_MIB = 14
SANITIZERS = ("-Db_sanitize=address,undefined", "-Db_lundef=false")


def packages():
    say("packages")
    sh("scripts/deps", "build", "run", "test")


def release(tally):
    say("release build")
    with tally.timed("build", "release"):
        sh("scripts/build")
    size = BINARY.stat().st_size
    print(f"build/src/banger: {size / 2**20:.1f} MiB")
    kind = subprocess.run(["readelf", "-lW", BINARY], capture_output=True, text=True, check=True).stdout
    tally.check("build", "release", "the binary is static", "INTERP" not in kind)
    tally.check("build", "release", f"the binary is at most {SIZE_LIMIT_MIB} MiB", size <= SIZE_LIMIT_MIB * 2**20,
                f"it has {size} bytes")
    tally.check("build", "release", "it runs in an empty chroot", runs_alone())


def runs_alone():
    with tempfile.TemporaryDirectory() as empty:
        shutil.copy(BINARY, empty)
        new_root = [] if os.geteuid() == 0 else ["unshare", "-r"]
        return subprocess.run([*new_root, "chroot", empty, "/banger", "--version"],
                              stdout=subprocess.DEVNULL).returncode == 0


@functools.cache
def configure_checked():
    """Configures the sanitizer build with only the debug information that a sanitizer's report needs.

    Full debug information would be more than half of the compiler's output."""
    sh("scripts/dev-setup", CHECKED, "-Dbuildtype=debug", "-Ddebug=false", "-Dcpp_args=-gline-tables-only",
       "-Dstatic_binary=false", "-Dfuzz=true", *SANITIZERS, "-Dpch=true", "--werror")


def checked(tally, stage):
    """Builds everything for unit tests and fuzzers. The first of the two stages that runs does the work for both."""
    say("build for unit tests and fuzzers, with ASan and UBSan")
    with tally.timed(stage, "build"):
        configure_checked()
        sh("ninja", "-C", CHECKED)
