#include "roles/cli/copy_report.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::roles::cli {

CopyReport::CopyReport(const Io& io) : io_(io) {
  if (io.err_is_terminal()) progress_.emplace(io);
}

void CopyReport::note(const std::string& text) {
  ++left_out_;
  if (progress_)
    progress_->note(text);
  else
    io_.note(text);
}

void CopyReport::leave_out(std::string_view what, std::string_view why) {
  note(fmt::format("left out {}: {}", safe_text(what), safe_text(why)));
}

void CopyReport::could_not(const Error& error) { note(error.sentence()); }

void CopyReport::leave_out_more(std::int64_t count) {
  if (count <= 0) return;
  left_out_ += count - 1;
  leave_out(fmt::format("{} more", count), "the guest sent only so many names");
}

tar::LeftOut CopyReport::in_archive(std::string source) {
  return [this, source = std::move(source)](std::string_view name, std::string_view why) {
    auto slash = name.find('/');
    auto rest = slash == name.npos ? std::string_view() : name.substr(slash);
    leave_out(source.empty() ? std::string(name) : source + std::string(rest), why);
  };
}

void CopyReport::begin(std::string what) {
  what_ = std::move(what);
  bytes_ = 0;
  began_ = std::chrono::steady_clock::now();
}

void CopyReport::show() {
  if (!progress_ || std::chrono::steady_clock::now() - began_ < limits::kCopyProgressDelay) return;
  progress_->update({.stage = "copy", .detail = fmt::format("{}, {}", what_, format_size(bytes_))});
}

Result<> CopyReport::verdict() const {
  if (left_out_ == 0) return {};
  return fail(ErrorCode::unsupported,
              left_out_ == 1 ? "not everything was copied: one thing was left out"
                             : fmt::format("not everything was copied: {} things were left out", left_out_.load()));
}

}  // namespace banger::roles::cli
