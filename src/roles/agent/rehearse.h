// What every clone of a template would have to do before it can take its identity, done once in the template.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Has our program mapped, and a file of `root` written over with what it says: the file system makes its account of a
/// cgroup's writes at the first of them. After freeze_others(), which gives us a cgroup of our own.
Result<> rehearse(const std::string& root);

}  // namespace banger::roles::agent
