#include "roles/agent/ssh/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "roles/agent/bounds.h"
#include "roles/agent/ssh/socket_channel.h"

namespace banger::roles::agent::ssh {

namespace {

std::unexpected<Error> broken(void* object) {
  return fail(ErrorCode::unavailable,
              fmt::format("the connection of ssh failed: {}", printable(ssh_get_error(object))));
}

std::unexpected<Error> no_login() { return fail(ErrorCode::timeout, "the client did not log in"); }

std::uint16_t port_of(int number) { return number > 0 && number <= 0xffff ? static_cast<std::uint16_t>(number) : 0; }

}  // namespace

Result<> Connection::begin(UniqueFd socket) {
  if (!config_.ssh_host_key) return fail(ErrorCode::not_found, "the guest has no host key", "restart the VM");
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_base64(config_.ssh_host_key->private_key.c_str(), nullptr, nullptr, nullptr, &key) !=
      SSH_OK)
    return fail(ErrorCode::corrupt, "the guest's host key is damaged", "restart the VM");
  bind_.reset(ssh_bind_new());
  session_.reset(ssh_new());
  bool own_settings = false;
  ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &own_settings);
  ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_IMPORT_KEY, key);  // owns the key from now on
  if (ssh_bind_accept_fd(bind_.get(), session_.get(), socket.release()) != SSH_OK) return broken(bind_.get());
  callbacks_.userdata = this;
  callbacks_.auth_pubkey_function = [](ssh_session, const char* name, ssh_key offered, char state, void* self) {
    return of(self).check_key(name, offered, state);
  };
  callbacks_.channel_open_request_session_function = [](ssh_session, void* self) { return of(self).open_command(); };
  ssh_callbacks_init(&callbacks_);
  ssh_set_server_callbacks(session_.get(), &callbacks_);
  ssh_set_message_callback(
      session_.get(), [](ssh_session, ssh_message message, void* self) { return of(self).answer(message) ? 0 : 1; },
      this);
  ssh_set_auth_methods(session_.get(), SSH_AUTH_METHOD_PUBLICKEY);
  auto whole = std::chrono::floor<std::chrono::seconds>(patience_);
  long seconds = whole.count(), rest = std::chrono::microseconds(patience_ - whole).count();
  ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT, &seconds);
  ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT_USEC, &rest);
  deadline_ = SteadyClock::now() + patience_;
  if (ssh_handle_key_exchange(session_.get()) != SSH_OK) return late() ? no_login() : broken(session_.get());
  event_.reset(ssh_event_new());
  if (ssh_event_add_session(event_.get(), session_.get()) != SSH_OK) return broken(session_.get());
  ssh_set_blocking(session_.get(), 0);
  return {};
}

Result<> Connection::serve(UniqueFd socket) {
  TRY(begin(std::move(socket)));
  while (!closed()) {
    if (!user_ && late()) return no_login();
    bool moved = work();
    accept_all();
    std::erase_if(channels_, [](const auto& channel) { return channel->over(); });
    wait(moved);
    if (ssh_event_dopoll(event_.get(), 0) == SSH_ERROR) break;
  }
  end();
  return {};
}

bool Connection::closed() const {
  return (ssh_get_status(session_.get()) & (SSH_CLOSED | SSH_CLOSED_ERROR)) || !ssh_is_connected(session_.get());
}

bool Connection::late() const { return SteadyClock::now() >= deadline_; }

bool Connection::full() const { return channels_.size() >= limits::kSshChannels; }

bool Connection::work() {
  bool moved = false;
  for (auto& channel : channels_) moved = channel->work() || moved;
  return moved;
}

void Connection::wait(bool at_once) {
  short events = POLLIN;
  if (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) events |= POLLOUT;
  std::vector<pollfd> watched = {{ssh_get_fd(session_.get()), events, 0}};
  if (agent_.fd() >= 0) watched.push_back({agent_.fd(), POLLIN, 0});
  for (const auto& listener : listeners_) watched.push_back({listener.socket.get(), POLLIN, 0});
  bool hurry = !user_;
  for (const auto& channel : channels_) {
    channel->watch(watched);
    hurry = hurry || channel->hurries();
  }
  int patience = at_once ? 0 : hurry ? static_cast<int>(limits::kExecHangupPoll.count()) : -1;
  (void)::poll(watched.data(), watched.size(), patience);
}

