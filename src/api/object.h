// The JSON objects of docs/rpc.md as data: one table for each object, with one row for each field. JSON is written and
// read by these tables, and the page is made from them.
//
// An object is a struct of plain values with a `kObject` table. To add a field, add a member to the struct and a row to
// the table. Readers give a field that is absent its default, because an older daemon does not send it.
#pragma once

#include <concepts>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace banger::api {

/// The type of a value in JSON.
enum class Type {
  text,
  bytes,    ///< a byte string without NUL (base/byte_string.h)
  path,     ///< text that is an absolute path of the host
  integer,  ///< a whole number
  real,
  boolean,
  texts,     ///< a list of texts
  text_map,  ///< an object whose values are texts
  counts,    ///< an object whose values are whole numbers
  object,
  objects,  ///< a list of objects
};
/// The name of the type in an error: "a string", "a whole number", ….
std::string_view to_string(Type type);

struct Object;

/// How JSON shows that a field has no value.
enum class Missing {
  never,   ///< the field always has a value
  null,    ///< the field is null
  absent,  ///< the field is left out
};

struct Field {
  std::string_view name;
  std::string_view help;  ///< sentences without the last full stop
  Type type = Type::text;
  Missing missing = Missing::never;
  const Object* object = nullptr;                    ///< for Type::object and Type::objects
  std::span<const std::string_view> choices = {};    ///< the only values, when not empty
  Json (*get)(const void* of) = nullptr;             ///< the member's value
  Result<> (*set)(void* of, const Json&) = nullptr;  ///< `invalid` when the value has another type

  constexpr Field one_of(std::span<const std::string_view> words) const {
    Field field = *this;
    field.choices = words;
    return field;
  }
  /// The same field, left out of the JSON instead of null.
  constexpr Field or_absent() const {
    Field field = *this;
    field.missing = Missing::absent;
    return field;
  }
};

struct Object {
  std::string_view name;  ///< "VM object": fits into a sentence
  std::string_view help = {};
  std::span<const Field> fields;
};

Json to_json(const Object& object, const void* of);
/// Fields that the table does not have are ignored: a newer daemon may send more.
Result<> from_json(const Object& object, const Json& json, void* to);

/// A struct with a table.
template <class T>
concept Described = requires {
  { T::kObject } -> std::same_as<const Object&>;
};

/// Returns Json. The type is `auto` because Json is complete only where this function is used.
template <Described T>
auto to_json(const T& value) {
  return to_json(T::kObject, &value);
}
/// `invalid` when a value has another type than its field. The error names the field.
template <Described T>
Result<T> read(const Json& json) {
  T value;
  if (auto done = from_json(T::kObject, json, &value); !done) return std::unexpected(std::move(done).error());
  return value;
}

}  // namespace banger::api
