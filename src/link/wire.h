// Moves bytes between one channel and one end of the link. One coroutine reads, one writes; both own the wire.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "link/channel.h"

namespace banger::link {

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  Wire(host::Runtime& runtime, std::unique_ptr<Channel> channel);
  virtual ~Wire() = default;

  /// Reads until closed, or until the peer has gone and gone() says to stop. An error comes from the channel itself.
  static Task<Result<>> receive(std::shared_ptr<Wire> self);
  /// Writes what produce() gives, until closed.
  static Task<> send(std::shared_ptr<Wire> self);

  void wake_sender() { output_ready_.notify_all(); }
  bool closed() const { return channel_->closed(); }

 protected:
  enum class Gone { stop, back_off };
  virtual void received(std::string_view bytes) = 0;
  /// Appends the bytes to send next. Called when all earlier bytes have been written.
  virtual void produce(std::string& out) = 0;
  /// Called while the other end is not open, again and again.
  virtual Gone gone() = 0;
  /// Called when all bytes from produce() have been written.
  virtual void flushed() {}

  void close_wire();
  /// Discards the bytes that were produced and not written yet.
  void discard_output();
  /// Sends these bytes after those produced so far.
  void put(std::string_view bytes);

  host::Runtime& runtime_;
  std::unique_ptr<Channel> channel_;

 private:
  host::Event output_ready_, stopped_;
  std::string output_;
  std::size_t written_ = 0;
};

}  // namespace banger::link
