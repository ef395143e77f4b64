#include "engine/vm/shared_wake.h"

namespace banger::engine {

Task<> SharedWake::run(std::shared_ptr<SharedWake> self, std::function<Task<Result<>>()> wake) {
  auto turn = self->turn_;
  // Callers that come at the same moment share even a wake that fails at once.
  co_await self->runtime_.sleep_for(std::chrono::milliseconds(0));
  auto woken = co_await wake();
  self->turn_.reset();
  turn->result = std::move(woken);
  turn->done.notify_all();
}

Task<Result<>> SharedWake::join(std::shared_ptr<SharedWake> self, std::function<Task<Result<>>()> wake) {
  auto turn = self->turn_;
  if (!turn) {
    turn = self->turn_ = std::make_shared<Turn>(self->runtime_);
    self->runtime_.spawn(run(self, std::move(wake)));
  }
  while (!turn->result) co_await turn->done.wait();
  co_return *turn->result;
}

}  // namespace banger::engine
