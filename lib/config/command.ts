/** The commands of the program, with the line that `--help` shows for each. */
export const COMMANDS = {
  node: "keeps EC2 in step with the addresses of this node's pods (DaemonSet)",
  controller: 'looks after what outlives a node: EIP and ENI objects (Deployment, one leader)',
  init: "assigns this pod's own addresses, confirms them and exits (init container)",
  sidecar: "assigns this pod's own addresses and follows their changes (container of a pod)",
  'host-ip': 'puts a given address on the node that it runs on (Deployment with one replica)',
  status: 'shows the cluster: nodes, ENIs, addresses, Elastic IPs, FloatingIPs, and what is wrong',
  ui: 'shows the same as a live page in your browser, on 127.0.0.1',
  plan: 'prints what `node` would do now and why, and changes nothing',
  doctor: 'checks what `node` needs on this node and in AWS, and says how to fix what is missing',
  bundle: 'gathers everything that a bug report needs into one archive',
} as const satisfies Record<string, string>;

export type Command = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

export function isCommand(word: string | undefined): word is Command {
  return word !== undefined && Object.hasOwn(COMMANDS, word);
}
