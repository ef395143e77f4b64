// Conversion between C++ values and JSON, for the tables in objects/. The type of a field follows from its member:
//
//     field<&VmObject::name>("name", "The name")
#pragma once

#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

/// How a C++ type is written as JSON: `type`, `write` and `read`.
template <class T>
struct Wire;

inline std::unexpected<Error> not_a(Type type) {
  return fail(ErrorCode::invalid, std::string("must be ").append(to_string(type)));
}

template <>
struct Wire<std::string> {
  static constexpr Type type = Type::text;
  static Json write(const std::string& value) { return value; }
  static Result<> read(const Json& json, std::string& to) {
    if (!json.is_string()) return not_a(type);
    to = json.get<std::string>();
    return {};
  }
};

template <>
struct Wire<bool> {
  static constexpr Type type = Type::boolean;
  static Json write(bool value) { return value; }
  static Result<> read(const Json& json, bool& to) {
    if (!json.is_boolean()) return not_a(type);
    to = json.get<bool>();
    return {};
  }
};

template <>
struct Wire<double> {
  static constexpr Type type = Type::real;
  static Json write(double value) { return value; }
  static Result<> read(const Json& json, double& to) {
    if (!json.is_number()) return not_a(type);
    to = json.get<double>();
    return {};
  }
};

template <std::integral T>
struct Wire<T> {
  static constexpr Type type = Type::integer;
  static Json write(T value) { return value; }
  static Result<> read(const Json& json, T& to) {
    if (!json.is_number_integer()) return not_a(type);
    bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                          : std::in_range<T>(json.get<std::int64_t>());
    if (!fits) return fail(ErrorCode::invalid, "is out of range");
    to = json.get<T>();
    return {};
  }
};

template <Described T>
struct Wire<T> {
  static constexpr Type type = Type::object;
  static Json write(const T& value) { return to_json(value); }
  static Result<> read(const Json& json, T& to) { return from_json(T::kObject, json, &to); }
};

template <class T>
struct Wire<std::vector<T>> {
  static constexpr Type type = Described<T> ? Type::objects : Type::texts;
  static Json write(const std::vector<T>& values) {
    Json list = Json::array();
    for (const auto& value : values) list.push_back(Wire<T>::write(value));
    return list;
  }
  static Result<> read(const Json& json, std::vector<T>& to) {
    if (!json.is_array()) return not_a(type);
    for (const auto& item : json) TRY(Wire<T>::read(item, to.emplace_back()));
    return {};
  }
};

template <class T, class Less>
struct Wire<std::map<std::string, T, Less>> {
  static constexpr Type type = std::integral<T> ? Type::counts : Type::text_map;
  static Json write(const std::map<std::string, T, Less>& values) {
    Json map = Json::object();
    for (const auto& [key, value] : values) map[key] = Wire<T>::write(value);
    return map;
  }
  static Result<> read(const Json& json, std::map<std::string, T, Less>& to) {
    if (!json.is_object()) return not_a(type);
    for (const auto& [key, value] : json.items()) TRY(Wire<T>::read(value, to[key]));
    return {};
  }
};

template <class T>
struct Wire<std::optional<T>> {
  static constexpr Type type = Wire<T>::type;
  static Json write(const std::optional<T>& value) { return value ? Wire<T>::write(*value) : Json(); }
  static Result<> read(const Json& json, std::optional<T>& to) { return Wire<T>::read(json, to.emplace()); }
};

template <class T>
struct MemberOf;
template <class S, class T>
struct MemberOf<T S::*> {
  using Struct = S;
  using Value = T;
};

template <class T>
constexpr const Object* object_of(const T*) {
  if constexpr (Described<T>)
    return &T::kObject;
  else
    return nullptr;
}
template <class T>
constexpr const Object* object_of(const std::vector<T>*) {
  return object_of(static_cast<const T*>(nullptr));
}
template <class T>
constexpr const Object* object_of(const std::optional<T>*) {
  return object_of(static_cast<const T*>(nullptr));
}
template <class T>
constexpr bool kOptional = false;
template <class T>
constexpr bool kOptional<std::optional<T>> = true;

template <auto Member>
consteval Field field(std::string_view name, std::string_view help) {
  using Struct = MemberOf<decltype(Member)>::Struct;
  using Value = MemberOf<decltype(Member)>::Value;
  return Field{
      .name = name,
      .help = help,
      .type = Wire<Value>::type,
      .missing = kOptional<Value> ? Missing::null : Missing::never,
      .object = object_of(static_cast<const Value*>(nullptr)),
      .get = [](const void* of) { return Wire<Value>::write(static_cast<const Struct*>(of)->*Member); },
      .set = [](void* to, const Json& json) { return Wire<Value>::read(json, static_cast<Struct*>(to)->*Member); },
  };
}

}  // namespace banger::api
