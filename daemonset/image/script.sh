#!/bin/sh
# The sample scripts of AWS for Multus pods were started by this name; manifests written for them work with only the image replaced:
#   args: [/bin/sh, -c, '/app/script.sh initContainers']
#   args: [/bin/sh, -c, '/app/script.sh sidecar']
# Further words are options of the program. AWS's Multi-AZ sample starts it without a word and configures it by variables: RunAsSidecar says
# which of the two is meant (init container unless it is true), and VPCRTTag names the route tables (all of the VPC unless it is set).
# Its other variables (UseSBR, Intf1Peers, Intf2Peers) are options of the program; SubnetBasedLoopbacks is not needed any more, as the
# destination of a route follows from the address.
set -eu
here=$(dirname "$0")
mode=${1:-}
[ "$#" -eq 0 ] || shift
if [ -z "$mode" ] && [ -n "${RunAsSidecar:-}${VPCRTTag:-}${UseSBR:-}${SubnetBasedLoopbacks:-}${Intf1Peers:-}${Intf2Peers:-}" ]; then
  export VPCRTTag="${VPCRTTag:-ALL}"
  case "${RunAsSidecar:-}" in
    [Tt]rue) mode=sidecar ;;
    *) mode=initContainers ;;
  esac
fi
case "$mode" in
  initContainers) exec "$here/eni-agent" init "$@" ;;
  sidecar) exec "$here/eni-agent" sidecar "$@" ;;
  *)
    echo "usage: script.sh initContainers|sidecar [OPTIONS]   (eni-agent init --help, eni-agent sidecar --help)" >&2
    exit 64
    ;;
esac
