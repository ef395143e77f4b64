"""Makes Python code from the output of `banger rpc --schema`."""
import keyword
import re
import textwrap

HEAD = '# Generated from src/api by clients/python/generate. Do not change this file.\n'
WIDTH = 118
TYPES = {"text": "str", "path": "str", "integer": "int", "real": "float", "boolean": "bool", "texts": "list[str]",
         "text_map": "dict[str, str]", "counts": "dict[str, int]"}
EMPTY = {"text": '""', "path": '""', "integer": "0", "real": "0.0", "boolean": "False",
         "texts": "field(default_factory=list)", "text_map": "field(default_factory=dict)",
         "counts": "field(default_factory=dict)", "objects": "field(default_factory=list)"}
READERS = {"path": "text"}
PARAMETERS = {"text": "str", "path": "str", "bytes": "Text", "texts": "Sequence[str]",
              "text_map": "Mapping[str, str]"}
CONVERTED = {"bytes": "byte_string({})", "texts": "list({})", "text_map": "dict({})"}


def class_name(name):
    return "".join(word[0].upper() + word[1:].lower() for word in re.split(r"[^A-Za-z0-9]+", name))


def safe(name):
    return name + "_" if keyword.iskeyword(name) else name


def sentence(text):
    """Help texts lack their last full stop. Backslashes would mean something else in a docstring."""
    text = text.rstrip()
    return (text if text.endswith(".") else text + ".").replace("\\", "\\\\")


def docstring(paragraphs, indent):
    pad = " " * indent
    filled = [textwrap.fill(text, WIDTH - 6, initial_indent=pad, subsequent_indent=pad, break_long_words=False,
                            break_on_hyphens=False)
              if not text.startswith("- ") else
              textwrap.fill(text, WIDTH - 6, initial_indent=pad, subsequent_indent=pad + "  ", break_long_words=False,
                            break_on_hyphens=False)
              for text in paragraphs]
    text = filled[0].lstrip()
    for before, after, block in zip(paragraphs, paragraphs[1:], filled[1:]):
        text += ("\n" if before.startswith("- ") and after.startswith("- ") else "\n\n") + block
    end = '"""\n' if len(paragraphs) == 1 else f'\n{pad}"""\n'
    return f'{pad}"""{text}{end}'


def literal(choices):
    return "Literal[" + ", ".join(f'"{choice}"' for choice in choices) + "]"


def wrapped_literal(text, indent):
    """Long types go onto several lines."""
    if len(text) + indent <= WIDTH or "[" not in text:
        return text
    head, items = text.split("[", 1)
    items, tail = items.rsplit("]", 1)
    pad = " " * (indent + 4)
    body = textwrap.fill(items, WIDTH - 2, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False)
    return f"{head}[\n{body}\n{' ' * indent}]{tail}"


def field_type(field):
    kind = TYPES.get(field["type"])
    if field["type"] in ("object", "objects"):
        kind = class_name(field["object"])
        kind = f"list[{kind}]" if field["type"] == "objects" else kind
    if "choices" in field:
        kind = literal(field["choices"])
    return kind + " | None" if optional(field) else kind


def optional(field):
    """Lists and maps that are absent are read as empty ones."""
    return field["type"] == "object" or (field["missing"] != "never" and field["type"] not in ("texts", "objects"))


def default(field):
    if optional(field):
        return "None"
    return f'"{field["choices"][0]}"' if "choices" in field else EMPTY[field["type"]]


def reader(field):
    if field["type"] == "object":
        return f"{class_name(field['object'])}.from_json"
    if field["type"] == "objects":
        return f"records({class_name(field['object'])})"
    return READERS.get(field["type"], field["type"])


def class_of(record):
    lines = ["@dataclass(frozen=True, slots=True, kw_only=True)\n", f"class {class_name(record['name'])}(Record):\n",
             docstring([sentence(record.get("help") or f"The {record['name']} of docs/rpc.md")], 4),
             f'\n    NAME: ClassVar[str] = "{record["name"]}"\n']
    for field in record["fields"]:
        begin = f"    {safe(field['name'])}: {field_type(field)} = {default(field)}\n"
        if len(begin) > WIDTH:
            begin = f"    {safe(field['name'])}: {wrapped_literal(field_type(field), 4)} = {default(field)}\n"
        lines += [begin, docstring([sentence(field["help"])], 4)]
    lines.append("    READERS: ClassVar[Mapping[str, Reader]] = {\n")
    lines += [f'        "{field["name"]}": {reader(field)},\n' for field in record["fields"]]
    return "".join([*lines, "    }\n"])


