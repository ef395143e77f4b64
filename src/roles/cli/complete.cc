#include "roles/cli/complete.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/method.h"
#include "api/objects/image.h"
#include "api/objects/kernel.h"
#include "api/objects/session.h"
#include "api/objects/snapshot.h"
#include "api/objects/template.h"
#include "api/objects/vm.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/parse.h"
#include "roles/cli/secret_values.h"
#include "roles/cli/vm_query.h"

namespace banger::roles::cli {

namespace {

// bash makes '=' a word of its own. This joins the words of `--flag = value` and `key = value` again.
std::vector<std::string> rejoin(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "=" && !joined.empty() && !joined.back().empty()) {
      joined.back() += "=";
      if (i + 1 < words.size()) joined.back() += words[++i];
    } else {
      joined.push_back(words[i]);
    }
  }
  return joined;
}

// The words before the one being typed, as far as completion needs them.
struct Before {
  std::vector<std::string> positionals;
  std::vector<std::string> options;  // the names of the given options
  const Option* value_of = nullptr;  // the word being typed is the value of this option
  bool in_words = false;             // the command for the guest, about which this host knows nothing
};

Before read_before(const Command& command, std::span<const std::string> words) {
  Before before;
  for (const auto& word : words) {
    if (std::exchange(before.value_of, nullptr)) continue;
    bool is_option = word.size() > 1 && word[0] == '-';
    bool follows = command.words_follow && !is_option && before.positionals.size() == command.positionals.size();
    if (word == "--" || follows) {
      before.in_words = true;
      break;
    }
    if (!is_option) {
      before.positionals.push_back(word);
      continue;
    }
    const Option* option = find_option(command, word.substr(0, word.find('=')));
    if (!option) continue;
    before.options.emplace_back(option->name);
    if (takes_value(*option) && word.find('=') == word.npos) before.value_of = option;
  }
  return before;
}

class Completer {
 public:
  Completer(const LiveNames& live, std::string typed) : live_(live), typed_(std::move(typed)) {}

  void offer(std::string_view word, std::string_view about) {
    std::string whole = prefix_ + std::string(word);
    if (whole.starts_with(typed_)) result_.candidates.push_back({std::move(whole), std::string(about)});
  }
  void commands(std::string_view group) {
    for (const auto& each : all_groups())
      if (each.parent() == group) offer(each.last_word(), each.summary);
    for (const Command* command : all_commands())
      if (command->group == group && !command->hidden) offer(command->name, command->summary);
  }
  // The commands that may follow the words before: `help vm s` offers those of `vm`.
  void commands_of(const std::vector<std::string>& words) {
    auto path = find_group_path(words);
    if (path.words == words.size()) commands(path.name());
  }
  void values(Names names, std::span<const std::string_view> choices, const std::vector<std::string>& given) {
    for (auto choice : choices) offer(choice, "");
    if (names == Names::command) return commands_of(given);
    if (names == Names::method) return methods();
    if (names == Names::parameter) return parameters(given);
    if (names == Names::vm_filter) return filters();
    result_.files = names == Names::file || names == Names::vm_path;
    result_.directories = names == Names::directory;
    if (names == Names::none || names == Names::choice || names == Names::file || names == Names::directory) return;
    for (const auto& candidate :
         live_(names == Names::vm_path ? Names::vm : names, given.empty() ? "" : given.front())) {
      if (std::ranges::find(given, candidate.word) != given.end()) continue;
      offer(names == Names::vm_path ? candidate.word + ":" : candidate.word, candidate.about);
    }
  }
  void methods() {
    for (const auto* group : api::groups())
      for (const auto& method : group->methods) offer(method.name, method.summary);
  }
  void parameters(const std::vector<std::string>& given) {
    const auto* method = given.empty() ? nullptr : api::find_method(given.front());
    if (!method) return;
    for (const auto& parameter : method->parameters) {
      auto key = fmt::format("{}=", parameter.name);
      bool again = std::ranges::any_of(given, [&](const auto& word) { return word.starts_with(key); });
      if (!again) offer(key, parameter.help);
    }
  }
  // The keys, and the values of the key that was typed.
  void filters() {
    for (const auto& key : filter_keys()) {
      auto begin = fmt::format("{}=", key.name);
      if (!typed_.starts_with(prefix_ + begin)) {
        offer(begin, "");
        continue;
      }
      for (auto choice : key.choices) offer(begin + std::string(choice), "");
    }
  }
  void flags(const Command& command, const std::vector<std::string>& given) {
    for (const auto& options : {command.options, common_options()})
      for (const auto& option : options) {
        bool again = option.kind == Kind::pair;
        if (!again && std::ranges::find(given, option.name) != given.end()) continue;
        offer(fmt::format("--{}", option.name), option.help);
        if (option.kind == Kind::toggle) offer(fmt::format("--no-{}", option.name), option.help);
      }
  }
  void prefix(std::string text) { prefix_ = std::move(text); }
  Completion take() { return std::move(result_); }

 private:
  const LiveNames& live_;
  std::string typed_, prefix_;
  Completion result_;
};

