/** The commands of the program, with the line that `--help` shows for each. */
export const COMMANDS = {
  node: "keeps EC2 in step with the addresses of this node's pods (DaemonSet)",
  controller: 'looks after what outlives a node: EIP, ENI and NodeENI objects (Deployment)',
  init: 'assigns the addresses of its own pod, confirms them and exits (init container)',
  sidecar: 'assigns the addresses of its own pod and follows their changes (sidecar container)',
  'host-ip': 'puts an address on the node that it runs on (Deployment with one replica)',
  status: 'shows the cluster: nodes, ENIs, addresses, Elastic IPs, FloatingIPs, and what is wrong',
  ui: 'shows the cluster in your browser: a live page on 127.0.0.1',
  plan: 'prints what the agent of a node would do now, and why',
  doctor: 'checks what the agent needs on a node and in AWS, and says how to fix what is missing',
  bundle: 'collects everything that a bug report needs in one archive',
} as const satisfies Record<string, string>;

export type Command = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

export function isCommand(word: string | undefined): word is Command {
  return word !== undefined && Object.hasOwn(COMMANDS, word);
}