def in_order(records):
    """An object comes after those that its fields have."""
    done, left = [], list(records)
    while left:
        known = {record["name"] for record in done}
        ready = [record for record in left
                 if all(field.get("object") in (None, *known) for field in record["fields"])]
        if not ready:
            raise SystemExit("the objects of the schema refer to each other in a circle")
        done += ready
        left = [record for record in left if record not in ready]
    return done


def types(schema):
    records = in_order(schema["objects"])
    names = [class_name(record["name"]) for record in records]
    limits = "".join(f"{name.upper()} = {value}\n" for name, value in schema["limits"].items())
    codes = ", ".join(f'"{code}"' for code in schema["errors"])
    return (HEAD + '"""The objects of the daemon\'s interface (docs/rpc.md)."""\n'
            "from __future__ import annotations\n\n"
            "from collections.abc import Mapping\nfrom dataclasses import dataclass, field\n"
            "from typing import ClassVar, Literal\n\n"
            "from ._record import Reader, Record, boolean, counts, integer, real, records, text, text_map, texts\n\n"
            + limits + "\nERROR_CODES = (\n" + textwrap.fill(codes, WIDTH, initial_indent="    ",
                                                           subsequent_indent="    ") + ",\n)\n\n"
            "__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(names)) + "]\n\n\n"
            + "\n\n".join(class_of(record) for record in records))


def parameter_type(parameter):
    if "choices" in parameter:
        return literal(parameter["choices"])
    return PARAMETERS.get(parameter["type"], TYPES.get(parameter["type"]))


def argument(parameter):
    kind = parameter_type(parameter)
    if parameter["required"]:
        return f"{safe(parameter['name'])}: {kind}"
    return f"{safe(parameter['name'])}: {kind} | None = None"


def parameter_help(parameter):
    text = sentence(parameter["help"])
    if parameter.get("default"):
        text += f" The default is {parameter['default']}."
    if "most" in parameter:
        text += f" From {parameter.get('least', 0)} to {parameter['most']}."
    return f"- `{safe(parameter['name'])}`: {text}"


def value_of(parameter):
    name = safe(parameter["name"])
    converted = CONVERTED.get(parameter["type"], "{}").format(name)
    if parameter["required"] or converted == name:
        return converted
    return f"{converted} if {name} is not None else None"


def signature(name, arguments, result):
    line = f"def {name}({', '.join(arguments)}) -> {result}:\n"
    if len(line) <= WIDTH:
        return line
    indent = " " * (len(name) + 5)
    text, rows = "", []
    for part in arguments:
        candidate = f"{text}, {part}" if text else part
        if text and len(indent) + len(candidate) > WIDTH - len(result) - 8:
            rows.append(text + ",")
            candidate = part
        text = candidate
    return f"def {name}(" + ("\n" + indent).join([*rows, text]) + f") -> {result}:\n"


def call_of(method):
    result = class_name(method["result"]) if method["result"] else "None"
    required = [each for each in method["parameters"] if each["required"]]
    others = [each for each in method["parameters"] if not each["required"]]
    arguments = [argument(each) for each in required] + (["*"] if others else []) + [argument(each) for each in others]
    about = [sentence(method["summary"]) + (" " + sentence(method["details"]) if method.get("details") else "")]
    if method.get("stream"):
        about.append(sentence("The connection then is a stream: " + method["stream"]))
    about += [parameter_help(each) for each in method["parameters"]]
    reading = f"{result}.from_json" if method["result"] else "nothing"
    body = [f'        "{each["name"]}": {value_of(each)},\n' for each in method["parameters"]]
    params = "{\n" + "".join(body) + "    }" if body else "{}"
    return (signature(safe(method["name"].replace(".", "_")), arguments, f"Call[{result}]") + docstring(about, 4)
            + f'    return call("{method["name"]}", {reading}, {params})\n')


def calls(schema):
    used = sorted({class_name(method["result"]) for method in schema["methods"] if method["result"]})
    return (HEAD + '"""One function for each method of the daemon. It makes a call for `Client.call`.\n\n'
            "Only required parameters have a position. None leaves a parameter out.\n"
            '"""\nfrom __future__ import annotations\n\nfrom collections.abc import Mapping, Sequence\n'
            "from typing import Literal\n\nfrom ._record import Call, call, nothing\n"
            + "".join(f"from ._types import {name}\n" for name in used) + "from ._values import Text, byte_string\n\n\n"
            + "\n\n".join(call_of(method) for method in schema["methods"]))
