#include "roles/cli/rpc_page.h"

#include <fmt/format.h>

#include "api/method.h"
#include "base/bounds.h"
#include "roles/cli/markdown.h"
#include "rpc/bounds.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kOpening = R"(# The local RPC

This page is the output of `banger rpc --markdown`, and a test compares the two.

The daemon listens on `$XDG_STATE_HOME/banger/run/bangerd.sock`. The socket has mode 0600 in a directory of mode 0700.
The daemon checks the uid of its peer.

- The protocol is JSON-RPC 2.0. Every message is one line of at most {message}.
- A connection may have {calls} calls in flight. Answers are sent in the order in which the calls finish.
- Of the costly calls `host.doctor` and `host.gc`, one of each connection runs at a time.
- When too many clients are connected, the daemon closes the connection that has been idle longest. A connection that
  has made an ephemeral VM is never idle.
- A client that closes its connection cancels its calls.
- `banger rpc METHOD` makes one call and prints the result. `banger rpc` lists the methods.
- `banger rpc --schema` prints the methods and objects of this page as JSON.

## Parameters and results

- The daemon refuses a parameter that is unknown, of another type or out of range. A null parameter counts as absent.
- A *byte string* is text, or `{"base64": TEXT}` for bytes that are not UTF-8. It has no NUL byte.
- Sizes are bytes. Times are unix seconds. Durations are milliseconds, unless the name says otherwise.
- A client ignores fields of a result that the client does not know. Later versions may send more fields.
- The result of a method without a described result is an empty object.

## Errors

`error.message` is a sentence. `error.data` is `{"code": CODE, "hint": TEXT, "errno": NUMBER}`. The codes are
`not_found`, `exists`, `invalid`, `denied`, `busy`, `unavailable`, `timeout`, `corrupt`, `cancelled`, `unsupported`,
`exhausted` and `internal`.

| `error.code` | meaning |
|---|---|
| -32700 | the line is not JSON |
| -32601 | there is no such method |
| -32602 | the code is `invalid` |
| -32000 | any other code |

## Progress

Some methods send notifications while they run. A `percent` of -1 means that the progress is unknown.

    {"method": "progress", "params": {"id": ID, "stage": "boot", "detail": "", "percent": -1}}

## Streams

A *stream call* is answered like any other call. After the answer, the connection is a raw stream of bytes. A stream
call must be the only call on its connection.

If a stream call fails, the daemon sends the error as the last line. The daemon ignores everything that the client sent
after the call. A new connection is required to try again.
)";

constexpr std::string_view kFrames = R"(
## Exec frames

A frame has a type (1 byte), a length (4 bytes, big endian, at most 65536) and a payload of that length.

| type | sender | payload |
|---|---|---|
| 1 *spec* | client | JSON: what the command is |
| 2 *stdin* | client | bytes |
| 3 *stdin end* | client | nothing |
| 4 *signal* | client | the number, 1 byte |
| 5 *resize* | client | rows and columns, 16 bits each, big endian |
| 6 *spec part* | client | the beginning of a long spec |
| 16 *started* | guest | nothing |
| 17 *stdout* | guest | bytes |
| 18 *stderr* | guest | bytes |
| 19 *exit* | guest | `{"code": 0}` or `{"signal": 9}`; also `"ending": true` if the guest's end ended the command |
| 20 *failed* | guest | `{"code": 126, "message"}`; the code is 125, 126 or 127 |
| 21 *position* | guest | only in sessions; a time and two counts, 64 bits each, big endian |

- The client begins with the spec. The last frame of the guest is *exit* or *failed*.
- The spec is `{"argv": […], "env": {NAME: VALUE}, "cwd", "user", "tty": bool, "rows", "cols", "term"}`. Its texts are
  byte strings. `env` may be a list of NAME=VALUE instead.
- A spec over 65536 bytes goes into several frames. All but the last are *spec part*.
- The limits are those of Linux: {string} bytes for an argument or variable, {all} for all of them.
- A client that closes its end ends the command.
- The guest sends *started* again after every *signal* that arrived, whatever the command does with the signal.

The daemon does not wait for the guest, so a client needs deadlines of its own. `banger vm exec` waits 30 s for the
first *started* or *failed*, and 5 s for the answer to a signal.

## stdio_mux_v1

The streams of sessions have the same frames, without *spec* and *spec part*.

