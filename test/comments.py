#!/usr/bin/env python3
"""Checks that comments and docstrings are easy to read: no sentence over 25 words, one semicolon a paragraph
(test/lib/prose.py)."""
import ast
import io
import pathlib
import re
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "lib"))
import prose  # noqa: E402

FOLDERS = ("src", "test", "scripts", "clients")
WHOLE_LINE = re.compile(r"\s*//[/!]*<?\s?(.*)")
TRAILING = re.compile(r"\s//[/!]*<?\s(.*)$")


def blocks(lines):
    """Joins adjacent comment lines. `lines` yields a comment's text, or None for a line without one. Gives (line, text)
    of each block."""
    block, first = [], 0
    for number, text in enumerate([*lines, None], 1):
        if text is not None:
            first = first if block else number
            block.append(text)
        elif block:
            yield first, "\n".join(block)
            block = []


def cpp(text):
    lines = text.splitlines()
    whole = [WHOLE_LINE.fullmatch(line) for line in lines]
    yield from blocks(found and found[1] for found in whole)
    for number, (line, found) in enumerate(zip(lines, whole), 1):
        trailing = None if found else TRAILING.search(line)
        if trailing:
            yield number, trailing[1]


def python(text):
    lines = [None] * len(text.splitlines())
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            lines[token.start[0] - 1] = token.string[1:].removeprefix(" ")
    yield from blocks(lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            yield node.body[0].lineno, ast.get_docstring(node)


def reader_of(path):
    """The function that finds comments in this file; None for a file of another kind."""
    if path.suffix in (".cc", ".h"):
        return cpp
    if path.suffix == ".py" or (not path.suffix and path.read_bytes().startswith(b"#!/usr/bin/env python3")):
        return python
    return None


def without_tables(comment):
    """Indented lines are tables and drawings, not sentences."""
    return "\n".join("" if line.startswith("  ") else line for line in comment.splitlines())


def problems(text, reader):
    for number, comment in reader(text):
        for fault in prose.long_sentences(without_tables(comment)):
            yield f"{number}: {fault}"


def self_check():
    long = "word " * 26
    for bad in (f"int a;  // {long}", f"/// One.\n/// {long}\n", "// a; b;\n// c\n"):
        assert len(list(problems(bad, cpp))) == 1, bad
    assert not list(problems(f'const char* k = "{long}";  // short\n// One.\n\n// Two; three.\n', cpp))
    for bad in (f'"""{long}"""\n', f"a = 1  # {long}\n", f'def f():\n    """One.\n\n    {long}"""\n'):
        assert len(list(problems(bad, python))) == 1, bad


def main():
    self_check()
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))
             if path.is_file() and "__pycache__" not in path.parts and reader_of(path)]
    found = [f"{path.relative_to(ROOT)}:{fault}" for path in files
             for fault in problems(path.read_text(), reader_of(path))]
    print("\n".join(found) or f"comments: {len(files)} files, fine")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
