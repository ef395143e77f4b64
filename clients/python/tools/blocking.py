"""Makes blocking Python code from `async` code, word by word. So each operation of the client is written once."""
import io
import tokenize

HEAD = "# Generated from banger/aio by clients/python/generate. Change the file of this name there.\n"
# These files are written by hand for both ways.
BY_HAND = ("__init__.py", "_io.py")
LEFT_OUT = ("async", "await")
RENAMED = {
    "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__", "__anext__": "__next__",
    "AsyncIterator": "Iterator", "StopAsyncIteration": "StopIteration",
}


def sources(folder):
    return sorted(path for path in folder.glob("*.py") if path.name not in BY_HAND)


def twin(text):
    """Drops `async` and `await`, and renames the words that have a blocking twin. Texts and comments stay."""
    lines = text.splitlines(keepends=True)
    edits = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            edits += docstring_edits(token)
        if token.type in (tokenize.NAME, tokenize.OP) or token.string in LEFT_OUT:
            if token.string in LEFT_OUT:
                edits.append((token.start, (token.end[0], token.end[1] + 1), ""))
            elif token.string in RENAMED:
                edits.append((token.start, token.end, RENAMED[token.string]))
    for (row, begin), (_, end), new in reversed(edits):
        lines[row - 1] = lines[row - 1][:begin] + new + lines[row - 1][end:]
    return HEAD + "".join(lines)


def docstring_edits(token):
    """Examples in docstrings are code, too."""
    for number, line in enumerate(token.string.splitlines()):
        for word in ("async ", "await "):
            at = line.find(f"    {word}") if "    " in line else -1
            if at >= 0:
                column = at + 4 + (token.start[1] if number == 0 else 0)
                yield (token.start[0] + number, column), (token.start[0] + number, column + len(word)), ""
