// What a prepare sends: one tar with the git directory, the files, and the manifest as its last member. Blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "workspace/blobs.h"
#include "workspace/manifest.h"
#include "workspace/repository.h"
#include "workspace/stat_cache.h"

namespace banger::workspace {

struct Shipment {
  std::string name;                                             ///< the first component of all names
  std::string git_directory;                                    ///< empty: the guest's own stays
  std::vector<std::pair<std::string, std::string>> inner = {};  ///< as in GuestRepository
  std::vector<std::string> directories = {};                    ///< submodules, which may have no files
  std::string tree;                                             ///< the working tree of the host
  std::string files;                                            ///< where the content of git is, as in GuestRepository
  std::vector<const TravelFile*> send = {};                     ///< borrowed
  Manifest manifest = {};                                       ///< gets the states of the files that were sent
  std::atomic<std::uint64_t>* written = nullptr;                ///< counts the bytes of the tar
  std::vector<SeenFile> known = {};                             ///< gets the files of the tree that need no second read
  Blobs blobs = {};         ///< gets the contents that were sent, if the manifest has a base
  bool to_confirm = false;  ///< the tar had a list of its files, for confirm_upload() in the guest
};

/// Writes the tar. Files that cannot be read get a mark (tar/writer.h) and are not in the manifest. An error is one of
/// the stream.
Result<> write_shipment(Shipment& shipment, int tar_fd);

}  // namespace banger::workspace
