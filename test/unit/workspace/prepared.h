// A checkout that was prepared, without a guest.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <functional>

#include "fixture.h"
#include "tar/tar.h"
#include "workspace/guest_tree.h"
#include "workspace/host_states.h"
#include "workspace/shipment.h"

namespace banger::test {

using namespace workspace;

inline UniqueFd file_with(const std::function<Result<>(int)>& write) {
  UniqueFd file(::memfd_create("tar", MFD_CLOEXEC));
  auto written = write(file.get());
  INFO((written ? "" : written.error().sentence()));
  REQUIRE(written.has_value());
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// A first prepare into the directory `guest` of the fixture.
struct Prepared {
  explicit Prepared(const Repository& repository, const Wish& wish = {}) : repo(repository), env(repo.env()) {
    start = *find_start(source, checkout, wish);
    auto made = make_repository({.checkout = checkout, .git = source, .env = env}, start, dir.path());
    INFO((made ? "" : made.error().sentence()));
    REQUIRE(made.has_value());
    shipment = {.name = "guest",
                .git_directory = made->git_directory,
                .inner = made->inner,
                .tree = checkout.top,
                .files = made->files};
    for (const auto& link : start.listing.submodules) shipment.directories.push_back(link.path);
    shipment.manifest = {.base = start.head, .state = made->state, .head = made->head, .refs = made->refs, .files = {}};
    for (const auto& file : start.listing.files) shipment.send.push_back(&file);
    auto tar = file_with([&](int fd) { return write_shipment(shipment, fd); });
    auto unpacked = tar::unpack_tree(tar.get(), repo.dir.path(),
                                     {.only = "guest", .left_out = [this](auto name, auto) { left_out += name; }});
    INFO((unpacked ? "" : unpacked.error().sentence()));
    REQUIRE(unpacked.has_value());
  }
  Result<GuestTree> look() const {
    auto tar = file_with([&](int fd) { return tar::pack_tree(repo.dir / "guest", "tree", fd); });
    return read_guest_tree(tar.get(), "tree");
  }
  std::string in_guest(const std::string& command) const { return repo.sh("cd guest && " + command).output; }

  const Repository& repo;
  TempDir dir;
  host::GetEnv env;
  Checkout checkout = repo.checkout();
  Git source = repo.source();
  Start start;
  Shipment shipment;
  std::string left_out;
};

inline void fill(const Repository& repo) {
  for (const char* name : {"a b", "new\nline", "bad \xff\xfe", "gone", "deep/er/file", "empty"})
    repo.put(name, std::string(name) == "empty" ? "" : name);
  repo.put("binary", std::string("\0\1\2", 3));
  repo.sh("cd repo && ln -s /nowhere dangling && cp binary run && chmod +x run");
  repo.commit("first");
}

}  // namespace banger::test
