#include "http/response_parser.h"

#include <fmt/format.h>
#include <http_parser.h>

#include "base/text.h"
#include "http/bounds.h"

namespace banger::http {

namespace {

constexpr int kSkipBody = 1, kSkipAll = 2;  // what on_headers_complete may return (http_parser.h)
constexpr int kStop = -1;

bool is_informational(unsigned status) { return status < 200; }

}  // namespace

// The callbacks are members, so that each names what it reads. `Call` and `Take` make C functions of them.
struct ResponseParser::Impl {
  explicit Impl(Expect expected) : expect(expected) {
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = this;
    http_parser_settings_init(&settings);
    settings.on_message_begin = call<&Impl::begin>;
    settings.on_status = take<&Impl::reason>;
    settings.on_header_field = take<&Impl::name>;
    settings.on_header_value = take<&Impl::value>;
    settings.on_headers_complete = call<&Impl::head>;
    settings.on_body = take<&Impl::body_bytes>;
    settings.on_message_complete = call<&Impl::complete>;
  }

  template <int (Impl::*function)()>
  static int call(http_parser* from) {
    return (static_cast<Impl*>(from->data)->*function)();
  }
  template <int (Impl::*function)(std::string_view)>
  static int take(http_parser* from, const char* bytes, std::size_t size) {
    return (static_cast<Impl*>(from->data)->*function)({bytes, size});
  }

  int begin() {
    if (!done) return 0;
    spare = true;
    return kStop;
  }
  int count(std::size_t bytes) {
    head_bytes += bytes;
    if (head_bytes > limits::kHttpHeadBytes || headers.fields().size() > limits::kHttpFields) too_large = true;
    return too_large ? kStop : 0;
  }
  int reason(std::string_view bytes) { return count(bytes.size()); }
  // A name or a value may come in several parts.
  int name(std::string_view bytes) {
    if (in_value) store_field();
    field += bytes;
    return count(bytes.size());
  }
  int value(std::string_view bytes) {
    in_value = true;
    content += bytes;
    return count(bytes.size());
  }
  void store_field() {
    // Debian's library is built to let spaces pass.
    malformed = malformed || !is_token(field);
    // Fields after the body would come too late for every check, so they are dropped.
    if (!head_done) headers.add(std::move(field), std::string(trim(content)));
    field.clear();
    content.clear();
    in_value = false;
  }
  int head() {
    if (in_value) store_field();
    if (malformed) return kStop;
    if (parser.status_code < 200 || parser.status_code > 599) {
      // 101 would hand the connection to another protocol. No other number below 100 is a status.
      headers = {};
      return parser.status_code > 101 && is_informational(parser.status_code) ? 0 : check_continue();
    }
    if (parser.uses_transfer_encoding && !(parser.flags & F_CHUNKED)) return kStop;
    head_done = true;
    status = static_cast<int>(parser.status_code);
    if ((parser.flags & F_CONTENTLENGTH) && !(parser.flags & F_CHUNKED)) length = parser.content_length;
    if (expect == Expect::tunnel && status < 300) return kSkipAll;
    return expect == Expect::no_body ? kSkipBody : 0;
  }
  int check_continue() const { return parser.status_code == 100 ? 0 : kStop; }
  int body_bytes(std::string_view bytes) {
    body += bytes;
    return 0;
  }
  int complete() {
    if (!head_done) return count(kInformationalCost);
    done = true;
    keeps = http_should_keep_alive(&parser) != 0;
    return 0;
  }

  static constexpr std::size_t kInformationalCost = 64;  // bytes that one of them counts for, so that they end

  Expect expect;
  http_parser parser{};
  http_parser_settings settings{};
  Headers headers;
  std::string field, content, body;
  bool in_value = false, head_done = false, done = false, keeps = false, closed = false, spare = false,
       too_large = false, malformed = false;
  int status = 0;
  std::size_t head_bytes = 0;
  std::uint64_t content_bytes = 0, all_bytes = 0;
  std::optional<std::uint64_t> length;
};

ResponseParser::ResponseParser(Expect expect) : impl_(std::make_unique<Impl>(expect)) {}
ResponseParser::~ResponseParser() = default;

Result<> ResponseParser::feed(std::string_view bytes) {
  auto& it = *impl_;
  if (it.done) {
    it.spare = it.spare || !bytes.empty();
    return {};
  }
  auto before = it.body.size();
  auto used = http_parser_execute(&it.parser, &it.settings, bytes.data(), bytes.size());
  it.content_bytes += it.body.size() - before;
  it.all_bytes += bytes.size();
  if (it.done) {
    it.spare = it.spare || used < bytes.size();
    return {};
  }
  // The library has a limit of its own for fields that have not ended yet.
  if (it.too_large || HTTP_PARSER_ERRNO(&it.parser) == HPE_HEADER_OVERFLOW)
    return fail(ErrorCode::exhausted, "the server sent too many headers, or too large ones");
  if (it.all_bytes - it.content_bytes > limits::kHttpFramingBytes + limits::kHttpFramingShare * it.content_bytes)
    return fail(ErrorCode::corrupt, "the server sent far more coding of chunks than content");
  if (used == bytes.size() && HTTP_PARSER_ERRNO(&it.parser) == HPE_OK) return {};
  return fail(ErrorCode::corrupt, fmt::format("the server's answer is not valid HTTP ({})",
                                              http_errno_description(HTTP_PARSER_ERRNO(&it.parser))));
}

Result<> ResponseParser::end() {
  auto& it = *impl_;
  // Without a length, the end of the connection is the end of the body.
  if (!it.done) http_parser_execute(&it.parser, &it.settings, nullptr, 0);
  if (it.done) {
    it.keeps = false;
    it.closed = true;
    return {};
  }
  return fail(ErrorCode::unavailable, it.head_done ? "the server closed the connection in the middle of a response"
                                                   : "the server closed the connection without a response");
}

bool ResponseParser::head_done() const { return impl_->head_done; }
bool ResponseParser::done() const { return impl_->done; }
bool ResponseParser::reusable() const { return impl_->done && impl_->keeps && !impl_->spare; }
bool ResponseParser::closed() const { return impl_->closed; }
int ResponseParser::status() const { return impl_->status; }
Headers ResponseParser::take_headers() { return std::move(impl_->headers); }
std::optional<std::uint64_t> ResponseParser::content_length() const { return impl_->length; }
std::string ResponseParser::take_body() { return std::exchange(impl_->body, {}); }

}  // namespace banger::http
