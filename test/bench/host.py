"""The banger under measurement. It has its own state and configuration, and uses this user's images and kernels."""
import json
import os
import pathlib
import selectors
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from harness import BIN, Banger, free_port, wait_until  # noqa: E402

SHAPE = 'vcpu = 1\nmemory = "512M"\n'


def timed(f):
    began = time.perf_counter()
    f()
    return (time.perf_counter() - began) * 1000


class Host(Banger):
    def __init__(self, prefix=(), data=None, user=None):
        data = data or os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share"
        super().__init__(data=data, prefix=prefix, user=user)

    def configure(self, **keys):
        """Writes a new configuration and stops the daemon; running VMs keep running. Builds the template in advance.

        Bars are about machines, so root's VMs are in the user network. The private network has figures of its own."""
        if self.user is None:
            keys.setdefault("network", '"user"')
        path = pathlib.Path(self.env["XDG_CONFIG_HOME"]) / "banger/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{key} = {value}\n" for key, value in keys.items())
        path.write_text(f"{text}[vm_defaults]\n{SHAPE}")
        self.ok("daemon", "stop")
        self.ok("template", "build", timeout=600)

    def show(self, vm):
        return self.json("vm", "show", vm)

    def delete(self, *vms):
        self.ok("vm", "delete", "--force", *vms)

    def time(self, *args):
        return timed(lambda: self.ok(*args))

    def first_output(self, *args):
        """Returns the milliseconds to a command's first byte of output, and to its end."""
        return self.first_outputs([args])[0]

    def first_outputs(self, commands, began=None):
        """Does the same for several commands at once, measured from `began` or from the start of the first."""
        began = began or time.perf_counter()
        waiting = selectors.DefaultSelector()
        processes = [self.popen(*args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                     for args in commands]
        times = [[None, None] for _ in processes]
        for index, process in enumerate(processes):
            waiting.register(process.stdout, selectors.EVENT_READ, index)
        while waiting.get_map():
            for key, _ in waiting.select():
                now = (time.perf_counter() - began) * 1000
                if os.read(key.fd, 4096):
                    times[key.data][0] = times[key.data][0] or now
                else:
                    waiting.unregister(key.fileobj)
                    processes[key.data].wait()
                    times[key.data][1] = (time.perf_counter() - began) * 1000
        for args, process, (first, _) in zip(commands, processes, times):
            errors = process.stderr.read().decode(errors="replace")
            process.stdout.close()
            process.stderr.close()
            if process.returncode != 0 or first is None:
                raise RuntimeError(f"banger {' '.join(args)}: exit {process.returncode}: {errors}")
        return times

    def wait_for_pool(self, templates=1):
        """Waits until so many templates have a clone in the ready pool that is ready for use."""
        def ready():
            pools = [template["pool"] for template in self.json("template", "list")]
            return sum(any(vm["state"] == "ready" for vm in pool) for pool in pools) >= templates
        wait_until(ready, "the ready pool", 120)

    def spawn_agent(self, vm, rounds):
        """Returns the milliseconds that the guest's agent itself needs to start a command, for each round."""
        text = self.ok("vm", "exec", vm, "--", "/run/banger/banger-agent", "measure-spawn", str(rounds), "/bin/true")
        return [float(line) for line in text.split()]


def binary_bytes():
    return os.path.getsize(BIN / "banger")


def host_facts(host):
    status = host.json("daemon", "status")
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout.splitlines()
    return {"banger": status["version"], "qemu": qemu[0] if qemu else "", "processors": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}


def dump(report, path):
    pathlib.Path(path).write_text(json.dumps(report, indent=2) + "\n")
