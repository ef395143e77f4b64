// vm.session.*
#include "api/bounds.h"
#include "api/method.h"
#include "api/methods/parameters.h"
#include "api/objects/session.h"

namespace banger::api {

namespace {

constexpr std::string_view kInputs[] = {"pipe", "pty", "none"};
constexpr std::string_view kStreams[] = {"stdout", "stderr"};

constexpr Parameter kSession{.name = "session",
                             .required = true,
                             .help = "A name or an id. Of several sessions with the name, the live one or the latest"};

constexpr Parameter kStartParameters[] = {
    kVmParameter,
    {.name = "name", .help = "The name. By default, banger makes one up"},
    {.name = "argv",
     .type = Type::texts,
     .help = "The command. By default, the user's login shell, or with `main` the words of the image"},
    {.name = "env", .type = Type::text_map, .help = "Variables besides those of the guest"},
    {.name = "cwd", .type = Type::bytes, .help = "The directory, which must exist. By default, that of `vm.exec`"},
    {.name = "user", .help = "The user, or USER:GROUP. By default, the image's choice, or root"},
    {.name = "stdin_mode",
     .initial = "\"pipe\"",
     .help = "The standard input. With `pty` the command has a terminal",
     .choices = kInputs},
    {.name = "require", .type = Type::texts, .help = "Commands that the guest must have"},
    {.name = "main",
     .type = Type::boolean,
     .initial = "false",
     .help = "Runs the main command of the image. `argv` replaces its last words"},
    {.name = "rows", .type = Type::integer, .initial = "24", .help = "Of the terminal", .least = 0, .most = 65535},
    {.name = "cols", .type = Type::integer, .initial = "80", .help = "Of the terminal", .least = 0, .most = 65535},
    {.name = "term", .initial = "\"xterm-256color\"", .help = "TERM of the terminal"},
};

constexpr Parameter kListParameters[] = {kVmParameter};
constexpr Parameter kOneParameters[] = {kVmParameter, kSession};

constexpr Parameter kLogsParameters[] = {
    kVmParameter,
    kSession,
    {.name = "stream", .help = "Only this output. By default, both", .choices = kStreams},
    {.name = "follow",
     .type = Type::boolean,
     .initial = "false",
     .help = "Sends what is written later too, until the session ends"},
    {.name = "since_ms",
     .type = Type::integer,
     .initial = "0",
     .help = "Leaves out what was written before this unix time in milliseconds",
     .least = 0},
};

constexpr Parameter kAttachParameters[] = {
    kVmParameter,
    kSession,
    {.name = "read_only", .type = Type::boolean, .initial = "false", .help = "Only reads. Any number of clients may"},
    {.name = "steal",
     .type = Type::boolean,
     .initial = "false",
     .help = "Takes the session over from another client that writes. That client gets *failed*"},
    {.name = "scrollback_bytes",
     .type = Type::integer,
     .initial = "65536",
     .help = "How much of the end of the log is sent first",
     .least = 0,
     .most = limits::kScrollbackMostBytes},
};

constexpr Parameter kSendParameters[] = {
    kVmParameter,
    kSession,
    {.name = "data", .initial = "\"\"", .help = "The bytes in base64, at most 512 KiB of them"},
    {.name = "close", .type = Type::boolean, .initial = "false", .help = "Ends the input after the bytes"},
};

constexpr Parameter kSignalParameters[] = {
    kVmParameter,
    kSession,
    {.name = "signal",
     .type = Type::integer,
     .required = true,
     .help = "The number. On a terminal, the foreground gets the signal",
     .least = 1,
     .most = 64},
};

constexpr Parameter kResizeParameters[] = {
    kVmParameter,
    kSession,
    {.name = "rows", .type = Type::integer, .required = true, .help = "Of the terminal", .least = 0, .most = 65535},
    {.name = "cols", .type = Type::integer, .required = true, .help = "Of the terminal", .least = 0, .most = 65535},
};

constexpr Parameter kStopParameters[] = {
    kVmParameter,
    kSession,
    {.name = "timeout_ms",
     .type = Type::integer,
     .initial = "10000",
     .help = "How long the command may take after SIGTERM, before SIGKILL",
     .least = 0,
     .most = limits::kStopTimeoutMs},
};

constexpr Method kMethods[] = {
    {.name = "vm.session.start",
     .summary = "Starts a session",
     .details = "Answers when the command runs. A command that cannot run fails the call with `invalid`, and the "
                "session is kept with the reason. `exists`: a live session has the name.",
     .parameters = kStartParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.list",
     .summary = "Lists the sessions of a VM",
     .parameters = kListParameters,
     .result = &SessionList::kObject},
    {.name = "vm.session.show",
     .summary = "Describes one session",
     .parameters = kOneParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.logs",
     .summary = "Reads what a session has printed",
     .parameters = kLogsParameters,
     .result = &SessionObject::kObject,
     .stream = "`stdio_mux_v1` (see below)",
     .shape = Shape::stream},
    {.name = "vm.session.attach",
     .summary = "Connects to a live session",
     .details = "Sends the end of the log, and then what is new, without a gap. The session goes on when the client "
                "closes its end. `busy`: another client writes.",
     .parameters = kAttachParameters,
     .result = &SessionObject::kObject,
     .stream = "`stdio_mux_v1` (see below)",
     .shape = Shape::stream},
    {.name = "vm.session.send",
     .summary = "Sends input to a session",
     .details = "Answers when the input waits for the command.",
     .parameters = kSendParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.signal",
     .summary = "Sends a signal to a session",
     .parameters = kSignalParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.resize",
     .summary = "Changes the size of the terminal of a session",
     .parameters = kResizeParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.stop",
     .summary = "Ends a session with SIGTERM, and with SIGKILL after a time",
     .parameters = kStopParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.kill",
     .summary = "Ends a session with SIGKILL",
     .parameters = kOneParameters,
     .result = &SessionObject::kObject},
    {.name = "vm.session.delete",
     .summary = "Deletes an ended session and its log",
     .details = "Fails with `busy` while the session lives.",
     .parameters = kOneParameters,
     .result = &SessionObject::kObject},
};

constexpr const Object* kObjects[] = {&SessionObject::kObject, &SessionList::kObject};

constexpr std::string_view kText =
    R"(A session is a command in a guest that outlives its clients, the daemon and a suspend (`docs/sessions.md`). The
guest keeps the sessions. So all of these methods need a running VM, and a guest can forge the answers.)";

}  // namespace

extern const Group kSessionGroup;
constinit const Group kSessionGroup{.title = "Sessions", .text = kText, .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
