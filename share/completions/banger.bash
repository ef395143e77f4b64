# bash completion for banger: eval "$(banger completion bash)"

# Fills `words` of the caller. Bash splits words at ':' and '=', and this joins what COMP_LINE has without a space.
_banger_words() {
  local i word before='' rest=$COMP_LINE
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $i -gt 0 && $rest != [[:space:]]* && ($word == [:=]* || $before == *[:=]) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    rest=${rest#"${rest%%[![:space:]]*}"}
    rest=${rest#"$word"}
    before=$word
  done
}

_banger() {
  local line word words files='' IFS=$'\n' current="${COMP_WORDS[COMP_CWORD]}" typed="${COMP_LINE:0:COMP_POINT}"
  [[ $current == [:=] ]] && current=''
  typed=${typed##*[[:space:]]}
  _banger_words
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) files=-f ;;
      :directories) files=-d ;;
      *)
        word=${line%%$'\t'*}
        # A completion must not repeat the part of the word before the last ':' or '='.
        [[ $typed == *"$current" ]] && word=${word#"${typed%"$current"}"}
        case $word in
          *: | *=) COMPREPLY+=("$word"); compopt -o nospace ;;
          *) COMPREPLY+=("$word") ;;
        esac
        ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
  if [[ $files ]]; then
    compopt -o filenames
    COMPREPLY+=($(compgen $files -- "$current"))
  fi
}
complete -F _banger banger
