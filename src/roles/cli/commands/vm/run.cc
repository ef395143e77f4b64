// banger vm run: makes a VM, uses it, and deletes it with --rm.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/arrays.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/open_network.h"
#include "roles/cli/quiet.h"
#include "roles/cli/secret_values.h"
#include "roles/cli/session.h"
#include "roles/cli/vm_options.h"
#include "roles/cli/workspace/prepare.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "PATH",
                                        .help = "a path in a git checkout, which is brought to /root/repo first",
                                        .names = Names::directory,
                                        .required = false}};
constexpr auto kOptions = concat(
    std::to_array({kNameOption}), vm::from_fields<&vm::Field::has_option, create_option>(),
    std::to_array<Option>({
        kColdOption,
        {.name = "rm", .help = "delete the VM when the command or shell ends"},
        {.name = "entrypoint", .help = "run the image's own command; CMD replaces its last words"},
        {.name = "detach", .letter = 'd', .help = "print the VM's name, and leave its command running as a session"},
        kEnvOption,
        kEnvFileOption,
        kWorkdirOption,
        kUserOption,
        kInteractiveOption,
        kTtyOption,
        kWaitOption,
        kBranchOption,
        kFromOption,
        kModeOption,
        kUntrackedOption,
        kDryRunOption,
        {.name = "quiet", .letter = 'q', .help = "print no progress, only what the command prints, and errors"},
    }));

constexpr const char* kSessionName = "main";  // of the command of --detach

constexpr Example kExamples[] = {
    {"banger vm run", "a shell in a fresh VM"},
    {"banger vm run --rm -- uname -a", "one command; then the VM is deleted"},
    {"banger vm run . -- make test", "the checkout around this directory, and a command in it"},
    {"banger vm run --rm --image app --entrypoint", "the command that the image app is for"},
    {"banger vm run --name web --memory 2G --detach", "a VM for later use"},
    {"banger vm run -d --name db --image postgres --entrypoint", "a service in the background"},
};

// Deletes the VM, also after an interrupt. So the call has a deadline and a connection of its own. The daemon also
// deletes the VM when the command's connection closes. In that case, this call waits for that deletion or gets
// `not_found`.
Result<> delete_vm(Io& io, const std::string& vm) {
  auto daemon = TRY(Daemon::connect(io));
  auto gone = daemon.call_within("vm.delete", {{"vm", vm}, {"force", true}}, limits::kDeleteDeadline);
  if (gone || gone.error().code == ErrorCode::not_found) return {};
  return std::unexpected(std::move(gone).error());
}

// A VM that was made but did not become ready is kept, so that its log can be read.
Error not_ready(Io& io, Error error, const std::optional<std::string>& name) {
  if (!error.hint.empty() || !name || error.code == ErrorCode::cancelled || error.code == ErrorCode::exists)
    return error;
  auto daemon = Daemon::find(io);
  if (!daemon || !*daemon || !(*daemon)->call("vm.show", {{"vm", *name}})) return error;
  return std::move(error).with_hint(fmt::format("the VM is kept; see 'banger vm logs {}'", *name));
}

Result<int> use(Context& context, Daemon& daemon, const GuestCommand& command, const std::string& name) {
  auto& io = context.io;
  auto status = run_in_guest(io, daemon, command);
  if (!context.args.flag("rm")) {
    io_for_progress(context).note(
        fmt::format("vm '{}' is still running (hint: 'banger vm stop {}' stops it, 'banger vm shell {}' opens a shell)",
                    name, name, name));
    return status;
  }
  auto deleted = in(fmt::format("delete vm '{}'", name), delete_vm(io, command.vm));
  if (deleted) return status;
  io.note(std::move(deleted).error().with_hint(fmt::format("banger vm delete --force {}", name)).sentence());
  if (status && *status == exit_status::kOk) return exit_status::kFailed;
  return status;
}

// The options of a workspace mean nothing without one. A mistake is reported and gives its exit status.
std::optional<int> check_workspace(Context& context) {
  const auto& args = context.args;
  if (args.has("from") && !args.has("branch"))
    return context.usage("--from needs --branch", "name the branch that begins there");
  if (!args.positionals.empty()) return std::nullopt;
  for (const auto* option : {&kBranchOption, &kFromOption, &kModeOption, &kUntrackedOption, &kDryRunOption})
    if (args.has(option->name))
      return context.usage(fmt::format("--{} needs a PATH", option->name), "name a git checkout, as in: vm run .");
  return std::nullopt;
}

