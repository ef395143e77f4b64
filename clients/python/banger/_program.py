"""What the program banger says when it fails."""
from __future__ import annotations

import re

from ._errors import Error, Internal, error_of

_CODE = re.compile(r"^  code: (\w+)$", re.M)
_SAID = re.compile(r"^banger: (.*?)(?: \(hint: (.*)\))?$", re.M)


def program_error(stderr: bytes) -> Error:
    """The error of a command that ran with -v. The last line of the program itself is the reason."""
    text = stderr.decode(errors="replace")
    said = list(_SAID.finditer(text))
    if not said:
        return Internal(text.strip()[-2000:] or "the program banger failed, and does not tell why")
    code = _CODE.search(text)
    return error_of(code[1] if code else "invalid", said[-1][1], said[-1][2] or "")
