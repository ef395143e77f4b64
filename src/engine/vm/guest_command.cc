#include "engine/vm/guest_command.h"

#include <nlohmann/json.hpp>

#include "link/exec_spec.h"

namespace banger::engine {

namespace {

// The reader and the waiter share this, because the waiter may give up first.
struct Run {
  Run(host::Runtime& runtime, std::unique_ptr<link::ClientStream> s) : stream(std::move(s)), done(runtime) {}
  std::unique_ptr<link::ClientStream> stream;
  host::Event done;
  std::optional<Result<int>> result;
};

Task<Result<int>> read_to_end(link::ClientStream& stream) {
  link::FrameDecoder decoder;
  for (;;) {
    auto bytes = CO_TRY(co_await stream.read());
    if (bytes.empty()) co_return fail(ErrorCode::corrupt, "the guest sent no exit code for the command");
    decoder.feed(bytes);
    while (auto frame = CO_TRY(decoder.next())) {
      if (frame->type != link::FrameType::exit && frame->type != link::FrameType::failed) continue;
      auto end = CO_TRY(link::decode_exit(frame->type, frame->payload));
      co_return end.signal ? 128 + end.signal : end.code;
    }
  }
}

Task<> read_run(std::shared_ptr<Run> run) {
  auto ended = co_await read_to_end(*run->stream);
  run->result = std::move(ended);
  run->done.notify_all();
}

}  // namespace

Task<Result<int>> run_in_guest(host::Runtime& runtime, link::Client& client, std::vector<std::string> argv,
                               host::Deadline deadline) {
  auto stream = CO_TRY(co_await client.open({.method = "POST", .path = "/exec"}));
  link::ExecSpec spec;
  spec.argv = std::move(argv);
  spec.user = "root";
  std::string frames;
  (void)link::encode_spec(spec, frames);
  link::encode_frame(link::FrameType::stdin_end, "", frames);
  CO_TRY(co_await stream->write(std::move(frames)));
  auto run = std::make_shared<Run>(runtime, std::move(stream));
  runtime.spawn(read_run(run));
  while (!run->result)
    if (!co_await run->done.wait(deadline)) {
      client.close();  // wakes the reader; the link to a guest that hangs is useless anyway
      co_return fail(ErrorCode::timeout, "the command in the guest did not end in time");
    }
  co_return *run->result;
}

}  // namespace banger::engine
