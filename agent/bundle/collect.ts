import type { KubeClient } from '../../lib/kube/client.ts';
import type { AgentPodFact, StatusScope } from '../../lib/model/status/cluster-facts.ts';
import { clusterStatus } from '../../lib/plan/status/cluster-status.ts';
import { forEach } from '../remote/agents.ts';
import { doctorOn } from '../remote/doctor.ts';
import type { ClusterChoice } from '../remote/kubectl.ts';
import { collectFacts } from '../status/collect.ts';
import { renderStatus } from '../status/render.ts';
import { proxyPath } from '../status/snapshots.ts';
import { PLAIN } from '../text/paint.ts';
import { COMMIT, VERSION } from '../version.ts';
import type { TarEntry } from './tar.ts';

export interface BundleParts {
  readonly client: KubeClient;
  readonly server: string;
  readonly choice: ClusterChoice;
  readonly scope: StatusScope;
  /** Called with what is being gathered. */
  readonly onProgress: (what: string) => void;
}

export interface Bundle {
  readonly entries: readonly TarEntry[];
  /** What could not be had, each a sentence. */
  readonly missing: readonly string[];
}

/** As many agents are asked at a time. */
const AT_ONCE = 4;
/** The end of each log. */
const LOG_LINES = 5_000;
/** A log longer than this is cut at its beginning, bytes. */
const LOG_BYTES = 8_000_000;

/** Everything that explains a fault, as files. What cannot be had is named and left out. */
export async function gatherBundle(parts: BundleParts, signal: AbortSignal): Promise<Bundle> {
  const { client, server, scope, onProgress } = parts;
  const missing: string[] = [];
  onProgress('status and snapshots');
  const facts = await collectFacts({ client, server, scope, snapshots: true, now: () => Date.now() }, signal);
  const status = clusterStatus(facts);
  missing.push(...facts.gaps);
  const snapshots = Array.from(facts.snapshots, ([name, answer]): TarEntry => {
    return { path: `snapshots/${name.replace('/', '_')}.json`, content: pretty(answer) };
  });
  onProgress(`logs, metrics and doctor of ${facts.agents.length} agents`);
  const ofAgents = await forEach(facts.agents, AT_ONCE, (agent) => gatherAgent(agent, parts, missing, signal));
  const version = await client
    .request<unknown>({ method: 'GET', path: '/version', signal })
    .catch((error: unknown) => ({ fault: textOf(error) }));
  const overview = (['overview', 'nodes', 'pods', 'addresses', 'eips', 'floatingips', 'agents', 'events'] as const)
    .map((view) => `# ${view}\n\n${renderStatus(status, view, { columns: undefined, wide: true, paint: PLAIN })}`)
    .join('\n');
  const versions = {
    bundle: { version: VERSION, commit: COMMIT, node: process.version },
    apiServer: version,
    agents: status.agents,
  };
  return {
    entries: [
      { path: 'status.txt', content: overview },
      { path: 'status.json', content: pretty(status) },
      { path: 'versions.json', content: pretty(versions) },
      ...snapshots,
      ...ofAgents.flat(),
    ],
    missing,
  };
}

async function gatherAgent(
  agent: AgentPodFact,
  { client, choice }: BundleParts,
  missing: string[],
  signal: AbortSignal,
): Promise<TarEntry[]> {
  const { namespace, name, restarts, role } = agent;
  const entries: TarEntry[] = [];
  const add = async (path: string, read: () => Promise<string>) => {
    try {
      entries.push({ path, content: await read() });
    } catch (error) {
      missing.push(`${path}: ${textOf(error)}`);
    }
  };
  const log = (previous: boolean) => () =>
    readText(
      client,
      `/api/v1/namespaces/${namespace}/pods/${name}/log`,
      { tailLines: LOG_LINES, timestamps: true, previous },
      signal,
    );
  await add(`logs/${name}.log`, log(false));
  if (restarts > 0) await add(`logs/${name}.previous.log`, log(true));
  await add(`metrics/${name}.txt`, () => readText(client, proxyPath(agent, '/metrics'), {}, signal));
  if (role === 'node') {
    const doctor = await doctorOn(agent, choice, signal);
    entries.push({ path: `doctor/${name}.json`, content: pretty(doctor) });
    if ('fault' in doctor) missing.push(`doctor/${name}.json: ${doctor.fault}`);
  }
  return entries;
}

/** The end of an answer that is not JSON. @throws {KubeError} */
async function readText(
  client: KubeClient,
  path: string,
  query: Readonly<Record<string, string | number | boolean>>,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = [];
  await client.stream({ path, query, signal, onData: (chunk) => chunks.push(Buffer.from(chunk)) });
  return Buffer.concat(chunks).subarray(-LOG_BYTES).toString();
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
