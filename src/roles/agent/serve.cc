#include "roles/agent/serve.h"

#include "base/bounds.h"
#include "link/link.h"
#include "roles/agent/channel.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

Result<ContextPtr> make_context(host::Runtime& runtime, Options options) {
  auto context = std::make_shared<Context>(runtime, std::move(options));
  context->config = TRY(context->run_dir.load_config());
  return context;
}

Task<Result<>> serve_channel(ContextPtr context, UniqueFd channel) {
  // Not a coroutine: it hands its own copies to one.
  auto handler = [context](std::shared_ptr<link::ServerStream> stream) { return dispatch(context, std::move(stream)); };
  auto server = link::make_server(context->runtime, std::move(channel), context->config.link_token, handler);
  context->set_token = [&server](std::string token) { server->set_token(std::move(token)); };
  auto ended = co_await server->serve();
  context->set_token = nullptr;
  co_return ended;
}

Task<Result<>> serve_port(ContextPtr context) {
  for (;;) {
    auto port = CO_TRY(co_await open_port(context->runtime, host::after(limits::kPortWait)));
    context->log().info("serving", {{"version", BANGER_VERSION}, {"init", to_string(context->run_dir.init_kind())}});
    auto ended = co_await serve_channel(context, std::move(port));
    context->log().warn("channel.failed", {{"error", ended ? "it ended" : ended.error().sentence()}});
    co_await context->runtime.sleep_for(limits::kPortReopen);
  }
}

}  // namespace banger::roles::agent