// The client has gone. Its commands have a moment to end.
void Connection::end() {
  for (auto& channel : channels_) channel->hang_up();
  while (!channels_.empty()) {
    work();
    std::erase_if(channels_, [](const auto& channel) { return channel->over(); });
    std::vector<pollfd> watched;
    for (const auto& channel : channels_) channel->watch(watched);
    (void)::poll(watched.data(), watched.size(), static_cast<int>(limits::kExecHangupPoll.count()));
  }
}

// -- login

int Connection::check_key(const char* name, ssh_key key, char state) {
  if (user_) return SSH_AUTH_DENIED;
  auto user = load_user(name);
  // Only a whole name logs in, and not the other forms that `vm exec --user` has.
  if (!user || user->name != name) return SSH_AUTH_DENIED;
  auto keys = parse_authorized_keys(read_authorized_keys(*user));
  for (const auto& given : config_.keys)
    if (given.user == user->name)
      for (auto& known : parse_authorized_keys(join(given.keys, "\n"))) keys.push_back(std::move(known));
  if (!has_key(keys, key)) return SSH_AUTH_DENIED;
  // The client asks first whether it makes sense to sign.
  if (state == SSH_PUBLICKEY_STATE_NONE) return SSH_AUTH_SUCCESS;
  if (state != SSH_PUBLICKEY_STATE_VALID || !become(*user)) return SSH_AUTH_DENIED;
  user_ = std::move(*user);
  return SSH_AUTH_SUCCESS;
}

// -- channels

ssh_channel Connection::open_command() {
  if (!user_ || full()) return nullptr;
  auto channel = ssh_channel_new(session_.get());
  if (!channel) return nullptr;
  Commands shared{
      .environment = config_.environment, .user = *user_, .start_sftp = start_sftp_, .agent_socket = [this] {
        return agent_.path();
      }};
  channels_.push_back(std::make_unique<CommandChannel>(channel, std::move(shared)));
  return channel;
}

// False for what the client gets a plain refusal for.
bool Connection::answer(ssh_message message) {
  if (!user_) return false;
  int type = ssh_message_type(message), kind = ssh_message_subtype(message);
  if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_DIRECT_TCPIP) return open_forward(message);
  if (type != SSH_REQUEST_GLOBAL) return false;
  if (kind == SSH_GLOBAL_REQUEST_TCPIP_FORWARD) return listen_for(message);
  return kind == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD && stop_listening(message);
}

bool Connection::open_forward(ssh_message message) {
  const char* host = ssh_message_channel_request_open_destination(message);
  auto port = port_of(ssh_message_channel_request_open_destination_port(message));
  if (full() || !host || port == 0) return false;
  auto socket = connect_to(host, port);
  if (!socket) return false;
  auto channel = ssh_message_channel_request_open_reply_accept(message);
  if (channel) channels_.push_back(std::make_unique<SocketChannel>(channel, std::move(*socket)));
  return true;
}

bool Connection::listen_for(ssh_message message) {
  const char* address = ssh_message_global_request_address(message);
  int wanted = ssh_message_global_request_port(message);
  if (!address || wanted < 0 || wanted > 0xffff || listeners_.size() >= limits::kSshListeners) return false;
  auto listener = listen_on(address, static_cast<std::uint16_t>(wanted));
  if (!listener) return false;
  auto port = listener->port;
  listeners_.push_back(std::move(*listener));
  ssh_message_global_request_reply_success(message, port);
  return true;
}

bool Connection::stop_listening(ssh_message message) {
  const char* address = ssh_message_global_request_address(message);
  auto port = port_of(ssh_message_global_request_port(message));
  auto gone = std::erase_if(listeners_, [&](const Listener& listener) {
    return address && listener.address == address && listener.port == port;
  });
  if (gone > 0) ssh_message_global_request_reply_success(message, 0);
  return gone > 0;
}

void Connection::accept_all() {
  std::string peer;
  std::uint16_t peer_port = 0;
  auto add = [&](int listening, const auto& open_for) {
    while (!full()) {
      auto socket = accept_from(listening, peer, peer_port);
      auto channel = socket ? ssh_channel_new(session_.get()) : nullptr;
      if (!channel) return;
      channels_.push_back(std::make_unique<SocketChannel>(channel, std::move(socket), open_for()));
    }
  };
  for (const auto& listener : listeners_)
    add(listener.socket.get(), [&] {
      return [address = listener.address, port = listener.port, peer, peer_port](ssh_channel channel) {
        return ssh_channel_open_reverse_forward(channel, address.c_str(), port, peer.c_str(), peer_port);
      };
    });
  if (agent_.fd() >= 0) add(agent_.fd(), [] { return &ssh_channel_open_auth_agent; });
}

}  // namespace banger::roles::agent::ssh
