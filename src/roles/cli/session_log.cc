#include "roles/cli/session_log.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/text.h"
#include "host/files.h"
#include "link/exec_frames.h"
#include "roles/cli/bounds.h"
#include "roles/cli/log_stream.h"

namespace banger::roles::cli {

namespace {

using link::FrameType;

class LogPrinter {
 public:
  LogPrinter(Io& io, const LogPlace& place)
      : io_(io), filter_out_(io.out_is_terminal()), filter_err_(io.err_is_terminal()), place_(place) {}

  /// True at the end of the log.
  Result<bool> take(std::string_view bytes);

 private:
  Result<bool> print(const link::Frame& frame);
  Io& io_;
  const bool filter_out_, filter_err_;
  TerminalFilter safe_out_, safe_err_;
  link::FrameDecoder decoder_;
  LogPlace place_;
};

Result<bool> LogPrinter::print(const link::Frame& frame) {
  const auto& bytes = frame.payload;
  switch (frame.type) {
    case FrameType::stdout_data:
      place_.out += bytes.size();
      io_.print(filter_out_ ? safe_out_.feed(bytes) : bytes);
      return io_.out_errno != 0;
    case FrameType::stderr_data:
      place_.err += bytes.size();
      (void)host::write_all(io_.err, filter_err_ ? safe_err_.feed(bytes) : bytes);
      return false;
    case FrameType::position:
      if (auto missing = place_.missing_at(bytes)) io_.note(fmt::format("{} bytes are no longer in the log", missing));
      return false;
    case FrameType::exit:
      return true;
    case FrameType::failed:
      return fail(ErrorCode::unavailable, TRY(link::decode_exit(frame.type, bytes)).message);
    default:
      return false;
  }
}

Result<bool> LogPrinter::take(std::string_view bytes) {
  decoder_.feed(bytes);
  while (auto frame = TRY(in("the guest's answer", decoder_.next())))
    if (TRY(print(*frame))) return true;
  return false;
}

}  // namespace

std::uint64_t LogPlace::missing_at(std::string_view payload) {
  auto there = link::decode_position(payload);
  if (!there) return 0;
  auto missing = [&](bool wanted, std::uint64_t& ours, std::uint64_t theirs) {
    auto bytes = wanted && known && theirs > ours ? theirs - ours : 0;
    ours = theirs;
    return bytes;
  };
  auto sum = missing(wants_out, out, there->out) + missing(wants_err, err, there->err);
  known = true;
  return sum;
}

Result<std::int64_t> parse_since(std::string_view text) {
  using namespace std::chrono;
  if (!text.starts_with('@'))
    return (duration_cast<milliseconds>(system_clock::now().time_since_epoch()) - TRY(parse_duration(text))).count();
  std::int64_t seconds = 0;
  auto digits = text.substr(1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (whole && seconds >= 0 && seconds <= limits::kLastSecond) return seconds * 1000;
  return fail(ErrorCode::invalid, fmt::format("'{}' is no time", printable(text, 80)),
              "write it like 10m or @1700000000");
}

Result<int> copy_session_log(Io& io, rpc::Client::RawStream stream, const Signals& signals, const LogPlace& place) {
  LogPrinter printer(io, place);
  if (TRY(printer.take(stream.first_bytes))) return exit_status::kOk;
  auto take = [&](std::string_view bytes) { return printer.take(bytes); };
  switch (TRY(read_stream(io, stream.socket.get(), signals, "log", take))) {
    case StreamEnd::interrupted:
      return exit_status::kInterrupted;
    case StreamEnd::enough:
      return exit_status::kOk;
    case StreamEnd::ended:
      break;
  }
  return fail(ErrorCode::unavailable, "the connection was lost before the end of the log");
}

}  // namespace banger::roles::cli
