#include "roles/agent/image_contents.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <map>

#include "support/fs_fixture.h"
#include "tar/reader.h"

using namespace banger;
using namespace banger::test;
using roles::agent::pack_image;

namespace {

/// The names of the stream, with the content of files.
std::map<std::string, std::string> packed(const std::string& system, const std::string& work = "",
                                          const std::vector<std::string>& left_out = {}) {
  UniqueFd tar(::memfd_create("tar", MFD_CLOEXEC));
  UniqueFd root(::open(system.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), disk;
  if (!work.empty()) disk = UniqueFd(::open(work.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(pack_image(root.get(), disk ? std::optional(disk.get()) : std::nullopt, tar.get(), left_out));
  ::lseek(tar.get(), 0, SEEK_SET);
  auto reader = tar::TarReader::open(tar.get(), tar::Compression::none).value();
  std::map<std::string, std::string> members;
  while (auto entry = reader.next().value()) {
    auto& content = members[entry->path];
    if (entry->kind != tar::EntryKind::file) continue;
    while (auto block = reader.next_block().value()) content += block->data;
  }
  return members;
}

}  // namespace

TEST_CASE("image contents: the work disk takes the place of /root") {
  TempDir dir;
  std::filesystem::create_directories(dir / "system/root");
  std::filesystem::create_directories(dir / "work/lost+found");
  spill(dir / "system/root/covered", "old");
  spill(dir / "system/kept", "new");
  spill(dir / "work/notes", "mine");
  using Members = std::map<std::string, std::string>;
  CHECK(packed(dir / "system", dir / "work") ==
        Members{{"./", ""}, {"./kept", "new"}, {"./root/", ""}, {"./root/notes", "mine"}});
  CHECK(packed(dir / "system") == Members{{"./", ""}, {"./kept", "new"}, {"./root/", ""}, {"./root/covered", "old"}});
}

TEST_CASE("image contents: paths that the host names are left out") {
  TempDir dir;
  std::filesystem::create_directories(dir / "system/root");
  std::filesystem::create_directories(dir / "work/.aws");
  spill(dir / "work/.aws/credentials", "secret");
  spill(dir / "work/.gitconfig", "name");
  spill(dir / "work/.gitconfig2", "kept");
  using Members = std::map<std::string, std::string>;
  CHECK(packed(dir / "system", dir / "work", {"root/.aws", "root/.gitconfig"}) ==
        Members{{"./", ""}, {"./root/", ""}, {"./root/.gitconfig2", "kept"}});
}

TEST_CASE("image contents: the identity of the VM stays behind") {
  TempDir dir;
  std::filesystem::create_directories(dir / "etc/ssh");
  std::filesystem::create_directories(dir / "root/.ssh");
  spill(dir / "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  spill(dir / "etc/ssh/ssh_host_ed25519_key", "secret");
  spill(dir / "etc/ssh/sshd_config", "Port 22\n");
  spill(dir / "etc/hosts", "127.0.0.1 localhost\n# banger: begin\n127.0.1.1 web\n# banger: end\n10.0.0.9 db\n");
  spill(dir / "root/.ssh/authorized_keys", "# banger: begin\nssh-ed25519 AAAA host\n# banger: end\nssh-rsa BBBB ann\n");
  auto members = packed(dir.path());
  CHECK(members.at("./etc/machine-id").empty());
  CHECK(members.contains("./etc/ssh/sshd_config"));
  CHECK_FALSE(members.contains("./etc/ssh/ssh_host_ed25519_key"));
  CHECK(members.at("./etc/hosts") == "127.0.0.1 localhost\n10.0.0.9 db\n");
  CHECK(members.at("./root/.ssh/authorized_keys") == "ssh-rsa BBBB ann\n");
}
