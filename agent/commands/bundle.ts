import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { EXIT } from '../../lib/config/exit-codes.ts';
import type { OptionsOf } from '../../lib/config/options.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { type Bundle, gatherBundle } from '../bundle/collect.ts';
import { createRedactor } from '../bundle/redact.ts';
import { type TarEntry, tarOf } from '../bundle/tar.ts';

/** How long everything together may take, ms. */
const PATIENCE_MS = 10 * 60_000;

/**
 * `eni-agent bundle`: writes one archive with everything that a bug report needs, and says where. 0 when it is complete, 1 when something
 * could not be had (MISSING.txt in it says what).
 * @throws {Error} when the cluster cannot be read or the file cannot be written.
 */
export async function runBundle(options: OptionsOf<'bundle'>, stop: AbortSignal): Promise<number> {
  const { kubeconfig, context, onlyNode } = options;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
  const connection = await loadConnection({ kubeconfig, context, env: process.env });
  const client = createKubeClient({ connection, clock: systemClock() });
  const now = new Date();
  const name = `eni-agent-bundle-${now.toISOString().slice(0, 19).replaceAll(':', '')}`;
  const file = options.file ?? `${name}.tar.gz`;
  try {
    const scope = { namespaces: [], ...(onlyNode !== undefined && { node: onlyNode }) };
    const choice = { kubeconfig, context };
    const onProgress = (what: string) => void process.stderr.write(`eni-agent bundle: ${what}\n`);
    const bundle = await gatherBundle({ client, server: connection.server, choice, scope, onProgress }, signal);
    const entries = archived(bundle, options.redact).map((entry) => ({ ...entry, path: `${name}/${entry.path}` }));
    await writeFile(file, gzipSync(tarOf(entries, now.getTime() / 1000)), { mode: 0o600 });
    process.stdout.write(`${file}\n`);
    if (bundle.missing.length === 0) return EXIT.ok;
    process.stderr.write(
      `eni-agent bundle: ${bundle.missing.length} things could not be had; MISSING.txt names them\n`,
    );
    return EXIT.wrong;
  } finally {
    await client.close();
  }
}

function archived({ entries, missing }: Bundle, redact: boolean): TarEntry[] {
  const all = [
    { path: 'README.txt', content: aboutText(redact) },
    ...(missing.length === 0 ? [] : [{ path: 'MISSING.txt', content: `${missing.join('\n')}\n` }]),
    ...entries,
  ];
  if (!redact) return all;
  const redactor = createRedactor();
  return all.map(({ path, content }) => ({ path, content: redactor(String(content)) }));
}

function aboutText(redact: boolean): string {
  const hidden = redact
    ? 'Account ids are replaced by stand-ins; keys, tokens and values of fields named like secrets are taken out.'
    : 'Nothing is redacted (--no-redact): account ids are readable.';
  return `What eni-agent knows of a cluster: status, each agent's snapshot, metrics, the end of its log, and its doctor.
${hidden} Names of nodes, pods, ENIs and addresses are in it. Look through it before you pass it on.
`;
}
