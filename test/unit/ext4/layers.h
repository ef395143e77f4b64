// Layers that the tests make.
#pragma once

#include <string>
#include <vector>

#include "ext4/from_layers.h"
#include "fixture.h"

namespace banger::test {

/// Writes layers of these bytes, the lowest first. They are named "layer-0", "layer-1" and so on.
Result<ext4::Ext4Stats> write_layers(const std::vector<std::string>& layers, const std::string& path,
                                     const ext4::LayersOptions& o = {.ext4 = options()});

/// Three layers of random entries, in which few names occur often.
std::vector<std::vector<Member>> random_members(unsigned seed);
std::vector<std::string> random_layers(unsigned seed);
std::string layers_text(unsigned seed);

}  // namespace banger::test
