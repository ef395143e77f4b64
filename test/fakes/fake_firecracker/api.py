"""Firecracker's API rules: the allowed order of requests, the fields of each version, and the texts of refusals."""
import json
import pathlib
import re

TABLE = pathlib.Path(__file__).resolve().parent.parent / "firecracker_api.json"
SNAPSHOT_VERSIONS = {7: 1, 8: 2, 9: 3, 10: 4, 11: 5, 12: 6, 13: 8, 14: 8, 15: 9, 16: 10, 17: 11}


def parse_version(text):
    return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)\.(\d+)", text).groups())


class Fault(Exception):
    """A refusal, with a text similar to Firecracker's."""


class Ended(Exception):
    """A refusal after which the process ends."""

    def __init__(self, why, code):
        super().__init__(why)
        self.code = code


def type_fits(wanted, value):
    if isinstance(wanted, list):
        return value in wanted
    return {"string": lambda: isinstance(value, str), "boolean": lambda: isinstance(value, bool),
            "integer": lambda: isinstance(value, int) and not isinstance(value, bool),
            "object": lambda: isinstance(value, dict), "array": lambda: isinstance(value, list)}[wanted]()


def check_fields(spec, body, version):
    """Raises Fault for a field that is unknown in this version, missing, or of the wrong type."""
    known = {}
    for name, field in spec["fields"].items():
        field = field if isinstance(field, dict) else {"type": field}
        since, until = field.get("since"), field.get("until")
        if (since and version < parse_version(since)) or (until and version >= parse_version(until)):
            continue
        known[name] = field
    for name, value in body.items():
        if name not in known:
            if spec.get("open"):
                continue
            expected = ", ".join(f"`{key}`" for key in known)
            raise Fault(f"An error occurred when deserializing the json body of a request: unknown field `{name}`, "
                        f"expected one of {expected} at line 1 column 2.")
        check_value(name, known[name], value, version)
    required = list(spec["required"])
    for before, names in spec.get("required_before", {}).items():
        if version < parse_version(before):
            required += names
    for name in required:
        if name not in body:
            raise Fault(f"An error occurred when deserializing the json body of a request: missing field `{name}` at "
                        f"line 1 column {len(json.dumps(body))}.")
    if "one_of" in spec and sum(name in body for name in spec["one_of"]) != 1:
        raise Fault("too few or too many fields: either `mem_backend` or `mem_file_path` must be given")


def check_value(name, field, value, version):
    if not type_fits(field["type"], value):
        kind = "unknown variant" if isinstance(field["type"], list) else "invalid type"
        raise Fault(f"An error occurred when deserializing the json body of a request: {kind} {json.dumps(value)} for "
                    f"`{name}` at line 1 column 2.")
    if "min" in field and not field["min"] <= value <= field.get("max", value):
        raise Fault(f"The value of {name} is out of range.")
    if "fields" in field:
        for each in value if isinstance(value, list) else [value]:
            check_fields(field, each, version)


class Api:
    """Checks requests against the table. `machine` carries them out."""

    def __init__(self, version, machine):
        self.version, self.machine = parse_version(version), machine
        self.table = json.loads(TABLE.read_text())["requests"]

    def find(self, method, path):
        for spec in self.table:
            pattern = re.sub(r"\{\w+\}", "([^/]+)", spec["path"])
            match = re.fullmatch(pattern, path)
            since = spec.get("since")
            if spec["method"] == method and match and not (since and self.version < parse_version(since)):
                return spec, match.groups()
        raise Fault(f"Invalid request method and/or path: {method} {path}.")

    def handle(self, request):
        """Returns (status, body, exit code or None). With an exit code the process ends after the answer."""
        try:
            reply = self.carry_out(request)
            return (204, "", None) if reply is None else (200, json.dumps(reply), None)
        except Fault as why:
            return 400, json.dumps({"fault_message": str(why)}), None
        except Ended as why:
            return 400, json.dumps({"fault_message": str(why)}), why.code

    def carry_out(self, request):
        spec, ids = self.find(request.method, request.path)
        if request.method in ("GET", "DELETE"):
            if request.body:
                raise Fault(f"{request.method} request cannot have a body.")
            return self.machine.get(request.path)
        if not request.body:
            raise Fault(f"Empty {request.method} request.")
        try:
            body = json.loads(request.body)
        except ValueError as why:
            raise Fault(f"An error occurred when deserializing the json body of a request: {why}.") from None
        if not isinstance(body, dict):
            raise Fault("An error occurred when deserializing the json body of a request: invalid type.")
        self.check_order(spec)
        check_fields(spec, body, self.version)
        for given in ids:
            if not re.fullmatch(r"\w+", given, re.A):
                raise Fault(f"API Resource IDs can only contain alphanumeric characters and underscores: {given}")
            if given != body[spec["id"]]:
                raise Fault("The id from the path does not match the id from the body!")
        if spec.get("boots"):
            self.machine.boot_path = True
        return self.machine.do(spec["method"], spec["path"], body)

    def check_order(self, spec):
        started = self.machine.state != "Not started"
        if spec["when"] == "before boot" and started:
            raise Fault("The requested operation is not supported after starting the microVM.")
        if spec["when"] == "after boot" and not started:
            raise Fault("The requested operation is not supported before starting the microVM.")
