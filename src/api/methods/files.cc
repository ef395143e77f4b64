// Commands, files and logs of a VM: mostly streams.
#include "api/method.h"
#include "api/methods/parameters.h"
#include "api/objects/file.h"
#include "api/objects/file_sync.h"
#include "api/objects/vm.h"

namespace banger::api {

namespace {

constexpr Parameter kExecParameters[] = {kVmParameter};

constexpr Parameter kPutParameters[] = {
    kVmParameter,
    {.name = "path", .type = Type::bytes, .required = true, .help = "A directory in the guest, which must exist"},
    {.name = "keep_owner",
     .type = Type::boolean,
     .initial = "false",
     .help = "Whether owners are those in the tar. Otherwise root owns the files"},
    {.name = "replace_attributes",
     .type = Type::boolean,
     .initial = "false",
     .help = "Whether a file that exists gets a new owner and mode, as a new file does. Otherwise it keeps its own"},
    {.name = "follow_link",
     .type = Type::boolean,
     .initial = "false",
     .help = "What happens to a file at the top of the tar whose name is a symlink in the guest. The file is written "
             "through the symlink, or refused"},
    {.name = "only",
     .type = Type::bytes,
     .help = "The first component that every name in the tar must have. Another name ends the upload"},
};

constexpr Parameter kGetParameters[] = {
    kVmParameter,
    {.name = "path",
     .type = Type::bytes,
     .required = true,
     .help = "A path in the guest. With `/` or `/.` at its end, a symlink to a directory stands for the directory"},
    {.name = "name", .type = Type::bytes, .help = "The first component of the names in the tar, or `.` for none"},
    {.name = "follow_links",
     .type = Type::boolean,
     .initial = "false",
     .help = "Whether the tar has what symlinks lead to, instead of the symlinks"},
};

constexpr Parameter kStatParameters[] = {
    kVmParameter,
    {.name = "path", .type = Type::bytes, .required = true, .help = "A path in the guest"},
};

constexpr Parameter kSyncParameters[] = {
    kVmParameter,
    {.name = "dry_run",
     .type = Type::boolean,
     .initial = "false",
     .help = "Only lists what would travel. The VM then need not run"},
};

constexpr Parameter kReportParameters[] = {
    kVmParameter,
    {.name = "path", .type = Type::bytes, .required = true, .help = "An absolute path in the guest"},
    {.name = "confirm",
     .type = Type::boolean,
     .initial = "false",
     .help = "Whether an upload to that path has just ended. The answer is empty then, and the next report is fast"},
    {.name = "changes",
     .type = Type::boolean,
     .initial = "false",
     .help = "Whether the answer is a tar of the tree, without the files that the client names"},
};

constexpr std::string_view kSources[] = {"console", "machine"};
constexpr Parameter kLogsParameters[] = {
    kVmParameter,
    {.name = "source",
     .initial = "\"console\"",
     .help = "The guest's console, or the output of the VMM",
     .choices = kSources},
    {.name = "follow",
     .type = Type::boolean,
     .initial = "false",
     .help = "Sends what is written later too, until the VM stops"},
    {.name = "tail_bytes",
     .type = Type::integer,
     .initial = "1048576",
     .help = "How much of the log's end is sent, without the beginning of a line that is cut",
     .least = 0},
    {.name = "tail_lines", .type = Type::integer, .help = "The same in lines, instead of `tail_bytes`", .least = 0},
};

constexpr Method kMethods[] = {
    {.name = "vm.exec",
     .summary = "Runs a command in the guest",
     .details = "The call itself starts nothing. The first frame is the spec of the command.",
     .parameters = kExecParameters,
     .result = &Named::kObject,
     .stream = "exec frames (see below)",
     .shape = Shape::stream},
    {.name = "vm.put_files",
     .summary = "Unpacks a tar in the guest",
     .details = "A file is replaced in one step. A device, or a file with several hard links, gets the new content and "
                "stays what it is. The result names what the guest left out, such as devices.",
     .parameters = kPutParameters,
     .stream = "the client sends the tar and shuts down its side. The daemon answers with one line of JSON, an "
               "upload result",
     .shape = Shape::stream},
    {.name = "vm.get_files",
     .summary = "Packs a path of the guest as a tar",
     .details = "Without `name`, the names of the entries start with the last component of `path`. A member with the "
                "extended attribute `banger.left_out` is not part of the copy, and the attribute has the reason. If "
                "the member before has the same name, its content is not whole.",
     .parameters = kGetParameters,
     .result = &DownloadObject::kObject,
     .stream = "the tar",
     .shape = Shape::stream},
    {.name = "vm.stat_file",
     .summary = "Describes a path of the guest",
     .parameters = kStatParameters,
     .result = &FileObject::kObject},
    {.name = "vm.sync",
     .summary = "Brings the files of the config's `[[file_sync]]` into a running guest",
     .details = "VMs get these files when they are created or started anyway. A file is replaced in one step. Fails "
                "with `invalid` if the config has no such entries.",
     .parameters = kSyncParameters,
     .result = &SyncResult::kObject,
     .priority = Priority::foreground,
     .cancellable = true},
    {.name = "vm.report_tree",
     .summary = "Tells what has changed in a workspace of the guest",
     .details = "A workspace is a git checkout that `banger vm workspace prepare` has brought. The report has the "
                "record of the last prepare, the references, and the files that differ from the record. "
                "`src/workspace/tree_report.h` has its form, which may change with each version.",
     .parameters = kReportParameters,
     .stream = "the client sends names of files, with a zero byte after each, or nothing, and shuts down its side. The "
               "guest's agent answers",
     .shape = Shape::stream},
    {.name = "vm.logs",
     .summary = "Reads a log of the VM",
     .parameters = kLogsParameters,
     .stream = "the bytes of the log. With `follow`, the stream ends when the VM stops or the client closes it",
     .shape = Shape::stream,
     .cancellable = true},
};

constexpr const Object* kObjects[] = {&FileObject::kObject,      &DownloadObject::kObject, &UploadResult::kObject,
                                      &LeftOutObject::kObject,   &ErrorObject::kObject,    &SyncResult::kObject,
                                      &SyncedFileObject::kObject};

}  // namespace

extern const Group kFileGroup;
constinit const Group kFileGroup{.title = "Commands, files and logs", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
