import { Agent, request } from 'undici';
import type { Cluster } from './cluster.ts';
import { preciseNow } from './precise-now.ts';

/** When each pod first had a label, epoch ms; as a client of the API server sees it. */
export interface LabelWatch {
  /** Resolves with the moment in which the pod has the label. */
  seen(pod: string): Promise<number>;
  close(): Promise<void>;
}

interface WatchEvent {
  readonly object: {
    readonly metadata: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
  };
}

export async function watchLabel(cluster: Cluster, label: string): Promise<LabelWatch> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: 0 });
  const { body } = await request(`${cluster.url}/api/v1/pods?watch=1`, {
    dispatcher,
    headers: { authorization: `Bearer ${cluster.token}` },
  });
  const moments = new Map<string, ReturnType<typeof Promise.withResolvers<number>>>();
  const moment = (pod: string) => {
    const known = moments.get(pod) ?? Promise.withResolvers<number>();
    moments.set(pod, known);
    return known;
  };
  let rest = '';
  body.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { name, labels } = (JSON.parse(line) as WatchEvent).object.metadata;
      if (name !== undefined && labels?.[label] !== undefined) moment(name).resolve(preciseNow());
    }
  });
  // Ends when we close it.
  body.on('error', () => {});
  return { seen: (pod) => moment(pod).promise, close: () => dispatcher.destroy() };
}
