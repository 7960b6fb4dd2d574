import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A node of the cluster, by the letter that the scripts know it by. */
export type NodeId = 'a' | 'b';

/** What the scripts' world.json says: the nodes and interfaces that the simulated EC2 must have. */
export interface WorldFile {
  readonly vpcCidr: string;
  readonly region: string;
  readonly subnets: readonly { readonly cidr: string; readonly cidr6?: string }[];
  readonly nodes: readonly WorldFileNode[];
}

export interface WorldFileNode {
  readonly id: NodeId;
  readonly name: string;
  readonly instanceId: string;
  readonly interfaces: readonly {
    readonly name: string;
    readonly mac: string;
    readonly ip: string;
    readonly subnet: string;
  }[];
  readonly podAddresses: { readonly from: string; readonly to: string };
}

/** Packages that `install` brings; the first that is missing is named. */
const NEEDED = ['buildah', 'containerd', 'runc', 'socat', 'jq', 'nft', 'mmdebstrap'];
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Why no real node can run here, or undefined when two can. `REAL_NODE_SCRIPTS` names the folder of the scripts. */
export function whyNoRealNodes(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = env['REAL_NODE_SCRIPTS'];
  if (!folder) return 'REAL_NODE_SCRIPTS is not set to a folder with real-node.sh and world.json';
  if (!allowed(join(folder, 'real-node.sh'))) return `REAL_NODE_SCRIPTS=${folder} has no real-node.sh that can be run`;
  if (process.getuid?.() !== 0) return 'nodes need root';
  if (!existsSync('/sys/fs/cgroup/pids')) return 'nodes need the cgroup v1 hierarchies';
  const missing = NEEDED.filter((command) => !SYSTEM_PATH.some((place) => allowed(join(place, command))));
  return missing.length > 0 ? `missing commands: ${missing.join(', ')}; run real-node.sh install` : undefined;
}

function allowed(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The scripts that bring real nodes up: `real-node.sh VERB …`. Each call ends with its exit code 0 or throws with what was printed. */
export class NodeScripts {
  readonly #script: string;
  readonly world: WorldFile;

  constructor(folder: string) {
    this.#script = join(folder, 'real-node.sh');
    this.world = JSON.parse(readFileSync(join(folder, 'world.json'), 'utf8')) as WorldFile;
  }

  /** Where the nodes' disks and the daemons' logs are. */
  get state(): string {
    return process.env['REAL_NODE_DIR'] ?? join(tmpdir(), 'real-node');
  }

  /** What the command printed. @throws {Error} with its last words when it fails or takes longer than `timeoutMs`. */
  run(verb: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { input, environment = {}, timeoutMs = 120_000 } = options;
    const env = { ...process.env, ...environment };
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = execFile(
      this.#script,
      [verb, ...args],
      { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${verb} ${args.join(' ')}: ${(stderr + stdout).slice(-2_000)}`));
      },
    );
    child.stdin?.on('error', reject);
    child.stdin?.end(input ?? '');
    return promise;
  }

  /** A command on a node. */
  on(node: NodeId | 'vpc', ...command: readonly string[]): Promise<string> {
    return this.run('in', [node, ...command]);
  }

  kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.run('kubectl', args, options);
  }
}

interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** @default 120 000 */
  readonly timeoutMs?: number;
}
