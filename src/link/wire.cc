#include "link/wire.h"

#include <algorithm>

#include "link/bounds.h"

namespace banger::link {

namespace {

using namespace std::chrono_literals;
}  // namespace

Wire::Wire(host::Runtime& runtime, std::unique_ptr<Channel> channel)
    : runtime_(runtime), channel_(std::move(channel)), output_ready_(runtime), stopped_(runtime) {}

Task<Result<>> Wire::receive(std::shared_ptr<Wire> self) {
  std::string buffer(limits::kLinkReadBytes, '\0');
  std::chrono::milliseconds pause = limits::kLinkFirstBackOff;
  while (!self->closed()) {
    auto step = self->channel_->read(buffer);
    switch (step.kind) {
      case IoStep::Kind::done:
        pause = limits::kLinkFirstBackOff;
        self->received(std::string_view(buffer).substr(0, step.bytes));
        self->wake_sender();
        // A peer that never pauses must not keep the others from running.
        co_await yield_once(self->runtime_);
        break;
      case IoStep::Kind::again:
        co_await self->channel_->readable();
        break;
      case IoStep::Kind::gone:
        if (self->closed() || self->gone() == Gone::stop) co_return Result<>();
        co_await self->stopped_.wait(host::after(pause));
        pause = std::min<std::chrono::milliseconds>(pause * 2, limits::kLinkLastBackOff);
        break;
      case IoStep::Kind::failed:
        co_return fail_errno("read from the link", step.error_number);
    }
  }
  co_return Result<>();
}

Task<> Wire::send(std::shared_ptr<Wire> self) {
  while (!self->closed()) {
    if (self->output_.empty()) self->produce(self->output_);
    if (self->output_.empty()) {
      self->flushed();
      if (!self->closed()) co_await self->output_ready_.wait();
      continue;
    }
    auto step = self->channel_->write(std::string_view(self->output_).substr(self->written_));
    if (step.kind == IoStep::Kind::again) {
      // The queued bytes may have changed by the time there is room.
      co_await self->channel_->writable();
    } else if (step.kind == IoStep::Kind::done) {
      self->written_ += step.bytes;
      if (self->written_ == self->output_.size()) self->discard_output();
    } else {
      // The reader handles the cause.
      self->discard_output();
      if (!self->closed()) co_await self->output_ready_.wait();
    }
  }
}

void Wire::close_wire() {
  channel_->close();
  output_ready_.notify_all();
  stopped_.notify_all();
}

void Wire::discard_output() {
  output_.clear();
  written_ = 0;
}

void Wire::put(std::string_view bytes) {
  output_ += bytes;
  wake_sender();
}

}  // namespace banger::link
