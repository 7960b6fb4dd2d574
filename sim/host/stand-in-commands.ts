import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Shell scripts, because they start in 1 ms, as the real commands do, where a Node script takes 40.
 */
const COMMANDS = {
  /** Stand-in for iproute2's ip: prints the files of `machine-state.ts`. */
  ip: `#!/bin/sh
state=\${SIM_HOST_STATE:?is not set}
here=$state\${SIM_HOST_NETNS:+/ns/$SIM_HOST_NETNS}

fail() {
  echo "$1" >&2
  exit 2
}

case "$*" in
  '-j addr show' | '-j link show') exec cat "$here/links.json" ;;
  '-j netns list-id') exec cat "$state/nsids.json" ;;
  '-o monitor address all-nsid') exec tail -n 0 -f "$state/events" ;;
  '-o monitor address') exec tail -n 0 -f "$here/own-events" ;;
  'netns set '*' auto')
    [ -d "$state/ns/$3" ] || fail "Cannot open network namespace \\"$3\\": No such file or directory"
    fail 'Error: Peer netns already has a nsid assigned.'
    ;;
  'addr add '* | 'addr del '* | 'link set '* | 'link property '*) exec "\${SIM_HOST_NODE:-node}" "\${0%/*}/change-address.mjs" "$@" ;;
  *) fail "the stand-in for ip does not know: $*" ;;
esac
`,
  /** The one change that `ip` makes: asks `change-server.ts`, prints what it says of a failure, and ends with ip's own code. */
  'change-address.mjs': `import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const { SIM_HOST_STATE, SIM_HOST_NETNS } = process.env;
const socket = connect(SIM_HOST_STATE + '/socket');
socket.end(JSON.stringify({ netns: SIM_HOST_NETNS || undefined, args: process.argv.slice(2) }));
const answer = await text(socket);
if (answer !== 'ok') {
  console.error(answer);
  process.exitCode = 2;
}
`,
  /** Stand-in for util-linux' nsenter, for `nsenter --net=PATH COMMAND…`. */
  nsenter: `#!/bin/sh
path=\${1#--net=}
name=\${path##*/}
shift
if [ ! -e "$path" ] || [ ! -d "$SIM_HOST_STATE/ns/$name" ]; then
  echo "nsenter: cannot open $path: No such file or directory" >&2
  exit 1
fi
SIM_HOST_NETNS=$name exec "$@"
`,
};

/** Writes the commands, executable, into a new folder. */
export function writeStandInCommands(folder: string): void {
  mkdirSync(folder);
  for (const [name, script] of Object.entries(COMMANDS)) writeFileSync(join(folder, name), script, { mode: 0o755 });
}
