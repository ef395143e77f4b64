# bash completion for banger: eval "$(banger completion bash)"
_banger() {
  local line word files='' IFS=$'\n' current="${COMP_WORDS[COMP_CWORD]}" typed="${COMP_LINE:0:COMP_POINT}"
  [[ $current == '=' ]] && current=''
  typed=${typed##*[[:space:]]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) files=-f ;;
      :directories) files=-d ;;
      *)
        word=${line%%$'\t'*}
        # Bash splits words at ':' and '='. A completion must not repeat the part of the word before the last of these.
        [[ $typed == *"$current" ]] && word=${word#"${typed%"$current"}"}
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
