// One connection of a guest to the relay, and its connection to the host's proxy. Bytes pass both ways, and whoever
// sends waits for whoever reads.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "egress/http_head.h"
#include "host/runtime.h"
#include "net/tcp.h"

namespace banger::capabilities {

class ProxyPassage;
using ProxyPassagePtr = std::shared_ptr<ProxyPassage>;

class ProxyPassage {
 public:
  ProxyPassage(host::Runtime& runtime, std::unique_ptr<net::TcpStream> guest);

  /// Ends both connections with a reset. Pending calls then return nothing, or false.
  void cut();
  bool over() const { return over_; }

  /// The first request, and in `rest` what came with it. Nothing: the guest said nothing in time, or is gone.
  Task<std::optional<egress::HttpHeadParser>> read_head(std::string& rest);
  /// A last word of the relay. REQUIRES: the proxy's answers do not pass yet.
  static Task<> say(ProxyPassagePtr passage, std::string answer);

  void use_proxy(std::unique_ptr<net::TcpStream> proxy) { proxy_ = std::move(proxy); }
  // REQUIRES: use_proxy() for the rest.

  /// Asks for a tunnel, and passes all bytes once there is one. An error is the proxy's, and nothing of its answer has
  /// reached the guest.
  static Task<Result<>> tunnel(ProxyPassagePtr passage, std::string head, std::string rest);
  /// Passes one request with its body, and the answer to it. What the guest sends later stays unread.
  static Task<> request(ProxyPassagePtr passage, egress::HttpHead asked, std::string head, std::string rest);

 private:
  Task<Result<std::string>> open_tunnel(std::string head);
  Task<bool> to_guest(std::string bytes);
  Task<bool> to_proxy(std::string bytes);
  /// Empty at the end of the guest's bytes; nothing once it is over.
  Task<std::optional<std::string>> from_guest();
  static Task<> pass_answers(ProxyPassagePtr passage);
  static Task<> end_guest(ProxyPassagePtr passage);

  host::Runtime& runtime_;
  std::unique_ptr<net::TcpStream> guest_, proxy_;
  bool over_ = false, answers_ended_ = false, guest_gone_ = false;
  std::uint64_t heard_ = 0;  ///< pieces of bytes from the guest
  host::Event changed_;
};

}  // namespace banger::capabilities
