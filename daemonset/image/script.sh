#!/bin/sh
# The sample scripts of AWS for Multus pods were started by this name; manifests written for them work with only the image replaced:
#   args: [/bin/sh, -c, '/app/script.sh initContainers']
#   args: [/bin/sh, -c, '/app/script.sh sidecar']
# Further words are options of the program.
set -eu
here=$(dirname "$0")
mode=${1:-}
[ "$#" -eq 0 ] || shift
case "$mode" in
  initContainers) exec "$here/eni-agent" init "$@" ;;
  sidecar) exec "$here/eni-agent" sidecar "$@" ;;
  *)
    echo "usage: script.sh initContainers|sidecar [OPTIONS]   (eni-agent init --help, eni-agent sidecar --help)" >&2
    exit 64
    ;;
esac
