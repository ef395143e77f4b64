#!/usr/bin/env python3
"""Checks images/kernel/config, and that images/kernel/check-config finds what the kernel's sources dropped.

images/kernel/build itself makes the comparison with real sources."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNEL = ROOT / "images/kernel"
LINE = re.compile(r'CONFIG_[A-Z0-9_]+=(y|\d+|"[^"]*")')
# What guests need: (option, why).
NEEDED = {"VIRTIO_BLK": "the disks", "VIRTIO_CONSOLE": "the link in QEMU", "VIRTIO_VSOCKETS": "the link in Firecracker",
          "VIRTIO_MMIO_CMDLINE_DEVICES": "Firecracker without ACPI", "PCI": "ACPI's tables",
          "PVH": "QEMU's start of a kernel",
          "SERIO_I8042": "the end of Firecracker", "BLK_DEV_INITRD": "banger's initrd", "OVERLAY_FS": "the root",
          "EXT4_FS": "the disks", "SECCOMP": "Docker", "NF_TABLES": "nftables", "NFT_COMPAT": "iptables-nft",
          "NETFILTER_XT_MATCH_CONNTRACK": "Docker", "BRIDGE_NETFILTER": "Docker", "VETH": "containers",
          "FUSE_FS": "FUSE", "VIRTIO_FS": "virtiofs", "9P_FS": "9p", "WIREGUARD": "WireGuard", "TUN": "tun and tap",
          "VMGENID": "fresh random numbers in clones"}


def config_faults(text):
    seen = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name = line.split("=")[0]
        if not LINE.fullmatch(line):
            yield f"images/kernel/config:{number}: not an option that is built in: {line}"
        if name in seen:
            yield f"images/kernel/config:{number}: {name} is there twice"
        seen.add(name)
    for name, why in NEEDED.items():
        if f"CONFIG_{name}" not in seen:
            yield f"images/kernel/config: CONFIG_{name} is missing: {why}"


def check(wanted, made):
    """Runs check-config. Returns its exit status and what it printed."""
    with tempfile.TemporaryDirectory() as place:
        paths = [pathlib.Path(place) / name for name in ("wanted", "made")]
        for path, text in zip(paths, (wanted, made)):
            path.write_text(text)
        done = subprocess.run([KERNEL / "check-config", *paths], capture_output=True, text=True)
    return done.returncode, done.stderr


def checker_faults():
    made = "# CONFIG_B is not set\nCONFIG_A=y\nCONFIG_N=64\nCONFIG_X=y\n"
    cases = [("CONFIG_A=y\nCONFIG_N=64\n", made, None), ("CONFIG_A=y\nCONFIG_B=y\n", made, "CONFIG_B=y became n"),
             ("CONFIG_GONE=y\n", made, "CONFIG_GONE=y became n"), ("CONFIG_N=8\n", made, "CONFIG_N=8 became 64"),
             ("CONFIG_A=y\n", made + "CONFIG_M=m\n", "CONFIG_M is a module")]
    for wanted, result, fault in cases:
        status, words = check(wanted, result)
        if status != (1 if fault else 0) or (fault or "") not in words:
            yield f"check-config {wanted!r}: exit {status}: {words}"


def usage_faults():
    for words in ([], ["--import"], ["/tmp/kernel", "--else"]):
        done = subprocess.run([KERNEL / "build", *words], capture_output=True, text=True)
        if done.returncode != 1 or "hint:" not in done.stderr:
            yield f"images/kernel/build {' '.join(words)}: exit {done.returncode}: {done.stderr}"


def main():
    found = [*config_faults((KERNEL / "config").read_text()), *checker_faults(), *usage_faults()]
    print("\n".join(found) or "kernel_config: no faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
