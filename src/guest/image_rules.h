// Which files of a running guest belong into an image that is made from the guest. Pure.
//
// An image must not have the identity of its VM, nor what banger wrote for this VM only. All else is kept.
#pragma once

#include <string>
#include <string_view>

namespace banger::guest {

enum class ImagePart {
  whole,
  emptied,        ///< a file without content, because its existence has a meaning
  without_block,  ///< without banger's marked lines (text_block.h)
  nothing,        ///< neither the object nor what is below
};

enum class ObjectKind { file, directory, symlink, other };

/// `path` has no '/' at its begin: "etc/hosts".
ImagePart image_part(std::string_view path, ObjectKind kind);

}  // namespace banger::guest
