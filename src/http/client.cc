#include "http/client.h"

#include <fmt/format.h>
#include <http_parser.h>

#include <cstring>

#include "host/files.h"
#include "http/exchange.h"
#include "http/pool.h"
#include "http/receiver.h"
#include "http/redirect.h"
#include "http/request_head.h"
#include "http/retry.h"
#include "http/route.h"

namespace banger::http {

namespace {

using Stage = Fault::Stage;

Patience patience_of(const Request& request) {
  return {.stall = request.deadlines.stall, .whole = request.deadlines.whole, .cancel = request.cancel};
}

/// Where a chain of redirects began, once that is known.
struct Origin {
  explicit Origin(Within within) {
    if (within == Within::global_only) local = false;
  }
  std::optional<bool> local;
  Within within() const { return local.value_or(true) ? Within::anywhere : Within::global_only; }
  void reached(const Route& route, const Address& peer) {
    if (!local) local = is_local(route, peer);
  }
};

double random_fraction() {
  std::uint32_t number = 0;
  auto bytes = host::random_bytes(sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number / 4294967296.0;
}

/// What is better: another attempt after this pause, or the outcome as it is.
struct Decision {
  bool again = false;
  std::optional<std::chrono::milliseconds> asked_pause;  ///< by the server
};

Decision decide(const Request& request, const Attempt<Response>& outcome, std::chrono::system_clock::time_point now) {
  bool repeatable = is_idempotent(request.method);
  if (!outcome) return {.again = outcome.error().again && (repeatable || outcome.error().stage == Stage::unsent)};
  if (!repeatable || !is_transient(outcome->status)) return {};
  return {.again = true, .asked_pause = parse_retry_after(outcome->headers.get("Retry-After"), now)};
}

Result<Response> plain_result(Attempt<Response> outcome) {
  if (!outcome) return std::unexpected(std::move(outcome.error().error));
  return std::move(*outcome);
}

}  // namespace

struct Client::Impl {
  Impl(host::Runtime& r, Options o) : runtime(r), options(std::move(o)) {}

  /// All attempts of a request.
  Task<Result<Response>> run(const Request* request, Receiver* receiver) {
    CO_TRY(check(*request));
    for (int attempt = 1;; ++attempt) {
      auto outcome = co_await follow(request, receiver);
      if (receiver->take_progress()) attempt = 1;
      auto now = options.waits.now ? options.waits.now() : std::chrono::system_clock::now();
      auto decision = decide(*request, outcome, now);
      auto random = options.waits.random ? options.waits.random() : random_fraction();
      auto pause = decision.asked_pause.value_or(pause_after(attempt, random));
      bool fits = pause <= limits::kRetryAfterMost && host::after(pause) < request->deadlines.whole;
      if (!decision.again || attempt >= request->attempts || !fits) co_return plain_result(std::move(outcome));
      CO_TRY(co_await wait(pause, request->cancel));
    }
  }

  Task<Result<>> wait(std::chrono::milliseconds pause, host::Cancel* cancel) {
    auto end = host::after(pause);
    if (options.waits.sleep) {
      co_await options.waits.sleep(pause);
    } else if (!cancel) {
      co_await runtime.sleep_for(pause);
    } else {
      while (!cancel->requested() && host::Clock::now() < end) co_await cancel->event().wait(end);
    }
    co_return cancel ? cancel->check() : Result<>();
  }

  /// One attempt, with its redirects.
  Task<Attempt<Response>> follow(const Request* request, Receiver* receiver) {
    auto current = *request;
    receiver->prepare(current);
    Origin origin(request->within);
    for (int hop = 0; hop <= limits::kRedirects; ++hop) {
      auto host = host_and_port(current.url);
      auto outcome = co_await once(&current, receiver, &origin);
      if (!outcome) {
        outcome.error().error = std::move(outcome.error().error).in(host);
        co_return outcome;
      }
      if (request->redirects == Redirects::show || !is_redirect(*outcome)) co_return outcome;
      current = CO_TRY(in(host, redirected(current, *outcome)));
    }
    co_return std::unexpected(Fault(Error{.code = ErrorCode::denied,
                                          .message = fmt::format("{}: the server redirects more than {} times",
                                                                 host_and_port(request->url), limits::kRedirects)}));
  }

  /// One request and its response, over a connection that is open already or over a new one.
  Task<Attempt<Response>> once(const Request* request, Receiver* receiver, Origin* origin) {
    if (request->url.scheme == "http" && request->plain == Plain::refused)
      co_return std::unexpected(Fault(Error{.code = ErrorCode::denied, .message = "plain HTTP is not encrypted"}));
    Route route{
        .url = request->url, .proxy = CO_TRY(proxy_for(options.proxy, request->url)), .within = origin->within()};
    while (auto stream = pool.take(route.key())) {
      auto outcome = co_await over(std::move(*stream), request, receiver, route, origin);
      // The server may close a connection just when the next request begins. That is nobody's fault.
      bool closed =
          !outcome && outcome.error().error.code == ErrorCode::unavailable && outcome.error().stage == Stage::sent;
      if (!closed || !is_idempotent(request->method)) co_return outcome;
    }
    auto patience = patience_of(*request).until(host::after(request->deadlines.connect));
    auto addresses = co_await look_up(runtime, options, route, patience);
    // Name servers have been asked several times already.
    if (!addresses) co_return std::unexpected(Fault::final(std::move(addresses).error()));
    auto stream = co_await open_route(runtime, options, route, std::move(*addresses), patience);
    if (!stream) co_return std::unexpected(Fault(std::move(stream).error(), Stage::unsent));
    co_return co_await over(std::move(*stream), request, receiver, route, origin);
  }

  Task<Attempt<Response>> over(Stream stream, const Request* request, Receiver* receiver, Route route, Origin* origin) {
    CO_TRY(check_reach(route, stream.peer()));
    origin->reached(route, stream.peer());
    auto head = request_head(*request, options.user_agent, route.is_plain_proxy() ? route.proxy : std::nullopt);
    auto done = CO_TRY(co_await exchange(runtime, stream, *request, std::move(head), *receiver, patience_of(*request)));
    if (done.reusable) pool.put(route.key(), std::move(stream));
    done.response.leads = origin->within();
    co_return std::move(done.response);
  }

  host::Runtime& runtime;
  Options options;
  Pool pool;
};

Client::Client(host::Runtime& runtime, Options options) : impl_(std::make_unique<Impl>(runtime, std::move(options))) {}
Client::~Client() = default;

Task<Result<Response>> Client::send(Request request) {
  MemoryReceiver receiver(request.max_body_bytes);
  auto response = CO_TRY(co_await impl_->run(&request, &receiver));
  if (response.status < 300) response.body = receiver.take();
  co_return response;
}

Task<Result<Response>> Client::download(Request request, Download download) {
  request.method = "GET";
  DownloadReceiver receiver(std::move(download));
  if (receiver.has_all()) co_return Response{.status = 200, .headers = {}, .body = "", .url = request.url};
  auto response = CO_TRY(co_await impl_->run(&request, &receiver));
  // 416: the server has fewer bytes than the receiver, so the receiver's bytes are of something else.
  if (response.status == 416 && receiver.has_some()) {
    CO_TRY(co_await receiver.restart());
    co_return co_await impl_->run(&request, &receiver);
  }
  co_return response;
}

std::string status_text(int status) {
  std::string_view name = http_status_str(static_cast<http_status>(status));
  return name == "<unknown>" ? fmt::format("{}", status) : fmt::format("{} {}", status, name);
}

}  // namespace banger::http
