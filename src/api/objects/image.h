// Images and the recipes that build images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"
#include "api/objects/catalog.h"
#include "api/objects/file.h"

namespace banger::api {

/// How the programs of an image want to run.
struct RunConfigObject {
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::string user;
  std::string stop_signal;
  static const Object kObject;
};

/// A layer of a pulled image.
struct LayerObject {
  std::string digest;
  std::uint64_t size_bytes = 0;
  static const Object kObject;
};

struct ImageObject {
  std::string id;
  std::string name;
  std::vector<std::string> other_names;
  std::string source;
  std::string kernel;
  std::string sha256;
  std::uint64_t size_bytes = 0;
  std::uint64_t rootfs_bytes = 0;
  std::int64_t created_at = 0;
  std::string init;
  std::string rootfs;
  std::string host_file;
  std::string host_file_fault;
  std::string work_seed;
  std::vector<std::string> used_by;
  std::string digest;
  std::optional<std::vector<LayerObject>> layers;
  std::optional<RunConfigObject> config;
  static const Object kObject;
};

struct PullObject {
  std::string name;
  ImageObject image;
  bool already = false;
  static const Object kObject;
};

/// An image that was made from a running VM.
struct GuestImageObject {
  ImageObject image;
  std::vector<LeftOutObject> left_out;
  std::int64_t left_out_more = 0;
  static const Object kObject;
};

struct PushObject {
  std::string name;
  std::string digest;
  std::uint64_t sent_bytes = 0;
  std::uint64_t layers = 0;
  std::string note;
  static const Object kObject;
};

struct PruneObject {
  std::uint64_t removed = 0;
  std::uint64_t size_bytes = 0;
  static const Object kObject;
};

struct InspectObject {
  std::string config;
  static const Object kObject;
};

struct RecipeObject {
  std::string name;
  std::string description;
  static const Object kObject;
};

struct ImageList {
  std::vector<ImageObject> images;
  std::vector<RecipeObject> recipes;
  std::vector<CatalogEntryObject> available;
  static const Object kObject;
};

}  // namespace banger::api
