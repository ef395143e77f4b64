"""The generators: blocking code from `async` code, and Python from the daemon's schema."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import blocking  # noqa: E402
import schema_code  # noqa: E402

FIELD = {"name": "a", "help": "Help", "type": "text", "missing": "never"}


class Blocking(unittest.TestCase):
    def twin(self, text):
        return blocking.twin(text).removeprefix(blocking.HEAD)

    def test_async_words_go_and_names_have_twins(self):
        self.assertEqual(self.twin("async def __aenter__(self):\n    return await f(await g())\n"),
                         "def __enter__(self):\n    return f(g())\n")
        self.assertEqual(self.twin("x = [y async for y in await z()]\nraise StopAsyncIteration\n"),
                         "x = [y for y in z()]\nraise StopIteration\n")

    def test_texts_and_comments_stay_and_examples_follow(self):
        text = '"""Needs no await here.\n\n    async with f() as g:\n"""\n# await\n'
        self.assertEqual(self.twin(text), '"""Needs no await here.\n\n    with f() as g:\n"""\n# await\n')

    def test_the_twins_are_current(self):
        for source in blocking.sources(ROOT / "banger/aio"):
            with self.subTest(source.name):
                twin = ROOT / "banger/_sync" / source.name
                self.assertEqual(twin.read_text(), blocking.twin(source.read_text()))


class Schema(unittest.TestCase):
    def schema(self, **more):
        return {"errors": ["busy"], "limits": {"frame_bytes": 7}, "objects": [], "methods": []} | more

    def test_objects_become_classes_after_those_that_they_have(self):
        outer = {"name": "VM object", "fields": [FIELD | {"type": "objects", "object": "left-out object"}]}
        inner = {"name": "left-out object", "fields": [FIELD | {"choices": ["x", "y"], "missing": "absent"}]}
        text = schema_code.types(self.schema(objects=[outer, inner]))
        self.assertLess(text.index("class LeftOutObject"), text.index("class VmObject"))
        self.assertIn('a: Literal["x", "y"] | None = None', text)
        self.assertIn("a: list[LeftOutObject] = field(default_factory=list)", text)
        self.assertIn("FRAME_BYTES = 7", text)
        compile(text, "types", "exec")

    def test_objects_that_have_each_other_are_refused(self):
        circle = {"name": "a", "fields": [FIELD | {"type": "object", "object": "a"}]}
        self.assertRaises(SystemExit, schema_code.types, self.schema(objects=[circle]))

    def test_methods_become_functions_with_safe_names(self):
        method = {"name": "vm.import", "summary": "Does it", "result": None, "parameters": [
            {"name": "from", "help": "Where", "type": "bytes", "required": False},
            {"name": "vm", "help": "Which", "type": "text", "required": True}]}
        text = schema_code.calls(self.schema(methods=[method]))
        self.assertIn("def vm_import(vm: str, *, from_: Text | None = None) -> Call[None]:", text)
        self.assertIn('"from": byte_string(from_) if from_ is not None else None,', text)
        compile(text, "calls", "exec")


if __name__ == "__main__":
    unittest.main()
