// One transfer of a copy: a tar from or to a guest. The work runs on a thread, and an interrupt ends it.
#pragma once

#include <functional>
#include <string>

#include "roles/cli/connect.h"
#include "roles/cli/copy.h"
#include "roles/cli/copy_report.h"

namespace banger::roles::cli {

/// The other end of a tar: the one that writes it into `fd`, or reads it from there. Blocking; runs on a thread.
using TarEnd = std::function<Result<>(int fd)>;

/// Sends the tar that `write` writes. The names in it begin with that of the landing. `what` stands for it in messages.
Result<> upload_tar(Io& io, const std::string& what, const std::string& vm, const Landing& landing,
                    const CopyOptions& options, CopyReport& report, const TarEnd& write);

/// Reads a file or tree of a guest with `read`. The names in its tar begin with `name`.
Result<> download_tar(Io& io, const CopyPath& source, const std::string& name, const CopyOptions& options,
                      CopyReport& report, const TarEnd& read);

/// The same for a workspace without some of its files. `names` has their paths, with a zero byte after each.
Result<> download_changes_tar(Io& io, const CopyPath& source, const std::string& names, CopyReport& report,
                              const TarEnd& read);

/// Sends a file or tree of this host into a guest.
Result<> upload(Io& io, const CopyPath& source, const CopyPath& target, const Landing& landing,
                const CopyOptions& options, CopyReport& report);

/// Unpacks a file or tree of a guest into `directory` of this host. Its copy there has the name `name`.
Result<> download(Io& io, const CopyPath& source, const std::string& directory, const std::string& name,
                  const CopyOptions& options, CopyReport& report);

/// Passes a tar from one guest to another, without a file of this host.
Result<> pass_on(Io& io, const CopyPath& source, const CopyPath& target, const Landing& landing,
                 const CopyOptions& options, CopyReport& report);

/// Unpacks the tar on standard input into a directory of a guest.
Result<> upload_input(Io& io, const CopyPath& target, const CopyOptions& options, CopyReport& report);

/// Writes a file or tree of a guest to standard output as a tar.
Result<> download_to_output(Io& io, const CopyPath& source, const std::string& name, const CopyOptions& options,
                            CopyReport& report);

}  // namespace banger::roles::cli
