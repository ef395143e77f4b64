// What a guest's root file system is made of.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/words.h"

namespace banger::vm {

enum class Storage {
  overlay,      ///< the image, and the system disk over it
  copy,         ///< the system disk is a copy of the image
  dm_snapshot,  ///< like a copy to the guest, but the host's kernel stores only the differences from the image
};
inline constexpr Word<Storage> kStorageWords[] = {
    {Storage::overlay, "overlay"}, {Storage::copy, "copy"}, {Storage::dm_snapshot, "dm-snapshot"}};
constexpr std::string_view to_string(Storage storage) { return word_of(kStorageWords, storage); }
Result<Storage> storage_from_string(std::string_view text);

}  // namespace banger::vm
