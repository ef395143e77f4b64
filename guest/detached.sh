# `sh -c` runs this script in the guest, with a command and its arguments as $1 and so on. The command goes on without
# its client, without input and without output. Only a command that does not exist is reported.
command -v "$1" >/dev/null 2>&1 || { echo "$1: not found" >&2; exit 127; }
"$@" </dev/null >/dev/null 2>&1 &
