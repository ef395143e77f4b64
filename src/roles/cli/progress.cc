#include "roles/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "host/files.h"
#include "image/kernel/store.h"
#include "roles/cli/bounds.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kFrames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr int kBarCells = 20;
constexpr std::string_view kLongStage = "template";  // boots a guest, which takes minutes under emulation

std::string bar(int percent) {
  int full = std::clamp(percent, 0, 100) * kBarCells / 100;
  std::string text;
  for (int i = 0; i < kBarCells; ++i) text += i < full ? "█" : "░";
  return text;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string kept(text);
  while (!kept.empty() && display_width(kept) + 1 > columns) {
    do kept.pop_back();
    while (!kept.empty() && (static_cast<unsigned char>(kept.back()) & 0xc0) == 0x80);
  }
  // The first byte of a cut character may remain.
  if (!kept.empty() && static_cast<unsigned char>(kept.back()) >= 0xc0) kept.pop_back();
  return kept + "…";
}

std::string stage_text(const rpc::ProgressUpdate& update) {
  return safe_text(update.detail.empty() ? update.stage : fmt::format("{}: {}", update.stage, update.detail));
}

}  // namespace

std::string progress_line(const rpc::ProgressUpdate& update, unsigned tick, long elapsed_s, std::size_t columns) {
  std::string tail;
  if (update.percent >= 0) tail += fmt::format("  {} {:3}%", bar(update.percent), std::min(update.percent, 100));
  if (elapsed_s >= 1) tail += fmt::format("  {}s", elapsed_s);
  auto room = columns > display_width(tail) + 8 ? columns - display_width(tail) - 3 : 8;
  return fmt::format("{} {}{}", kFrames[tick % std::size(kFrames)], cut(stage_text(update), room), tail);
}

Progress::Progress(const Io& io, std::chrono::milliseconds patience)
    : io_(io),
      patience_(patience),
      live_(io.err_is_terminal() && io.env("TERM").value_or("dumb") != "dumb"),
      ticker_([this](std::stop_token stop) { tick(stop); }) {}

Progress::~Progress() {
  ticker_.request_stop();
  ticker_.join();
  if (drawn_) (void)host::write_all(io_.err, "\r\033[K");
}

void Progress::update(const rpc::ProgressUpdate& update) {
  if (update.stage == image::kWarningStage) return note(fmt::format("warning: {}", safe_text(update.detail)));
  std::lock_guard lock(mutex_);
  bool begins = update.stage != shown_.stage;
  if (begins) stage_began_ = std::chrono::steady_clock::now();
  shown_ = update;
  if (begins && update.stage == kLongStage) announce();
}

void Progress::announce() {
  if (std::exchange(drawn_, false)) (void)host::write_all(io_.err, "\r\033[K");
  printed_.push_back(shown_.stage);
  io_.note(stage_text(shown_));
}

void Progress::note(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (std::exchange(drawn_, false)) (void)host::write_all(io_.err, "\r\033[K");
  io_.note(text);
}

void Progress::tick(std::stop_token stop) {
  auto began = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  for (unsigned count = 0; !stop.stop_requested(); ++count) {
    wake_.wait_for(lock, stop, limits::kProgressTick, [] { return false; });
    if (stop.stop_requested() || shown_.stage.empty()) continue;
    auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    if (live_)
      draw(count, elapsed.count());
    else
      print_slow_stage();
  }
}

void Progress::draw(unsigned count, long elapsed_s) {
  auto columns = terminal_size(io_.err).columns;
  (void)host::write_all(io_.err, "\r" + progress_line(shown_, count, elapsed_s, columns) + "\033[K");
  drawn_ = true;
}

void Progress::print_slow_stage() {
  if (std::chrono::steady_clock::now() - stage_began_ < patience_) return;
  if (std::ranges::find(printed_, shown_.stage) != printed_.end()) return;
  printed_.push_back(shown_.stage);
  io_.note(stage_text(shown_));
}

}  // namespace banger::roles::cli