Result<> bring(Io& io, const std::optional<Departure>& departure, const std::string& vm) {
  if (!departure) return {};
  GuestPlace place{.vm = vm, .path = std::string(kGuestRepository)};
  EarlyReport report(io, place);
  auto prepared = prepare_workspace(io, *departure, place, report);
  if (prepared) return {};
  return std::unexpected(std::move(prepared.error()).with_hint(fmt::format("banger vm workspace prepare {}", vm)));
}

// The command goes on in the VM as a session, which keeps its output.
Result<int> leave_running(Daemon& daemon, const GuestCommand& command, Json session, bool entrypoint) {
  session["vm"] = command.vm;
  session["name"] = kSessionName;
  session["stdin_mode"] = "none";
  session["main"] = entrypoint;
  if (!command.spec.cwd.empty()) session["cwd"] = command.spec.cwd;
  TRY(daemon.call("vm.session.start", session));
  return exit_status::kOk;
}

Result<int> run(Context& context) {
  const auto& args = context.args;
  if (auto wrong = check_workspace(context)) return *wrong;
  bool entrypoint = args.flag("entrypoint");
  if (args.flag("detach") && args.flag("rm")) return context.usage("--detach and --rm exclude each other");
  if (args.flag("detach") && (args.flag("interactive") || args.flag("tty")))
    return context.usage("a command with --detach has no input and no terminal", "leave out -i and -t");
  // These may fail, so they come before the VM is made.
  auto command = TRY(guest_command(context, "", entrypoint ? link::MainCommand::yes : link::MainCommand::no));
  auto environment = TRY(vm_environment(context));
  Json session = args.flag("detach") ? TRY(start_params(context, "")) : Json();
  auto progress = io_for_progress(context);
  std::optional<Departure> departure;
  if (!args.positionals.empty()) {
    auto found = Departure::find(progress, args.positionals[0], workspace_wish(args));
    if (!found) return std::unexpected(std::move(found.error()).with_hint("a command for the VM comes after '--'"));
    departure = std::move(*found);
    if (command.spec.cwd.empty()) command.spec.cwd = kGuestRepository;
  }
  if (args.flag("dry-run")) {
    context.io.print(departure->text());
    return exit_status::kOk;
  }
  Json secrets = Json::object();
  TRY(add_secret_values(context, secrets));
  progress.environment = context.io.environment;
  auto daemon = TRY(Daemon::connect(progress));
  Json params = TRY(resolved_shape(context, daemon));
  params.update(secrets);
  params["start"] = true;
  if (auto wait = args.text("wait")) params["wait"] = *wait;
  params["ephemeral"] = args.flag("rm");
  if (!environment.empty()) params["environment"] = environment;
  auto vm = daemon.get<api::VmObject>("vm.create", params);
  if (!vm) return std::unexpected(not_ready(context.io, std::move(vm).error(), args.text("name")));
  note_open_network(context, progress, *vm);
  command.vm = vm->id;
  if (command.shell && vm->config) command.spec.main = link::MainCommand::instead_of_shell;
  auto name = safe_text(vm->name);
  TRY(bring(progress, departure, name));
  if (!args.flag("detach")) return use(context, daemon, command, name);
  context.io.print(name + "\n");
  if (command.shell) return exit_status::kOk;
  return leave_running(daemon, command, std::move(session), entrypoint);
}

}  // namespace

extern const Command kVmRun;
constinit const Command kVmRun{
    .group = "vm",
    .name = "run",
    .summary = "create a VM and run a shell or one command in it",
    .details =
        "Without a command, this opens a shell in the VM, or runs the image's own command if the image has no shell. "
        "With a command, its output is printed as it comes, and the "
        "exit status is that of the command. Standard input is passed on when it is not a terminal, or with -i. The VM "
        "runs on afterwards, unless --rm is given.\n"
        "With a PATH, the git checkout around that path is brought to /root/repo of the VM, as by 'banger vm workspace "
        "prepare'. The shell or command starts there. 'banger vm workspace export' brings the changes back.\n"
        "An image may name variables, a directory, a user and a command of its own, as images of containers do. All "
        "commands get the first three, unless -e, -w and -u say otherwise. The image's own command runs only with "
        "--entrypoint, and CMD then replaces its last words. With --detach the command goes on in the VM as the "
        "session 'main', without input: 'banger vm session logs VM main' prints its output.\n"
        "A missing image or kernel is made first, as the catalog says or from a registry. A missing template is made "
        "too: a guest "
        "that was booted once, from which new VMs are cloned. With --cold the VM boots instead.\n"
        "A VM that does not become ready is kept, so that 'banger vm logs' can show why. With --rm the VM is deleted "
        "even if this command is killed, and a reboot of the guest ends it. Without --rm a guest that reboots starts "
        "again.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
