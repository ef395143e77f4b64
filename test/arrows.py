#!/usr/bin/env python3
"""Reads every #include under src/ and fails if a folder includes another folder that it must not include. Also fails if
a third-party header is included outside its owning folder. docs/architecture.md shows the allowed includes, too."""
import pathlib
import re
import sys
import tempfile

# Each folder may include itself and the folders named here. The longest path that matches a file counts, so a subfolder
# can have its own list. Permission for "image" covers "image/apt" too.
ALLOWED = {
    "base": [],
    "host": ["base"],
    "config": ["vm", "host", "base"],
    "guestcfg": ["base"],
    "store": ["host", "base"],
    "net": ["host", "base"],
    "egress": ["net", "base"],
    "link": ["host", "base"],
    "rpc": ["host", "base"],
    "tar": ["host", "base"],
    "ext4": ["tar", "host", "base"],
    "workspace": ["tar", "host", "base"],
    "http": ["host", "base"],
    "certs": ["http", "host", "base"],
    "image": ["guest", "guestcfg", "ext4", "tar", "http", "host", "base"],
    "machine": ["guestcfg", "host", "base"],
    "vm": ["guestcfg", "base"],
    "api": ["vm", "base"],
    "client": ["api", "vm", "rpc", "host", "base"],
    "guest": ["guestcfg", "net", "host", "base"],
    "capabilities": ["guest", "vm", "machine", "workspace", "ext4", "tar", "http", "guestcfg", "egress", "net", "link",
                     "store", "config", "host", "base"],
    "engine": ["capabilities", "vm", "machine", "image", "ext4", "guestcfg", "http", "egress", "net", "link", "store",
               "rpc", "config", "certs", "host", "base"],
    "roles": ["engine", "capabilities", "guest", "client", "api", "vm", "machine", "image", "workspace", "ext4", "tar",
              "certs", "http", "guestcfg", "egress", "net", "link", "store", "rpc", "config", "host", "base"],
}
# Third-party header prefix -> folders or files that may include it.
OWNERS = {
    r"SQLiteCpp/|sqlite3\.h": ["store"],
    r"archive(_entry)?\.h": ["tar", "image/apt"],
    r"zstd\.h|lzma\.h|lz4|zlib\.h": ["tar", "image/kernel"],
    r"ext2fs/|et/com_err": ["ext4"],
    r"nghttp2/": ["link", "egress"],
    r"netlink/": ["net"],
    r"CLI/": ["roles/cli"],
    r"toml\+\+/|toml\.hpp": ["config"],
    r"openssl/": ["certs", "host", "http"],
    r"http_parser\.h|ares\.h": ["http"],
    r"catch2/": [],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    """Returns the longest key of ALLOWED that contains `path`, or None."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in ALLOWED:
            return "/".join(parts[:length])
    return None


def within(room, allowed):
    return any(room == name or room.startswith(name + "/") for name in allowed)


def problems(src: pathlib.Path):
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cc", ".in") or not path.is_file():
            continue
        relative = path.relative_to(src).as_posix()
        if "/" not in relative:
            continue  # main.cc may include every role
        folder = room_of(relative)
        for quote, header in INCLUDE.findall(path.read_text()):
            if quote == '"':
                target = room_of(header)
                if target is None:
                    yield f"{relative}: \"{header}\" is not a path from src/"
                elif target != folder and not within(target, ALLOWED[folder]):
                    yield f"{relative}: {folder} must not include {target} (\"{header}\")"
            for pattern, owners in OWNERS.items():
                if re.match(pattern, header) and not any(relative == o or relative.startswith(o + "/") for o in owners):
                    yield f"{relative}: <{header}> belongs to {owners or 'the tests'}"
            if header == "asio.hpp" and relative.endswith(".h"):
                yield f"{relative}: headers must not include <asio.hpp>"


def self_check():
    """Asserts that a wrong include of each kind is found; otherwise a clean result would prove nothing."""
    wrong = {"base/a.h": '#include "host/files.h"', "link/b.cc": "#include <archive.h>",
             "vm/c.h": "#include <asio.hpp>", "rpc/d.cc": '#include "files.h"'}
    with tempfile.TemporaryDirectory() as place:
        for name, line in wrong.items():
            path = pathlib.Path(place) / name
            path.parent.mkdir()
            path.write_text(line + "\n")
        found = list(problems(pathlib.Path(place)))
    assert len(found) == len(wrong), found


def main():
    self_check()
    src = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "src")
    found = list(problems(src))
    for line in found:
        print(line)
    print(f"{len(found)} wrong includes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
