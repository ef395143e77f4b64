#include "roles/cli/table.h"

#include <algorithm>

namespace banger::roles::cli {

namespace {
std::string cell_text(const std::string& cell) { return cell.empty() ? "-" : safe_text(cell); }
}  // namespace

Paint Table::paint_of(std::size_t row, std::size_t column) const {
  for (const auto& painted : paints_)
    if (painted.row == row && painted.column == column) return painted.how;
  return Paint::none;
}

std::string Table::text(Colours colours) const {
  std::vector<std::size_t> widths;
  auto measure = [&](const std::vector<std::string>& cells) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cell_text(cells[i])));
  };
  measure(head_);
  for (const auto& row : rows_) measure(row);

  std::string text;
  auto line = [&](const std::vector<std::string>& cells, auto&& how) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      auto cell = cell_text(cells[i]);
      text += paint(cell, how(i), colours);
      if (i + 1 < cells.size()) text += std::string(widths[i] - display_width(cell) + 2, ' ');
    }
    text += '\n';
  };
  if (!head_.empty()) line(head_, [](std::size_t) { return Paint::bold; });
  for (std::size_t row = 0; row < rows_.size(); ++row)
    line(rows_[row], [&](std::size_t column) { return paint_of(row, column); });
  return text;
}

}  // namespace banger::roles::cli
