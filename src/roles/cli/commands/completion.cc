// banger completion: the scripts that make a shell ask `banger __complete`. They hold no command names, so they never
// age.
#include "roles/cli/command.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

// Bash splits words at ':' and '='; what it shows must then lack what stands before the last of those in the word.
constexpr std::string_view kBash = R"sh(# bash completion for banger: eval "$(banger completion bash)"
_banger() {
  local line word files='' IFS=$'\n' current="${COMP_WORDS[COMP_CWORD]}"
  [[ $current == '=' ]] && current=''
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) files=-f ;;
      :directories) files=-d ;;
      *)
        word=${line%%$'\t'*}
        [[ $word == --*=* && $current != --*=* ]] && word=${word#*=}
        case $word in
          *: | *=) COMPREPLY+=("$word"); compopt -o nospace ;;
          *) COMPREPLY+=("$word") ;;
        esac
        ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $files ]]; then
    compopt -o filenames
    COMPREPLY+=($(compgen $files -- "$current"))
  fi
}
complete -F _banger banger
)sh";

constexpr std::string_view kZsh = R"sh(#compdef banger
# zsh completion for banger: banger completion zsh >"${fpath[1]}/_banger"
_banger() {
  local line want=''
  local -a plain colon
  while IFS= read -r line; do
    case $line in
      :files) want=files ;;
      :directories) want=directories ;;
      *:) colon+=("${line%%$'\t'*}") ;;
      *$'\t'*)
        local word=${line%%$'\t'*}
        if [[ $word == *: ]]; then colon+=("$word")
        else plain+=("${word//:/\\:}:${line#*$'\t'}"); fi ;;
      *) plain+=("${line//:/\\:}") ;;
    esac
  done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#plain )) && _describe banger plain
  (( $#colon )) && compadd -S '' -- "${colon[@]}"
  [[ $want == files ]] && _files
  [[ $want == directories ]] && _files -/
  return 0
}
if [[ $funcstack[1] == _banger ]]; then _banger "$@"; else compdef _banger banger; fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion for banger: banger completion fish | source
function __banger_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  for line in ($words[1] __complete -- $words[2..-1] "$typed" 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path "$typed"
      case :directories
        __fish_complete_directories "$typed"
      case '*'
        echo $line
    end
  end
end
complete -c banger -f -a '(__banger_complete)'
)sh";

constexpr Positional kPositionals[] = {
    {.name = "SHELL", .help = "bash, zsh or fish", .names = Names::choice, .choices = kShells}};
constexpr Example kExamples[] = {
    {R"sh(eval "$(banger completion bash)")sh", "in ~/.bashrc"},
    {R"sh(banger completion zsh >"${fpath[1]}/_banger")sh", "once"},
    {"banger completion fish | source", "in config.fish"},
};

Result<int> run(Context& context) {
  const auto& shell = context.args.positionals[0];
  if (shell == "bash")
    context.io.print(kBash);
  else if (shell == "zsh")
    context.io.print(kZsh);
  else
    context.io.print(kFish);
  return exit_status::kOk;
}

}  // namespace

extern const Command kCompletion;
constinit const Command kCompletion{
    .name = "completion",
    .summary = "print a completion script for a shell",
    .details =
        "It completes commands, options and the names of VMs, images and kernels. Names come from a running daemon; "
        "completing "
        "never starts one.",
    .positionals = kPositionals,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
