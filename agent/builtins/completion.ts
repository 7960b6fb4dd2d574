import type { Shell } from '../../lib/config/builtins.ts';

/**
 * What a shell reads (`source <(eni-agent completion bash)`) to complete our words. The scripts know no word of ours: they ask the
 * program itself, `eni-agent __complete WORD…`, which prints one candidate a line.
 */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of eni-agent for bash: source <(eni-agent completion bash)
_eni_agent() {
  local IFS=$'\\n'
  # COMP_LINE instead of COMP_WORDS, which bash also splits at = and :.
  local line="\${COMP_LINE:0:COMP_POINT}"
  local -a words
  IFS=' ' read -r -a words <<< "\${line}"
  [[ "\${line}" == *' ' ]] && words+=('')
  local found
  found=$("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null | grep -v '^:')
  # bash replaces only what stands behind the last = sign.
  local current="\${words[\${#words[@]} - 1]}"
  if [[ "\${current}" == *=* ]]; then found=$(sed 's/^[^=]*=//' <<< "\${found}"); fi
  COMPREPLY=(\${found})
}
complete -o default -F _eni_agent eni-agent
`,
  zsh: `#compdef eni-agent
# Completion of eni-agent for zsh: source <(eni-agent completion zsh)
_eni_agent() {
  local -a found
  found=(\${(f)"$(\${words[1]} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null | grep -v '^:')"})
  compadd -- \${found}
}
compdef _eni_agent eni-agent
`,
  fish: `# Completion of eni-agent for fish: eni-agent completion fish | source
function __eni_agent_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c eni-agent -f -a '(__eni_agent_complete)'
`,
};
