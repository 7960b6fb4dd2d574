import { EXIT } from '../../lib/config/exit-codes.ts';
import type { DoctorOptions } from '../../lib/config/options.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { diagnose } from '../../lib/plan/doctor/diagnose.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { gather } from '../doctor/gather.ts';
import { hasFailed, renderDoctor, viewOf } from '../doctor/render.ts';
import { openProcess } from '../process.ts';
import { codeOf, doctorEverywhere, renderClusterDoctor } from '../remote/doctor.ts';
import type { TextOptions } from '../text/columns.ts';
import { paintFor } from '../text/paint.ts';
import { toYaml } from '../text/yaml.ts';

/** How long all questions together may take, ms. */
const PATIENCE_MS = 60_000;

/** `eni-agent doctor`: checks what the node agent needs, says how to fix what is missing, changes nothing. 1 when a check failed. */
export async function runDoctor(options: DoctorOptions, stop: AbortSignal): Promise<number> {
  if (options.allNodes || options.onlyNode !== undefined) return runEverywhere(options, stop);
  const parts = openProcess('doctor', { ...options, logLevel: 'error', logFormat: 'pretty' }, {}, process.stderr);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
  const view = viewOf(options.nodeName, diagnose(await gather(options, parts, signal)));
  print(view, options, (text) => renderDoctor(view, text));
  return hasFailed(view) ? EXIT.wrong : EXIT.ok;
}

/** In the pods of the agents, with the rights of whoever asks. */
async function runEverywhere(options: DoctorOptions, stop: AbortSignal): Promise<number> {
  const { kubeconfig, context } = options;
  const connection = await loadConnection({ kubeconfig, context, env: process.env });
  const client = createKubeClient({ connection, clock: systemClock() });
  try {
    const view = await doctorEverywhere(client, options, stop);
    print(view, options, (text) => renderClusterDoctor(view, text));
    return codeOf(view);
  } finally {
    await client.close();
  }
}

function print(view: object, { output }: DoctorOptions, render: (options: TextOptions) => string): void {
  const { stdout } = process;
  if (output === 'json') stdout.write(`${JSON.stringify(view, undefined, 2)}\n`);
  else if (output === 'yaml') stdout.write(toYaml(view));
  else stdout.write(render({ paint: paintFor(stdout, process.env), columns: stdout.columns }));
}
