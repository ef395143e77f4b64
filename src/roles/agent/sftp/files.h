// The files of a guest for one SFTP client, with the rights of this process.
#pragma once

#include <dirent.h>

#include <map>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "roles/agent/sftp/request.h"

namespace banger::roles::agent::sftp {

class Files {
 public:
  /// `home` is where "~" leads. Relative paths begin at the working directory.
  explicit Files(std::string home) : home_(std::move(home)) {}

  /// The answer to a request, without its length. A failure is an answer too.
  std::string answer(const Request& request);

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  struct Handle {
    UniqueFd file;
    std::unique_ptr<DIR, CloseDirectory> directory;
  };

  std::string open(const Request& request);
  std::string open_directory(const Request& request);
  std::string close(const Request& request);
  std::string read(const Request& request);
  std::string write(const Request& request);
  std::string read_directory(const Request& request);
  std::string of_open_file(const Request& request);
  std::string extended(const Request& request);
  std::string add(std::uint32_t id, Handle handle);
  Handle* find(const Request& request);
  int descriptor(const Request& request);

  std::string home_;
  std::map<std::string, Handle> handles_;
  std::uint32_t next_ = 0;
};

/// The answer to a message that is no request.
std::string bad_message(std::uint32_t id);

}  // namespace banger::roles::agent::sftp
