#include "engine/secrets/secrets.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/bounds.h"
#include "engine/secrets/source.h"

namespace banger::engine {

namespace {

std::unexpected<Error> no_value(const std::string& name) {
  return fail(ErrorCode::invalid, fmt::format("the secret '{}' has no value", name),
              fmt::format("give --secret {0} with the variable {0} set, or put file or command into [secrets.{0}] of "
                          "the config and run banger daemon stop",
                          name));
}

}  // namespace

const config::SecretSource* Secrets::place_of(const std::string& name) const {
  auto found = config_.secrets.find(name);
  return found != config_.secrets.end() && has_place(found->second) ? &found->second : nullptr;
}

Task<Result<>> Secrets::check(std::vector<vm::Secret> secrets, SecretValues::Map given, std::string vm_id) {
  for (const auto& secret : secrets) {
    if (given.contains(secret.name)) continue;
    if (const auto* place = place_of(secret.name)) {
      CO_TRY(co_await read(secret.name, *place, Effort::again));
      continue;
    }
    if (vm_id.empty() || !is_available(vm_id, secret.name)) co_return no_value(secret.name);
  }
  co_return Result<>{};
}

// One command at a time: several VMs may have the same secret, and one output is enough for all of them.
Task<Result<SecretText>> Secrets::read(std::string name, config::SecretSource source, Effort effort) {
  if (source.command.empty()) co_return co_await read_secret(runtime_, paths_.home, name, std::move(source));
  if (effort == Effort::at_hand) {
    auto known = outputs_.find(name);
    if (known != outputs_.end()) co_return known->second.value;
    co_return fail(ErrorCode::not_found, "its command has not run yet");
  }
  auto turn = co_await running_commands_.lock();
  if (auto known = outputs_.find(name); effort == Effort::fresh && known != outputs_.end() &&
                                        host::Clock::now() - known->second.at < limits::kSecretCommandFresh)
    co_return known->second.value;
  auto value = co_await read_secret(runtime_, paths_.home, name, std::move(source));
  if (value) outputs_.insert_or_assign(name, Output{*value, host::Clock::now()});
  co_return value;
}

Task<std::vector<Secrets::Delivery>> Secrets::gather(std::string vm_id, std::vector<vm::Secret> secrets,
                                                     Effort effort) {
  std::vector<Delivery> deliveries;
  for (auto& secret : secrets) {
    Delivery delivery{.secret = std::move(secret), .value = {}};
    const auto& name = delivery.secret.name;
    const auto* place = place_of(name);
    if (const auto* given = values_.find(vm_id, name)) {
      delivery.value = *given;
    } else if (place) {
      auto value = co_await read(name, *place, effort);
      if (value)
        delivery.value = std::move(*value);
      else
        log_.warn("secret.unreadable", {{"secret", name}, {"id", vm_id}, {"error", value.error().sentence()}});
    }
    deliveries.push_back(std::move(delivery));
  }
  co_return deliveries;
}

bool Secrets::needs_command(const std::vector<vm::Secret>& secrets) const {
  for (const auto& secret : secrets)
    if (const auto* place = place_of(secret.name); place && !place->command.empty()) return true;
  return false;
}

void Secrets::note_missing(const std::string& vm_id, std::set<std::string> names) {
  missing_[vm_id] = std::move(names);
}

bool Secrets::is_available(const std::string& vm_id, const std::string& name) const {
  if (auto noted = missing_.find(vm_id); noted != missing_.end()) return !noted->second.contains(name);
  return values_.find(vm_id, name) || place_of(name);
}

void Secrets::forget(const std::string& vm_id) {
  values_.forget(vm_id);
  missing_.erase(vm_id);
}

std::string missing_sentence(const std::string& vm, const vm::Secret& secret) {
  return fmt::format("the secret '{}' has no value, so requests with it fail (hint: banger vm set {} --secret {})",
                     secret.name, vm, vm::to_string(secret));
}

}  // namespace banger::engine