void complete_command(Completer& completer, const Command& command, std::span<const std::string> words) {
  const auto& typed = words.back();
  auto before = read_before(command, words.first(words.size() - 1));
  if (before.in_words) return;
  if (before.value_of) return completer.values(before.value_of->names, before.value_of->choices, {});
  auto equals = typed.find('=');
  if (typed.starts_with("--") && equals != typed.npos) {
    const Option* option = find_option(command, typed.substr(0, equals));
    if (!option || !takes_value(*option)) return;
    completer.prefix(typed.substr(0, equals + 1));
    return completer.values(option->names, option->choices, {});
  }
  if (typed.starts_with('-')) return completer.flags(command, before.options);
  auto at = before.positionals.size();
  bool repeated = std::ranges::any_of(command.positionals, &Positional::repeated);
  if (at >= command.positionals.size()) {
    if (!repeated) return;
    at = command.positionals.size() - 1;
  }
  completer.values(command.positionals[at].names, command.positionals[at].choices, before.positionals);
}

// The candidates for the items of a list. Empty when the daemon does not answer in time.
template <api::Described List, class Item, class ToCandidate>
std::vector<Candidate> candidates(Daemon& daemon, std::string_view method, std::vector<Item> List::* items,
                                  ToCandidate to_candidate) {
  std::vector<Candidate> found;
  auto list = daemon.get_within<List>(method, limits::kNamesDeadline);
  if (!list) return found;
  for (const auto& item : (*list).*items) {
    Candidate candidate = to_candidate(item);
    found.push_back({safe_text(candidate.word), safe_text(candidate.about)});
  }
  return found;
}

// All names of each image. An image without a name is offered by its id.
std::vector<Candidate> image_names(Daemon& daemon) {
  std::vector<Candidate> found;
  auto list = daemon.get_within<api::ImageList>("image.list", limits::kNamesDeadline);
  if (!list) return found;
  for (const auto& image : list->images) {
    found.push_back({safe_text(image.name.empty() ? image.id : image.name), safe_text(image.source)});
    for (const auto& name : image.other_names) found.push_back({safe_text(name), safe_text(image.source)});
  }
  return found;
}

std::vector<Candidate> session_names(Daemon& daemon, const std::string& vm, Names kind) {
  std::vector<Candidate> found;
  auto answer = daemon.call_within("vm.session.list", {{"vm", vm}}, limits::kNamesDeadline);
  auto list = answer ? api::read<api::SessionList>(*answer) : std::unexpected(answer.error());
  if (!list) return found;
  for (const auto& session : list->sessions)
    if (kind == Names::session || session.state == "running")
      found.push_back({safe_text(session.name), safe_text(session.state)});
  return found;
}

std::vector<Candidate> secrets_of_config(const Io& io) {
  std::vector<Candidate> found;
  for (const auto& name : secret_names(io)) found.push_back({safe_text(name), ""});
  return found;
}

std::vector<Candidate> names_of(Daemon& daemon, Names kind) {
  switch (kind) {
    case Names::vm:
      return candidates(daemon, "vm.list", &api::VmList::vms,
                        [](const auto& vm) { return Candidate{vm.name, std::string(vm::to_string(vm.state))}; });
    case Names::image:
      return image_names(daemon);
    case Names::available:
      return candidates(daemon, "image.list", &api::ImageList::available,
                        [](const auto& entry) { return Candidate{entry.name, entry.description}; });
    case Names::recipe:
      return candidates(daemon, "image.list", &api::ImageList::recipes,
                        [](const auto& recipe) { return Candidate{recipe.name, recipe.description}; });
    case Names::kernel:
      return candidates(daemon, "kernel.list", &api::KernelList::kernels,
                        [](const auto& kernel) { return Candidate{kernel.name, kernel.release}; });
    case Names::pullable:
      return candidates(daemon, "kernel.list", &api::KernelList::pullable,
                        [](const auto& name) { return Candidate{name, ""}; });
    case Names::snapshot:
      return candidates(daemon, "vm.snapshot.list", &api::SnapshotList::snapshots,
                        [](const auto& snapshot) { return Candidate{snapshot.name, snapshot.vm}; });
    case Names::machine_template:
      return candidates(daemon, "template.list", &api::TemplateList::templates,
                        [](const auto& each) { return Candidate{each.id, each.image}; });
    default:
      return {};
  }
}

}  // namespace

Completion complete(const std::vector<std::string>& raw, const LiveNames& live) {
  auto words = rejoin(raw);
  if (words.empty()) words.emplace_back();
  Completer completer(live, words.back());
  std::span<const std::string> rest = words;
  while (rest.size() > 1 && (rest[0] == "-v" || rest[0] == "--verbose")) rest = rest.subspan(1);
  auto path = find_group_path(rest.first(rest.size() - 1));  // the last word is still being typed
  auto group = path.name();
  rest = rest.subspan(path.words);
  if (rest.size() == 1) {
    if (rest[0].starts_with('-') && group.empty()) {
      completer.offer("--help", "show help");
      completer.offer("--version", "print the version");
    } else {
      completer.commands(group);
    }
  } else if (const Command* command = find_command(group, rest[0]); command && !command->hidden) {
    complete_command(completer, *command, rest.subspan(1));
  }
  return completer.take();
}

LiveNames names_from_daemon(Io& io) {
  return [&io](Names kind, const std::string& vm) -> std::vector<Candidate> {
    if (kind == Names::secret) return secrets_of_config(io);
    auto daemon = Daemon::find(io);
    if (!daemon || !*daemon) return {};
    bool of_session = kind == Names::session || kind == Names::live_session;
    return of_session ? session_names(**daemon, vm, kind) : names_of(**daemon, kind);
  };
}

}  // namespace banger::roles::cli
