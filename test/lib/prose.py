"""Checks how documents are written: the width of lines, and the length of sentences outside code and tables."""
import re

COLUMNS = 140
LONGEST = 25  # words in one sentence
AVERAGE = 15  # words in a sentence, over a whole document
SEMICOLONS = 1  # in one paragraph

LIST_ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+")


def wide_lines(text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > COLUMNS:
            yield f"line {number} has {len(line)} columns, more than {COLUMNS}"


def paragraphs(text):
    """Returns each paragraph and list item as one line, without code, tables and headings."""
    parts = []
    for line in text.splitlines():
        item = LIST_ITEM.match(line)
        if not line.strip() or line.startswith(("    ", "|", "#")):
            parts.append("")
        elif item:
            parts.append(line[item.end():])
        elif parts and parts[-1]:
            parts[-1] += " " + line.strip()
        else:
            parts.append(line.strip())
    return [re.sub(r"`[^`]*`", "code", part) for part in parts if part]


def sentences(paragraph):
    return [part for part in re.split(r"(?<=[.?!])[*)\"]*\s+", paragraph) if part]


def words(sentence):
    return len(re.findall(r"\S*\w\S*", sentence))


def long_sentences(text):
    for paragraph in paragraphs(text):
        if paragraph.count(";") > SEMICOLONS:
            yield f"more than {SEMICOLONS} semicolon in a paragraph: {paragraph[:60]}…"
        for sentence in sentences(paragraph):
            if words(sentence) > LONGEST:
                yield f"{words(sentence)} words in a sentence, more than {LONGEST}: {sentence[:60]}…"


def hard_to_read(text):
    counts = [words(sentence) for paragraph in paragraphs(text) for sentence in sentences(paragraph)]
    if counts and sum(counts) > AVERAGE * len(counts):
        yield f"{sum(counts) / len(counts):.1f} words in a sentence on average, more than {AVERAGE}"


def problems(text):
    yield from wide_lines(text)
    yield from long_sentences(text)
    yield from hard_to_read(text)


def self_check():
    """Asserts that every kind of fault is found, and that long code, long tables and long headings are no faults."""
    many = "word " * (LONGEST + 1)
    long_average = ("word " * (AVERAGE + 1) + ".\n\n") * 3
    for bad in ("x" * (COLUMNS + 1), f"One.\n{many}.", f"- One.\n- {many}.", "a; b;\nc", long_average):
        assert list(problems(bad)), bad
    for good in (f"    {many}\n", f"| {many} |\n", "# " + many[:-5], "`" + many + "` is code.", "a; b\n\nc; d"):
        assert not [fault for fault in problems(good) if "columns" not in fault], good
