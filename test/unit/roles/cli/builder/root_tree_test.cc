#include "roles/cli/builder/root_tree.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "support/temp_dir.h"
#include "tar/reader.h"

using namespace banger;
using namespace banger::roles::cli;
using Catch::Matchers::Contains;

namespace {

struct Fixture {
  test::TempDir home, tree;
  Signals signals = Signals::interrupts().value();
  Io io{.env = {}, .environment = {}, .daemon_command = {}};

  Fixture() {
    ::signal(SIGPIPE, SIG_IGN);  // as in the command line
    io.env = [this](const std::string& name) -> std::optional<std::string> {
      return name == "HOME" ? std::optional(home.path()) : std::nullopt;
    };
    tree.put("bin/tool", "a tool");
  }
  Result<Spool> pack() { return pack_root_tree(io, signals, tree.path()); }
  /// What a failure leaves in the home.
  int files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(home.path()))
      count += entry.is_regular_file();
    return count;
  }
};

/// Files of this process can have so many bytes, as on a disk that becomes full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &saved_);
    rlimit limit{.rlim_cur = bytes, .rlim_max = saved_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &saved_); }

 private:
  rlimit saved_{};
};

}  // namespace

TEST_CASE("root tree: all files are packed") {
  Fixture f;
  auto spool = f.pack();
  if (!spool) FAIL(spool.error().sentence());
  REQUIRE(::lseek(spool->fd(), 0, SEEK_SET) == 0);
  auto reader = tar::TarReader::open(spool->fd(), tar::Compression::none).value();
  std::vector<std::string> names;
  while (auto entry = reader.next().value()) names.push_back(entry->path);
  CHECK(names.size() == 3);
  CHECK(names.back().ends_with("bin/tool"));
}

TEST_CASE("root tree: a file that cannot be written is the error, and not the pipe to it") {
  Fixture f;
  f.tree.put("large", std::string(8 << 20, 'x'));  // more than the pipes hold
  Result<Spool> spool = [&] {
    FileSizeLimit limit(64 << 10);
    return f.pack();
  }();
  REQUIRE_FALSE(spool);
  CHECK_THAT(spool.error().sentence(), Contains("File too large") && !Contains("Broken pipe"));
  CHECK(f.files() == 0);
}

TEST_CASE("root tree: a signal ends the packing, and leaves nothing") {
  Fixture f;
  ::raise(SIGINT);
  auto spool = f.pack();
  REQUIRE_FALSE(spool);
  CHECK(spool.error().code == ErrorCode::cancelled);
  CHECK(f.files() == 0);
}

TEST_CASE("root tree: a directory that is missing is named") {
  Fixture f;
  std::filesystem::remove_all(f.tree.path());
  CHECK_THAT(f.pack().error().sentence(), Contains(f.tree.path()) && Contains("No such file"));
}
