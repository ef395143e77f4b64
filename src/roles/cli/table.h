// Tables with aligned columns, for people.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/io.h"

namespace banger::roles::cli {

/// A column is as wide as its widest cell. Two spaces separate columns. Cells are made safe for a terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
  /// Without a head: `key  value` lines.
  Table() = default;
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// Colours one cell of the last row.
  void colour_last(std::size_t column, Paint how) { paints_.push_back({rows_.size() - 1, column, how}); }
  std::string text(Colours colours) const;

 private:
  struct Painted {
    std::size_t row, column;
    Paint how;
  };
  Paint paint_of(std::size_t row, std::size_t column) const;

  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<Painted> paints_;
};

}  // namespace banger::roles::cli
