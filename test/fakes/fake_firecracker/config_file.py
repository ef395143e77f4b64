"""`--no-api --config-file FILE`: the whole configuration in one file, whose sections are the bodies of API requests. No
guest runs. If the initrd's init is the one of banger's KVM probe, the console gets its words."""
import json
import types

from .api import Fault
from .guest import cpio_file

BAD_CONFIGURATION = 152
REQUIRED = ("boot-source", "drives")
KNOWN = (*REQUIRED, "machine-config")
PROBE_WORDS = b"banger-kvm-ok"


def requests_of(config):
    for name in REQUIRED:
        if name not in config:
            raise Fault(f"missing field `{name}`")
    for name in config:
        if name not in KNOWN:
            raise Fault(f"unknown field `{name}`")
    if "machine-config" in config:
        yield "/machine-config", config["machine-config"]
    yield "/boot-source", config["boot-source"]
    for drive in config["drives"]:
        yield f"/drives/{drive['drive_id']}", drive


def run(path, rules, console, stop):
    """Carries out the configuration, and returns when the guest has reset."""
    try:
        with open(path) as file:
            config = json.load(file)
        for where, body in requests_of(config):
            rules.carry_out(types.SimpleNamespace(method="PUT", path=where, body=json.dumps(body)))
        with open(config["boot-source"].get("initrd_path", "/dev/null"), "rb") as file:
            init = cpio_file(file.read(), "init") or b""
    except (Fault, OSError, ValueError) as why:
        stop(BAD_CONFIGURATION, f"Configuration for VMM from one single json failed: {why}")
    console("fake guest: " + config["boot-source"].get("boot_args", ""))
    if PROBE_WORDS in init:
        console(PROBE_WORDS.decode())
