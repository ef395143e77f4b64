// Where the body of a successful response goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/task.h"
#include "http/client.h"

namespace banger::http {

enum class Ending {
  marked,  ///< by the length of the body, or by its last chunk
  closed,  ///< by the end of the connection, which may have come too early
};

/// One receiver lives through all attempts of a request. Its errors end the request.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// Before each attempt: adds headers.
  virtual void prepare(Request& request) { (void)request; }
  /// The head of a response with a status of 2xx. `length_bytes`: of the body, when the server knows it.
  virtual Task<Result<>> begin(const Response& response, std::optional<std::uint64_t> length_bytes) = 0;
  /// The next bytes of the body.
  virtual Task<Result<>> piece(std::string_view bytes) = 0;
  /// After the last byte of the response. `unavailable` when the rest needs another request.
  virtual Result<> complete(Ending ending) {
    (void)ending;
    return {};
  }
  /// Whether no byte is missing, although the response may go on.
  virtual bool has_all() const { return false; }
  /// Whether enough has arrived since the last call to begin the count of attempts anew.
  virtual bool take_progress() { return false; }
};

/// Collects the body in memory, up to a limit.
class MemoryReceiver final : public Receiver {
 public:
  explicit MemoryReceiver(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  Task<Result<>> begin(const Response& response, std::optional<std::uint64_t> length_bytes) override;
  Task<Result<>> piece(std::string_view bytes) override;
  std::string take() { return std::move(body_); }

 private:
  std::size_t max_bytes_;
  std::string body_;
};

/// Passes the body on, and asks for the rest of it in the next attempt.
class DownloadReceiver final : public Receiver {
 public:
  explicit DownloadReceiver(Download download) : download_(std::move(download)), received_(download_.offset) {}
  void prepare(Request& request) override;
  Task<Result<>> begin(const Response& response, std::optional<std::uint64_t> length_bytes) override;
  Task<Result<>> piece(std::string_view bytes) override;
  Result<> complete(Ending ending) override;
  bool take_progress() override;

  /// Forgets what was received.
  Task<Result<>> restart();
  bool has_all() const override { return download_.size_bytes && received_ == *download_.size_bytes; }
  bool has_some() const { return received_ > 0; }

 private:
  Result<> check_size(std::uint64_t size_bytes) const;

  Download download_;
  std::uint64_t received_;
  std::uint64_t renewed_at_ = 0;        ///< what was received when the attempts last began anew
  std::optional<std::uint64_t> whole_;  ///< bytes of the whole, as the server gave them
  std::string etag_;                    ///< of what was received; empty when the server has none
};

}  // namespace banger::http
