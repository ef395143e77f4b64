"""What is different in the client for asyncio: how it waits. The blocking client is made of the rest of its code."""
import asyncio
import os
import threading
import time
import unittest

from fake import FakeDaemon, FrameType, stream

import banger
from banger import aio, calls


class Asyncio(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        self.client = aio.Client(socket=self.daemon.path)

    def answer(self, run):
        self.daemon.methods["vm.exec"] = stream(run)

    async def test_a_block_runs_commands_and_deletes_its_vm(self):
        def echo(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            for kind, payload in frames:
                if kind is FrameType.STDIN_END:
                    break
                peer.frame(FrameType.STDOUT, payload)
            peer.exit()
        self.answer(echo)
        data = os.urandom(1 << 16) * 32
        async with self.client.vm() as vm:
            self.assertEqual((await vm.run(["cat"], input=data)).stdout, data)
            async with await vm.popen(["cat"]) as process:
                await process.write("a\nb")
                await process.close_stdin()
                self.assertEqual([line async for line in process.lines()], ["a", "b"])
        self.assertEqual(self.daemon.methods_called()[-1], "vm.delete")

    async def test_many_commands_run_at_once(self):
        together = threading.Barrier(20, timeout=20)

        def run(peer, spec, frames):
            together.wait()
            peer.frame(FrameType.STARTED)
            peer.frame(FrameType.STDOUT, spec["argv"][1].encode())
            peer.exit()
        self.answer(run)
        vm = await self.client.get("web")
        done = await asyncio.gather(*(vm.run(["echo", str(number)]) for number in range(20)))
        self.assertEqual([each.text for each in done], [str(number) for number in range(20)])

    async def test_a_cancelled_task_ends_its_command(self):
        begun, ended = threading.Event(), threading.Event()

        def hang(peer, spec, frames):
            peer.frame(FrameType.STARTED)
            begun.set()
            for _ in frames:
                pass
            ended.set()
        self.answer(hang)
        vm = await self.client.get("web")
        task = asyncio.create_task(vm.run(["sleep", "9"]))
        self.assertTrue(await asyncio.to_thread(begun.wait, 20))
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(await asyncio.to_thread(ended.wait, 20))

    async def test_a_cancelled_create_is_undone_by_the_daemon(self):
        begun, cancelled = threading.Event(), threading.Event()

        def create(peer, _):
            begun.set()
            peer.read()
            cancelled.set()
        self.daemon.methods["vm.create"] = create
        task = asyncio.create_task(self.client.create())
        self.assertTrue(await asyncio.to_thread(begun.wait, 20))
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(await asyncio.to_thread(cancelled.wait, 20))

    async def test_timeouts_are_those_of_the_blocking_client(self):
        self.answer(lambda peer, spec, frames: (peer.frame(FrameType.STARTED), list(frames)))
        self.daemon.methods["image.list"] = lambda peer, _: peer.read()
        vm = await self.client.get("web")
        with self.assertRaises(banger.CommandTimeout):
            await vm.run(["sleep", "9"], timeout=0.05)
        with self.assertRaises(banger.Timeout):
            await self.client.call(calls.image_list(), timeout=0.05)

    async def test_the_loop_goes_on_while_a_program_runs(self):
        client = aio.Client(socket=self.daemon.path, binary="/bin/sh")
        begun = time.monotonic()
        with self.assertRaises(banger.Timeout):
            await client.program(["-c", "exec sleep 60"], timeout=0.05)
        self.assertLess(time.monotonic() - begun, 30)
        outputs = await asyncio.gather(*(client.program(["-c", f"echo {number}"]) for number in range(3)))
        self.assertEqual(outputs, [b"0\n", b"1\n", b"2\n"])
        with self.assertRaises(banger.Invalid):
            await client.program(["-c", "echo 'banger: no such option' >&2; exit 2"])

    async def test_events_and_logs_are_asynchronous_iterators(self):
        def events(peer, params):
            peer.result({})
            for number in range(3):
                peer.send({"sequence": number, "event": "changed"})
            peer.close()

        def logs(peer, params):
            peer.result({})
            peer.sock.sendall(b"boot\n")
            peer.close()
        self.daemon.methods.update({"vm.events": events, "vm.logs": logs})
        async with self.client.events() as stream:
            self.assertEqual([event.sequence async for event in stream], [0, 1, 2])
        self.assertEqual(await (await self.client.get("web")).logs(), b"boot\n")

    def test_both_clients_have_the_same_names(self):
        self.assertEqual(set(banger.__all__), set(aio.__all__))
        names = ("Client", "Vm", "Process", "Files", "Session", "Sessions", "Workspace", "Events", "Tunnel", "Logs")
        for name in names:
            blocking, other = (dir(getattr(module, name)) for module in (banger, aio))
            self.assertEqual(*({word for word in words if not word.startswith("_")} for words in (blocking, other)))


if __name__ == "__main__":
    unittest.main()
