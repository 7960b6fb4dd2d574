#!/bin/sh
# A manifest with `args` but no `command` hands its words to the image's entry point. Two kinds of words are understood:
#   args: [node, --observe=cni]                          a command of eni-agent (also none, or an option: --help)
#   args: [/bin/sh, -c, '/app/script.sh sidecar']        a program with a path, as for an image without entry point
# `sh` and `bash` count as programs too; no command of eni-agent has such a name, nor a slash in it.
set -eu
case "${1:-}" in
  */* | sh | bash) exec "$@" ;;
  *) exec "$(dirname "$0")/eni-agent" "$@" ;;
esac
