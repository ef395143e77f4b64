# fish completion for banger: banger completion fish | source
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
