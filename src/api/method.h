// The daemon's methods as data. Parameter checks, docs/rpc.md and the completion of `banger rpc` come from these
// tables. Clients in other languages can be generated from them. The functions of the methods are in
// src/roles/daemon/methods.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "api/object.h"

namespace banger::api {

struct Parameter {
  std::string_view name;
  Type type = Type::text;
  bool required = false;
  std::string_view initial = {};                   ///< the default, for people; empty: `help` describes it
  std::string_view help;                           ///< sentences without the last full stop
  std::span<const std::string_view> choices = {};  ///< the only values, when not empty
  std::int64_t least = INT64_MIN, most = INT64_MAX;
};

/// How the connection is used.
enum class Shape {
  call,    ///< one answer
  stream,  ///< after the answer the connection is a raw stream of bytes
};

/// `foreground`: a person waits for the answer, so the ready pool does not work meanwhile.
enum class Priority { normal, foreground };

/// `high`: few such calls run at once, and one of each connection.
enum class Cost { low, high };

struct Method {
  std::string_view name;          ///< "vm.create"
  std::string_view summary;       ///< one line, no full stop
  std::string_view details = {};  ///< more sentences
  std::span<const Parameter> parameters = {};
  const Object* result = nullptr;  ///< null: an empty object
  std::string_view stream = {};    ///< what the stream carries, for Shape::stream
  Shape shape = Shape::call;
  Priority priority = Priority::normal;
  Cost cost = Cost::low;
  bool progress = false;     ///< notifications are sent while the method runs
  bool cancellable = false;  ///< the method ends early when its caller closes the connection
};

/// A chapter of docs/rpc.md.
struct Group {
  std::string_view title;
  std::string_view text = {};                   ///< paragraphs before the objects
  std::span<const Object* const> objects = {};  ///< described in this chapter
  std::span<const Method> methods;
};

std::span<const Group* const> groups();
/// Null when no method has that name.
const Method* find_method(std::string_view name);

/// Compares `params` with the table. `invalid` for a parameter that is unknown, missing, of another type or out of
/// range.
Result<> check_params(const Method& method, const Json& params);

}  // namespace banger::api
