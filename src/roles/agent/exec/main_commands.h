// The processes of the image's main command, and their end with the signal that the image names.
#pragma once

#include <list>
#include <string_view>

#include "base/unique_fd.h"
#include "host/child.h"
#include "host/runtime.h"

namespace banger::roles::agent {

/// A signal as images name it: "SIGTERM", "term", "15", "SIGRTMIN+3", "SIGRTMAX-1". SIGTERM for anything else.
int stop_signal(std::string_view name);

/// Control thread only.
class MainCommands {
 public:
  /// A running main command, until the object is destroyed.
  class Entry {
   public:
    Entry(MainCommands& all, const host::Child& child);
    Entry(MainCommands& all, UniqueFd pidfd);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { all_.processes_.erase(at_); }

   private:
    MainCommands& all_;
    std::list<UniqueFd>::iterator at_;
  };

  bool empty() const { return processes_.empty(); }
  /// Sends the signal to each process, and waits until all have ended, at most until the deadline.
  Task<> end(host::Runtime& runtime, int signal, host::Deadline deadline) const;

 private:
  std::list<UniqueFd> processes_;  ///< pidfds, which never lead to another process
};

}  // namespace banger::roles::agent
