#include "engine/vm/named_client.h"

#include <fmt/format.h>

namespace banger::engine {

namespace {

template <class T>
Result<T> named(const VmRecord& record, Result<T> result) {
  if (result) return result;
  auto error = std::move(result).error().in(fmt::format("vm '{}'", record.row().name));
  if (error.code == ErrorCode::timeout && error.hint.empty())
    error.hint = fmt::format("see banger vm list and banger vm logs {}", record.row().name);
  return std::unexpected(std::move(error));
}

// Only the head of an answer gets the name: most errors come there, and bodies pass without another coroutine.
class NamedStream final : public link::ClientStream {
 public:
  NamedStream(std::unique_ptr<link::ClientStream> stream, std::shared_ptr<VmRecord> record)
      : stream_(std::move(stream)), record_(std::move(record)) {}

  Task<Result<std::string>> read() override { return stream_->read(); }
  Task<Result<>> write(std::string bytes) override { return stream_->write(std::move(bytes)); }
  Task<Result<>> finish() override { return stream_->finish(); }
  Task<Result<int>> status(host::Deadline deadline) override { return wait(record_, stream_->status(deadline)); }

 private:
  static Task<Result<int>> wait(std::shared_ptr<VmRecord> record, Task<Result<int>> status) {
    co_return named(*record, co_await std::move(status));
  }

  std::unique_ptr<link::ClientStream> stream_;
  std::shared_ptr<VmRecord> record_;
};

class NamedClient final : public link::Client {
 public:
  NamedClient(std::shared_ptr<link::Client> client, std::shared_ptr<VmRecord> record)
      : client_(std::move(client)), record_(std::move(record)) {}

  Task<Result<std::unique_ptr<link::ClientStream>>> open(link::Request request) override {
    return open_named(client_, record_, std::move(request));
  }
  Task<Result<std::string>> call(std::string method, std::string path, std::string body,
                                 host::Deadline deadline) override {
    return wait(client_, record_, client_->call(std::move(method), std::move(path), std::move(body), deadline));
  }
  Task<Result<>> ping(host::Deadline deadline) override { return wait(client_, record_, client_->ping(deadline)); }
  bool alive() const override { return client_->alive(); }
  void fell_silent() override { client_->fell_silent(); }
  host::Clock::time_point last_heard() const override { return client_->last_heard(); }
  void expect(std::string token) override { client_->expect(std::move(token)); }
  Task<> closed() override { return client_->closed(); }
  void close() override { client_->close(); }

 private:
  // The client must live until its answer is there.
  template <class T>
  static Task<Result<T>> wait(std::shared_ptr<link::Client> /* lives as long as the answer */,
                              std::shared_ptr<VmRecord> record, Task<Result<T>> answer) {
    auto result = co_await std::move(answer);
    co_return named(*record, std::move(result));
  }
  static Task<Result<std::unique_ptr<link::ClientStream>>> open_named(std::shared_ptr<link::Client> client,
                                                                      std::shared_ptr<VmRecord> record,
                                                                      link::Request request) {
    auto stream = CO_TRY(named(*record, co_await client->open(std::move(request))));
    co_return std::make_unique<NamedStream>(std::move(stream), std::move(record));
  }

  std::shared_ptr<link::Client> client_;
  std::shared_ptr<VmRecord> record_;
};

}  // namespace

std::shared_ptr<link::Client> with_name(std::shared_ptr<link::Client> client, std::shared_ptr<VmRecord> record) {
  return std::make_shared<NamedClient>(std::move(client), std::move(record));
}

}  // namespace banger::engine
