#include "roles/agent/agent.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/text.h"
#include "roles/agent/apply.h"
#include "roles/agent/bounds.h"
#include "roles/agent/end_commands.h"
#include "roles/agent/exec/sessions/start_keeper.h"
#include "roles/agent/measure_spawn.h"
#include "roles/agent/quiet_boot.h"
#include "roles/agent/serve.h"
#include "roles/agent/ssh/start.h"
#include "roles/agent/uploads.h"

namespace banger::roles::agent {

namespace {

constexpr std::string_view kHelp = R"(The part of banger inside a guest.

Usage:
  banger-agent serve [--run-dir DIR] [--channel-fd N | --listen-fd N]
                                                        answer the host on virtio-serial or vsock
  banger-agent apply --root DIR [--dry-run] [--detailed-exitcode] FILE
                                                        make the system under DIR what the guest config FILE says
  banger-agent ready [--run-dir DIR]                    tell the host that the guest has booted
  banger-agent end-commands [--run-dir DIR]             end the commands of the host's clients
  banger-agent keep-session [--run-dir DIR] DIRECTORY   run the session of that directory to its end
  banger-agent serve-ssh [--run-dir DIR]                serve one connection of SSH on descriptor 0
  banger-agent serve-sftp HOME                          serve SFTP on the standard streams
  banger-agent measure-spawn COUNT PROGRAM              what starting PROGRAM costs in this guest, in ms
  banger-agent --version | --help

With --root / the running system is changed; with any other DIR only files are, the kernel is left alone.
FILE is JSON or TOML; - is standard input. --dry-run lists the files that would change, and changes nothing.
With --detailed-exitcode the status is 3 if something changed or would change, and 0 if nothing had to.
DIR of --run-dir is /run/banger unless given.
)";

struct Arguments {
  std::string run_dir = "/run/banger";
  int channel_fd = -1, listen_fd = -1;
  ApplyRequest apply;
};

constexpr std::string_view kFlags[] = {"--dry-run", "--detailed-exitcode"};
constexpr std::string_view kValued[] = {"--run-dir", "--root", "--channel-fd", "--listen-fd"};

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::unexpected<Error> unknown_option(std::string_view word) {
  std::vector<std::string> known(std::begin(kValued), std::end(kValued));
  known.insert(known.end(), std::begin(kFlags), std::end(kFlags));
  return fail(ErrorCode::invalid, fmt::format("unknown option '{}'", printable(word)), did_you_mean(word, known));
}

Result<> set_value(Arguments& arguments, std::string_view option, std::string_view value) {
  if (option == "--run-dir") {
    arguments.run_dir = value;
  } else if (option == "--root") {
    arguments.apply.root = value;
  } else {
    int& fd = option == "--listen-fd" ? arguments.listen_fd : arguments.channel_fd;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), fd);
    if (error != std::errc{} || end != value.data() + value.size() || fd < 0)
      return fail(ErrorCode::invalid, fmt::format("'{}' is not a descriptor", printable(value)));
  }
  return {};
}

// Parses the options of all subcommands. Each subcommand checks that it has the options it requires.
Result<Arguments> parse(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (!word.starts_with("--")) {
      if (!arguments.apply.file.empty())
        return fail(ErrorCode::invalid, fmt::format("unexpected argument '{}'", printable(word)));
      arguments.apply.file = word;
    } else if (is_one_of(word, kFlags)) {
      (word == "--dry-run" ? arguments.apply.dry_run : arguments.apply.detailed_exitcode) = true;
    } else if (!is_one_of(word, kValued)) {
      return unknown_option(word);
    } else if (i + 1 == words.size()) {
      return fail(ErrorCode::invalid, fmt::format("option '{}' needs a value", printable(word)));
    } else {
      TRY(set_value(arguments, word, words[++i]));
    }
  }
  return arguments;
}

