// The words of an enum: the texts that name its values in JSON, the store, the config and on the command line. Code
// compares the values. Only code that reads or writes these texts uses the words.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace banger {

template <class E>
struct Word {
  E value;
  std::string_view text;
};

/// "unknown" for a value without a word, which only a cast can make.
template <class E, std::size_t count>
constexpr std::string_view word_of(const Word<E> (&words)[count], E value) {
  for (const auto& word : words)
    if (word.value == value) return word.text;
  return "unknown";
}

template <class E, std::size_t count>
constexpr std::optional<E> value_of(const Word<E> (&words)[count], std::string_view text) {
  for (const auto& word : words)
    if (word.text == text) return word.value;
  return std::nullopt;
}

/// The texts alone, in order: the choices of an option.
template <class E, std::size_t count>
constexpr std::array<std::string_view, count> texts_of(const Word<E> (&words)[count]) {
  std::array<std::string_view, count> texts;
  for (std::size_t i = 0; i < count; ++i) texts[i] = words[i].text;
  return texts;
}

}  // namespace banger
