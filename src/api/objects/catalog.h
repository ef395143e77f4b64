// What can be pulled by a plain name.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct CatalogEntryObject {
  std::string kind;
  std::string name;
  std::string description;
  std::vector<std::string> sources;
  static const Object kObject;
};

struct CatalogObject {
  std::string place;
  std::vector<CatalogEntryObject> entries;
  static const Object kObject;
};

}  // namespace banger::api
