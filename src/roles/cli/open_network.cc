#include "roles/cli/open_network.h"

#include <fmt/format.h>

#include "config/config.h"

namespace banger::roles::cli {

namespace {

vm::NetworkChoice asked_for(const Context& context) {
  if (context.args.has("network")) return vm::NetworkChoice::user;  // the note is about that one only
  auto paths = host::find_paths(context.io.env);
  auto config = paths ? config::load_config(paths->config_file) : Result<config::Config>(config::Config{});
  return config ? config->network : vm::NetworkChoice::automatic;
}

}  // namespace

std::string open_network_note(const api::VmObject& vm, vm::NetworkChoice asked) {
  bool open = vm.nat && vm.network == vm::to_string(vm::Network::user);
  if (!open || asked != vm::NetworkChoice::automatic) return "";
  return fmt::format(
      "{} is in the user network, where it reaches services on this host's loopback (hint: banger doctor names what a "
      "private network lacks; with --network user this note goes away)",
      safe_text(vm.name));
}

void note_open_network(const Context& context, const Io& io, const api::VmObject& vm) {
  if (!io.err_is_terminal()) return;
  if (auto note = open_network_note(vm, asked_for(context)); !note.empty()) io.note(note);
}

}  // namespace banger::roles::cli
