#include "roles/agent/serve.h"

#include <sys/utsname.h>

#include "link/link.h"
#include "roles/agent/bounds.h"
#include "roles/agent/channel.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

Result<ContextPtr> make_context(host::Runtime& runtime, Options options) {
  auto context = std::make_shared<Context>(runtime, std::move(options));
  context->config = TRY(context->run_dir.load_config());
  context->command_groups.limit(context->config.pids);
  utsname kernel{};
  if (::uname(&kernel) == 0) context->counts.named(kernel.nodename);
  // The agent works without these handles. Then each is opened when it is needed.
  if (auto handles = guest::Handles::open()) context->handles = std::move(*handles);
  return context;
}

namespace {

std::unique_ptr<link::Server> make_server(const ContextPtr& context, UniqueFd channel, link::AtEnd at_end) {
  // Not a coroutine itself: it passes its own copies to one.
  auto handler = [context](std::shared_ptr<link::ServerStream> stream) { return dispatch(context, std::move(stream)); };
  return link::make_server(context->runtime, std::move(channel), context->config.link_token, handler, at_end);
}

Task<> see_out(Task<Result<>> serving) { (void)co_await std::move(serving); }

void say_serving(const ContextPtr& context, std::string_view channel) {
  context->log().info(
      "serving",
      {{"version", BANGER_VERSION}, {"init", to_string(context->run_dir.init_kind())}, {"channel", channel}});
}

}  // namespace

Task<Result<>> serve_channel(ContextPtr context, UniqueFd channel) {
  auto server = make_server(context, std::move(channel), link::AtEnd::wait);
  context->set_token = [&server](std::string token) { server->set_token(std::move(token)); };
  auto ended = co_await server->serve();
  context->set_token = nullptr;
  co_return ended;
}

Task<Result<>> serve_listener(ContextPtr context, UniqueFd listener) {
  auto server = std::make_shared<std::unique_ptr<link::Server>>();
  // Weak, because the server's handler holds the context.
  context->set_token = [weak = std::weak_ptr(server)](std::string token) {
    if (auto held = weak.lock(); held && *held) (*held)->set_token(std::move(token));
  };
  for (;;) {
    auto connection = co_await accept_host(context->runtime, listener.get());
    if (!connection) {
      context->set_token = nullptr;
      co_return std::unexpected(std::move(connection).error());
    }
    *server = make_server(context, std::move(*connection), link::AtEnd::stop);
    context->runtime.spawn(see_out((*server)->serve()));
  }
}

Task<Result<>> serve_found(ContextPtr context) {
  for (;;) {
    auto channel = CO_TRY(co_await open_channel(context->runtime, host::after(limits::kPortWait)));
    say_serving(context, channel.port ? "port" : "vsock");
    auto ended = channel.port ? co_await serve_channel(context, std::move(channel.port))
                              : co_await serve_listener(context, std::move(channel.listener));
    context->log().warn("channel.failed", {{"error", ended ? "it ended" : ended.error().sentence()}});
    co_await context->runtime.sleep_for(limits::kPortReopen);
  }
}

}  // namespace banger::roles::agent