// A stream may hold five descriptors, and there are many streams. By default the children of PID 1 may have 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= 4096) return;
  limit.rlim_cur = std::min<rlim_t>(4096, limit.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<int> serve(const Arguments& arguments) {
  // One heap instead of one for each thread saves memory, and every guest has an agent.
  ::mallopt(M_ARENA_MAX, 1);
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  // Every file transfer may hold a thread. One more thread serves everything else.
  host::Runtime runtime(limits::kFileTransfers + 1);
  Options options{
      .run_dir = arguments.run_dir, .log_path = arguments.run_dir + "/agent.log", .mount_cgroups = MountCgroups::yes};
  auto context = TRY(make_context(runtime, std::move(options)));
  TRY(context->run_dir.save_agent_pid(::getpid()));
  Result<> result;
  auto body = [](ContextPtr shared, int channel_fd, int listen_fd, Result<>* out) -> Task<> {
    if (channel_fd >= 0)
      *out = co_await serve_channel(shared, UniqueFd(channel_fd));
    else if (listen_fd >= 0)
      *out = co_await serve_listener(shared, UniqueFd(listen_fd));
    else
      *out = co_await serve_found(shared);
    if (!*out) shared->log().error("serve.failed", {{"error", out->error().sentence()}});
    shared->runtime.stop();
  };
  runtime.spawn(clean_up_uploads(context));
  runtime.spawn(watch_boot(context));
  runtime.spawn(body(context, arguments.channel_fd, arguments.listen_fd, &result));
  runtime.run();
  TRY(std::move(result));
  return 0;
}

Result<int> apply_config(const Arguments& arguments) { return apply(arguments.apply); }

Result<int> ready(const Arguments& arguments) {
  TRY(RunDir(arguments.run_dir).mark_system_ready());
  return 0;
}

Result<int> end_all_commands(const Arguments& arguments) {
  TRY(end_commands(RunDir(arguments.run_dir)));
  return 0;
}

Result<int> keep(const Arguments& arguments) {
  run_keeper(arguments.run_dir, arguments.apply.file);
  return 0;
}

Result<int> ssh_server(const Arguments& arguments) {
  TRY(serve_ssh(arguments.run_dir));
  return 0;
}

Result<int> sftp_server(const Arguments& arguments) {
  serve_sftp(arguments.apply.file);
  return 0;
}

struct Subcommand {
  std::string_view name;
  Result<int> (*run)(const Arguments&);  ///< the exit status
};
constexpr Subcommand kSubcommands[] = {
    {"serve", serve},       {"apply", apply_config},   {"ready", ready},           {"end-commands", end_all_commands},
    {"keep-session", keep}, {"serve-ssh", ssh_server}, {"serve-sftp", sftp_server}};

Result<> measure(std::span<char*> words) {
  int rounds = 0;
  std::string_view count = words.size() == 2 ? words[0] : "";
  auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), rounds);
  if (error != std::errc{} || end != count.data() + count.size() || rounds < 1)
    return fail(ErrorCode::invalid, "'measure-spawn' needs a COUNT and a PROGRAM", "see banger-agent --help");
  return measure_spawn(rounds, words[1]);
}

int report(const Error& error, int status) {
  fmt::print(stderr, "banger-agent: {}\n", error.sentence());
  return status;
}

}  // namespace

int run_agent(int argc, char** argv) {
  std::string_view name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h" || name == "help") {
    fmt::print("{}", kHelp);
    return argc > 1 ? 0 : 2;
  }
  if (name == "--version" || name == "version") {
    fmt::print("banger-agent {}\n", BANGER_VERSION);
    return 0;
  }
  auto words = std::span(argv, static_cast<std::size_t>(argc)).subspan(2);
  if (name == "measure-spawn") {
    auto done = measure(words);
    return done ? 0 : report(done.error(), done.error().code == ErrorCode::invalid ? 2 : 1);
  }
  for (const auto& subcommand : kSubcommands) {
    if (subcommand.name != name) continue;
    auto arguments = parse(words);
    if (!arguments) return report(arguments.error(), 2);
    auto done = subcommand.run(*arguments);
    return done ? *done : report(done.error(), 1);
  }
  return report(Error{ErrorCode::invalid, fmt::format("unknown command '{}'", printable(name)), 0,
                      did_you_mean(name, {"serve", "apply", "ready", "end-commands", "keep-session", "serve-ssh",
                                          "serve-sftp", "measure-spawn"})},
                2);
}

}  // namespace banger::roles::agent
