// How commands print their results: for people, as JSON, or as ids.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/object.h"
#include "roles/cli/command.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

inline constexpr Option kJsonOption{.name = "json", .help = "print JSON"};
inline constexpr Option kQuietOption{.name = "quiet", .letter = 'q', .help = "print only the id"};
inline constexpr Option kIdsOption{.name = "quiet", .letter = 'q', .help = "print only ids"};

enum class Form { people, json, ids };
/// The form that --json or --quiet selects.
Form form_of(const Args& args);

/// Whether standard output has colours.
Colours colours_of(const Context& context);

void print_json(Io& io, const Json& json);
/// A JSON array. All values are of the type that `object` describes.
void print_json_list(Io& io, const api::Object& object, std::span<const void* const> values);

template <api::Described T>
void print_json(Io& io, const T& value) {
  print_json(io, api::to_json(value));
}

template <api::Described T>
void print_json(Io& io, const std::vector<T>& values) {
  std::vector<const void*> pointers;
  for (const auto& value : values) pointers.push_back(&value);
  print_json_list(io, T::kObject, pointers);
}

/// Prints a list: as a JSON array, as the ids in the field `id`, or as `text` for people.
template <api::Described T>
void print_list(Context& context, const std::vector<T>& items, std::string T::* id, const std::string& text) {
  switch (form_of(context.args)) {
    case Form::json:
      return print_json(context.io, items);
    case Form::ids:
      for (const auto& item : items) context.io.print(safe_text(item.*id) + "\n");
      return;
    case Form::people:
      return context.io.print(text);
  }
}

/// Prints one object, as JSON or as a table.
template <api::Described T>
void print_object(Context& context, const T& object, const Table& table) {
  if (form_of(context.args) == Form::json) return print_json(context.io, object);
  context.io.print(table.text(colours_of(context)));
}

/// Prints a new thing: as JSON, as its id, or as `line` for people.
template <api::Described T>
void print_new(Context& context, const T& made, const std::string& id, const std::string& line) {
  switch (form_of(context.args)) {
    case Form::json:
      return print_json(context.io, made);
    case Form::ids:
      return context.io.print(safe_text(id) + "\n");
    case Form::people:
      return context.io.print(safe_text(line) + "\n");
  }
}

/// "NAME: ready, 1G".
std::string ready_line(const std::string& name, std::uint64_t size_bytes);

}  // namespace banger::roles::cli