- The guest begins with *started*. No more of them follow, also not after a *signal*.
- *position* comes before the first bytes of output, and again where bytes are missing. Its values are a time (unix ms),
  and how many bytes the session had written to stdout and to stderr by then. A client that counts bytes knows how many
  it has missed.
- A client that may write sends *stdin*, *stdin end*, *signal* and *resize*. *stdin end* ends the input of the session;
  in a terminal it is only a key. Frames of a client with `read_only` have no effect.
- A client that closes its end leaves the session running.
- *exit* is the end of the session, or of a log that is not followed. *failed* also ends a client whose session was
  taken over.
- A client that does not read is sent the output later, as far as the log has it.
)";

std::string_view name_of(api::Type type) {
  switch (type) {
    case api::Type::text:
      return "text";
    case api::Type::bytes:
      return "byte string";
    case api::Type::path:
      return "absolute path";
    case api::Type::integer:
      return "whole number";
    case api::Type::real:
      return "number";
    case api::Type::boolean:
      return "true or false";
    case api::Type::texts:
      return "list of texts";
    case api::Type::text_map:
      return "object of texts";
    case api::Type::counts:
      return "object of whole numbers";
    case api::Type::object:
      return "object";
    case api::Type::objects:
      return "list of objects";
  }
  return "";
}

std::string words_of(std::span<const std::string_view> choices) {
  std::string text;
  for (auto choice : choices) text += fmt::format("{}`\"{}\"`", text.empty() ? "" : ", ", choice);
  return text;
}

std::string type_of(const api::Parameter& parameter) {
  auto type = parameter.choices.empty() ? std::string(name_of(parameter.type)) : words_of(parameter.choices);
  if (parameter.most != INT64_MAX) type += fmt::format(" from {} to {}", parameter.least, parameter.most);
  if (parameter.required) return type + ", required";
  return parameter.initial.empty() ? type : fmt::format("{}, default `{}`", type, parameter.initial);
}

std::string type_of(const api::Field& field) {
  auto type = std::string(name_of(field.type));
  if (field.type == api::Type::object) type = field.object->name;
  if (field.type == api::Type::objects) type = fmt::format("list of {}s", field.object->name);
  if (!field.choices.empty()) type = words_of(field.choices);
  if (field.missing == api::Missing::null) type += ", or null";
  return field.missing == api::Missing::absent ? type + ", may be absent" : type;
}

std::string text_of(const api::Object& object) {
  auto text = fmt::format("\n### {}\n\n", object.name);
  for (const auto& field : object.fields)
    text += item(fmt::format("`{}` ({}): {}.", field.name, type_of(field), field.help));
  return text;
}

std::string outcome_of(const api::Method& method) {
  std::string text = "Result: ";
  text += method.result ? std::string(method.result->name) : "an empty object";
  text += '.';
  if (!method.stream.empty()) text += fmt::format(" Stream: {}.", method.stream);
  if (method.progress) text += " Sends progress.";
  if (method.cancellable) text += " Can be cancelled.";
  return text;
}

std::string text_of(const api::Method& method) {
  auto text = fmt::format("\n### `{}`\n\n", method.name);
  text += wrapped(fmt::format("{}. {}", method.summary, method.details));
  if (!method.parameters.empty()) text += "\n";
  for (const auto& parameter : method.parameters)
    text += item(fmt::format("`{}` ({}): {}.", parameter.name, type_of(parameter), parameter.help));
  return text + "\n" + wrapped(outcome_of(method));
}

std::string text_of(const api::Group& group) {
  auto text = fmt::format("\n## {}\n", group.title);
  if (!group.text.empty()) text += fmt::format("\n{}\n", group.text);
  for (const auto* object : group.objects) text += text_of(*object);
  for (const auto& method : group.methods) text += text_of(method);
  return text;
}

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

}  // namespace

std::string rpc_page() {
  auto page =
      replaced(std::string(kOpening), "{message}", fmt::format("{} MiB", limits::kRpcMessageBytes / limits::kMiB));
  page = replaced(std::move(page), "{calls}", fmt::to_string(limits::kRpcInFlight));
  for (const auto* group : api::groups()) page += text_of(*group);
  page += replaced(replaced(std::string(kFrames), "{string}", fmt::to_string(limits::kExecStringBytes)), "{all}",
                   fmt::to_string(limits::kExecBytes));
  return page;
}

}  // namespace banger::roles::cli
