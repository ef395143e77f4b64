"""The Python client of clients/python with the real daemon and real guests."""
import asyncio
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "lib"), str(ROOT / "clients" / "python")]
from harness import BIN, ShapedCase, wait_until  # noqa: E402

import banger  # noqa: E402
from banger import aio, calls  # noqa: E402

OPTIONS = {"vcpus": 1, "memory": "512M"}  # those of seed.SHAPE
ODD = b"a b\n\xff"


# Not sys.executable: this user may not be allowed to run the interpreter that began the run.
PYTHON = shutil.which("python3")


class PythonClient(ShapedCase):
    config = "pool_size = 0\n"

    def setUp(self):
        super().setUp()
        self.client = banger.Client(binary=str(BIN / "banger"), env=self.b.env)
        self.aio = aio.Client(binary=str(BIN / "banger"), env=self.b.env)

    def names(self):
        return [vm.name for vm in self.client.vms()]

    def test_a_block_runs_commands_in_a_vm_that_is_gone_afterwards(self):
        with self.client.vm(name="py", env={"FROM": "vm"}, labels={"a": "b"}, **OPTIONS) as vm:
            self.assertEqual((vm.name, vm.info.memory_bytes, vm.info.labels), ("py", 512 << 20, {"a": "b"}))
            self.assertEqual(vm.run("echo $FROM; echo lost >&2").text, "vm\n")
            done = vm.run("cat; pwd; id -un; exit 7", input="in\n", cwd="/tmp", user="nobody", check=False)
            self.assertEqual((done.returncode, done.text), (7, "in\n/tmp\nnobody\n"))
            with self.assertRaisesRegex(banger.CommandFailed, "exit status 3: no such thing"):
                vm.run("echo no such thing >&2; exit 3")
            with self.assertRaises(banger.NotStarted) as missing:
                vm.run(["no-such-command"], check=False)
            self.assertEqual(missing.exception.returncode, 127)
            self.assertEqual(vm.run("kill -TERM $$", check=False).returncode, -15)
            self.assertEqual(vm.run(["printf", "%s", ODD]).stdout, ODD)
        self.assertNotIn("py", self.names())
        with self.assertRaisesRegex(banger.NotFound, "py"):
            self.client.get("py")
        with self.assertRaises(banger.Invalid):
            self.client.create(name="not a name")

    def test_a_command_ends_with_its_deadline_its_reader_or_its_process(self):
        with self.client.vm(**OPTIONS) as vm:
            def gone(word):
                wait_until(lambda: vm.run(["pgrep", "-f", word], check=False).returncode == 1, f"{word} to end")
            with self.assertRaises(banger.CommandTimeout) as late:
                vm.run("echo begun; exec sleep 1111", timeout=10)
            self.assertEqual(late.exception.stdout, b"begun\n")
            gone("sleep 111[1]")
            with self.assertRaises(banger.Exhausted):
                vm.run(["yes", "endless"], max_output=1 << 20)
            gone("yes endles[s]")
            with vm.popen("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done") as process:
                lines = process.lines()
                self.assertEqual(next(lines), "ready")
                process.send_signal(2)
                self.assertEqual(list(lines), ["caught"])
                self.assertEqual(process.returncode, 5)
            data = os.urandom(8 << 20)
            self.assertEqual(vm.run(["cat"], input=data).stdout, data)

    def test_files_travel_in_both_directions(self):
        with self.client.vm(**OPTIONS) as vm:
            data = os.urandom(3 << 20)
            vm.files.write(b"/srv/x/" + ODD, data, parents=True, mode=0o640)
            self.assertEqual(vm.files.read(b"/srv/x/" + ODD), data)
            vm.run(["ln", "-s", "/etc/hostname", "/srv/x/link"])
            vm.files.mkdir("/srv/x/folder")
            entries = {entry.name: entry for entry in vm.files.list("/srv/x")}
            self.assertEqual({name: entry.type for name, entry in entries.items()},
                             {os.fsdecode(ODD): "file", "link": "symlink", "folder": "directory"})
            odd = entries[os.fsdecode(ODD)]
            self.assertEqual((odd.mode, odd.size), (0o640, len(data)))
            self.assertEqual(vm.files.read_text("/srv/x/link"), vm.name + "\n")
            for call, error in ((lambda: vm.files.read("/none"), banger.NotFound),
                                (lambda: vm.files.read("/srv"), banger.Invalid),
                                (lambda: vm.files.list("/none"), banger.NotFound),
                                (lambda: vm.files.list("/etc/hostname"), banger.Invalid),
                                (lambda: vm.files.write("/none/x", "y"), banger.NotFound)):
                self.assertRaises(error, call)
            local = self.b.root / "tree"
            (local / "inner").mkdir(parents=True)
            (local / "inner" / "a").write_text("one")
            vm.files.put(local, "/srv/copy")
            vm.run("echo two >> /srv/copy/inner/a")
            vm.files.get("/srv/copy", self.b.root / "back")
            self.assertEqual((self.b.root / "back/inner/a").read_text(), "onetwo\n")
            vm.files.remove("/srv/copy")
            self.assertFalse(vm.files.exists("/srv/copy"))
            with self.assertRaises(banger.NotFound):
                vm.files.get("/srv/copy", self.b.root / "again")

    def test_forks_snapshots_and_a_suspend_keep_processes(self):
        with self.client.vm(**OPTIONS) as vm:
            session = vm.sessions.start("while read -r line; do echo got $line; done; echo end", name="loop")
            session.send("one\n")
            wait_until(lambda: b"got one\n" in session.logs(), "the answer")
            first, second = vm.fork(2)
            self.assertEqual(first.info.way, "fork")
            for child in (first, second):
                copy = child.sessions.get("loop")
                copy.send(f"{child.name}\n", close=True)
                self.assertEqual(copy.wait(timeout=180).state, "exited")
                self.assertEqual(copy.logs(), f"got one\ngot {child.name}\nend\n".encode())
            self.assertEqual(session.refresh().state, "running")
            vm.run("echo before > /root/state")
            snapshot = vm.snapshot("before")
            self.assertTrue(snapshot.has_memory)
            vm.run("echo after > /root/state")
            vm.restore("before", force=True)
            self.assertEqual(vm.files.read_text("/root/state"), "before\n")
            self.assertEqual(vm.suspend().state, "suspended")
            self.assertEqual(vm.resume().state, "running")
            with vm.sessions.get("loop").attach() as process:
                process.write("attached\n")
                self.assertIn("got attached", process.lines())
        self.assertEqual(self.names(), [])
        self.assertEqual([each.name for each in self.client.snapshots()], ["before"])
        self.client.delete_snapshot("before")

    def test_events_ports_logs_and_a_policy_of_egress(self):
        with self.client.events() as events, self.client.vm(name="web", **OPTIONS) as vm:
            kinds = []
            while "running" not in kinds:
                event = events.next(timeout=180)
                kinds.append(event.event)
                self.assertEqual(event.name, "web")
            wait_until(lambda: any(port.port == 22 for port in vm.ports(probe=False)), "the guest's ssh")
            with vm.connect(22) as connection:
                self.assertTrue(connection.read(timeout=180).startswith(b"SSH-2.0-"))
                connection.write(b"not ssh\r\n")
                while connection.read(timeout=180):
                    pass
            self.assertIsInstance(vm.logs(), bytes)
            self.assertGreater(vm.stats().memory_total_bytes, 0)
            with self.assertRaises(banger.Invalid):
                vm.egress()  # nothing is recorded for a guest without a policy
            self.assertEqual(self.client.call(calls.vm_show("web")).id, vm.id)
            self.assertEqual(vm.set(labels={"x": "y"}).labels, {"x": "y"})

    def test_a_workspace_travels_and_its_changes_come_back(self):
        repo = self.b.root / "repo"
        repo.mkdir()
        git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@b"]
        (repo / "file").write_text("one\n")
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run([*git, *words], check=True, env=self.b.env)
        with self.client.vm(**OPTIONS) as vm:
            vm.workspace.prepare(repo)
            vm.run("echo two >> file", cwd="/root/repo")
            self.assertEqual(vm.workspace.status(repo)["guest"]["files"], ["file"])
            self.assertIn("+two", vm.workspace.diff())
            self.assertIn(b"+two", vm.workspace.export())
            vm.workspace.apply(repo)
            self.assertEqual((repo / "file").read_text(), "one\ntwo\n")
            with self.assertRaises(banger.Error):
                vm.workspace.prepare(self.b.root / "none")

    def test_a_killed_process_leaves_no_vm_and_a_new_daemon_is_found(self):
        script = textwrap.dedent(f"""
            import sys, time
            sys.path.insert(0, {str(ROOT / 'clients/python')!r})
            import banger
            vm = banger.Client(binary={str(BIN / 'banger')!r}).create(name="left", **{OPTIONS!r})
            print("made", flush=True)
            time.sleep(600)""")
        with subprocess.Popen([PYTHON, "-c", script], env=self.b.env, stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"made\n")
            self.assertEqual(self.names(), ["left"])
            process.kill()
        wait_until(lambda: self.names() == [], "the end of the VM")

        with self.client.vm(keep=True, **OPTIONS) as kept, self.client.vm(**OPTIONS) as vm:
            self.b.kill_daemon()
            self.assertEqual(kept.run(["echo", "again"]).text, "again\n")
            with self.assertRaisesRegex(banger.NotFound, "keep=True"):
                vm.stats()
        self.assertEqual(self.names(), [kept.name])
        kept.delete()

    def test_asyncio_and_threads_run_commands_at_once(self):
        async def story():
            async with self.aio.vm(**OPTIONS) as vm:
                done = await asyncio.gather(*(vm.run(["echo", str(number)]) for number in range(8)))
                self.assertEqual([each.text for each in done], [f"{number}\n" for number in range(8)])
                task = asyncio.create_task(vm.run(["sleep", "2222"]))
                while (await vm.run(["pgrep", "-f", "sleep 222[2]"], check=False)).returncode:
                    await asyncio.sleep(0.05)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                while not (await vm.run(["pgrep", "-f", "sleep 222[2]"], check=False)).returncode:
                    await asyncio.sleep(0.05)
                await vm.files.write("/root/a", "text")
                return await vm.files.read_text("/root/a")
        self.assertEqual(asyncio.run(asyncio.wait_for(story(), 600)), "text")

        with self.client.vm(**OPTIONS) as vm:
            texts = {}
            threads = [threading.Thread(target=lambda n=number: texts.update({n: vm.run(["echo", str(n)]).text}))
                       for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(texts, {number: f"{number}\n" for number in range(8)})


if __name__ == "__main__":
    unittest.main()
