#include "machine/memory_changes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "host/files.h"
#include "machine/bounds.h"

namespace banger::machine {

namespace {

constexpr std::uint64_t kPage = 4096;

struct Run {
  std::uint64_t offset = 0, size = 0;
};

// Returns fewer bytes than requested only at the end of the file.
Result<std::size_t> read_some(int file, char* bytes, std::size_t count, const std::string& name) {
  std::size_t got = 0;
  while (got < count) {
    ssize_t n = ::read(file, bytes + got, count - got);
    if (n < 0) return fail_errno(name);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

Result<> write_memory(int memory, std::uint64_t at, const char* bytes, std::uint64_t count) {
  for (std::uint64_t put = 0; put < count;) {
    ssize_t n = ::pwrite(memory, bytes + put, count - put, static_cast<off_t>(at + put));
    if (n <= 0) return fail_errno("write the guest's memory", n < 0 ? errno : EIO);
    put += static_cast<std::uint64_t>(n);
  }
  return {};
}

// Runs are small and many, so the file is written in large pieces.
class Writer {
 public:
  Writer(int to, const std::string& name) : to_(to), name_(name) {
    pending_.reserve(limits::kMemoryPieceBytes + sizeof(Run));
  }

  Result<char*> add(std::size_t count) {
    if (pending_.size() + count > limits::kMemoryPieceBytes) TRY(flush());
    pending_.resize(pending_.size() + count);
    return pending_.data() + pending_.size() - count;
  }
  Result<> flush() {
    auto written = host::write_all(to_, {pending_.data(), pending_.size()});
    pending_.clear();
    return in(name_, std::move(written));
  }

 private:
  int to_;
  const std::string& name_;
  std::vector<char> pending_;
};

Result<> check_run(const Run& run, std::uint64_t from, const GuestMemory& memory, const std::string& name) {
  bool aligned =
      run.offset % kPage == 0 && run.size % kPage == 0 && run.size > 0 && run.size <= limits::kMemoryPieceBytes;
  if (aligned && run.offset >= from && run.offset < memory.size_bytes && run.size <= memory.size_bytes - run.offset)
    return {};
  return fail(ErrorCode::corrupt, fmt::format("{} has pages beyond a memory of {} bytes", name, memory.size_bytes));
}

}  // namespace

Result<std::uint64_t> count_changes(const GuestMemory& memory) {
  std::uint64_t sum = 0;
  TRY(for_own_pages(memory, [&](std::uint64_t, std::uint64_t size) {
    sum += size;
    return Result<>();
  }));
  return sum;
}

Result<std::uint64_t> write_changes(const GuestMemory& memory, const std::string& to) {
  auto bytes = TRY(open_memory(memory, O_RDONLY));
  auto file = TRY(host::open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  Writer writer(file.get(), to);
  std::uint64_t written = 0;
  TRY(for_own_pages(memory, [&](std::uint64_t offset, std::uint64_t size) -> Result<> {
    for (std::uint64_t done = 0; done < size;) {
      Run run{offset + done, std::min(size - done, limits::kMemoryPieceBytes - kPage)};
      auto* place = TRY(writer.add(sizeof(Run) + run.size));
      std::copy_n(reinterpret_cast<const char*>(&run), sizeof(Run), place);
      TRY(read_memory(bytes, memory, run.offset, place + sizeof(Run), run.size));
      done += run.size;
    }
    written += size;
    return {};
  }));
  TRY(writer.flush());
  return written;
}

Result<> apply_changes(const GuestMemory& memory, const std::string& from) {
  auto file = TRY(host::open_file(from, O_RDONLY | O_NOFOLLOW));
  auto to = TRY(open_memory(memory, O_RDWR));
  std::vector<char> bytes;
  for (std::uint64_t end = 0;;) {
    Run run;
    auto got = TRY(read_some(file.get(), reinterpret_cast<char*>(&run), sizeof(run), from));
    if (got == 0) return {};
    if (got < sizeof(run)) return fail(ErrorCode::corrupt, fmt::format("{} ends in the middle", from));
    TRY(check_run(run, end, memory, from));
    bytes.resize(run.size);
    if (TRY(read_some(file.get(), bytes.data(), run.size, from)) < run.size)
      return fail(ErrorCode::corrupt, fmt::format("{} ends in the middle", from));
    TRY(write_memory(to.get(), memory.address + run.offset, bytes.data(), run.size));
    end = run.offset + run.size;
  }
}

}  // namespace banger::machine
