import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { EXIT } from '../../lib/config/exit-codes.ts';
import type { AgentPodFact } from '../../lib/model/status/cluster-facts.ts';

/** Which cluster, in kubectl's words. */
export interface ClusterChoice {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

export interface RemoteEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The exit code of a plan that was to be made in a pod: kubectl's own, 1 or a shell's, say only that there is none. */
export function planCodeOf({ code }: RemoteEnd): number {
  return code === EXIT.ok || code === EXIT.usage ? code : EXIT.unknown;
}

/**
 * Runs our program in an agent's pod by `kubectl exec`: kubectl knows how to authenticate and stream on every cluster. Rights: `create` on
 * `pods/exec`.
 * @throws {Error} when kubectl cannot be started.
 */
export async function runInAgent(
  { namespace, name }: AgentPodFact,
  argv: readonly string[],
  { kubeconfig, context }: ClusterChoice,
  signal: AbortSignal,
): Promise<RemoteEnd> {
  const choice = [
    ...(kubeconfig === undefined || kubeconfig.includes(':') ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
  ];
  const words = [...choice, 'exec', `--namespace=${namespace}`, name, '--', 'eni-agent', ...argv];
  const env = kubeconfig === undefined ? process.env : { ...process.env, KUBECONFIG: kubeconfig };
  const child = spawn('kubectl', words, { env, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? new Error('kubectl is not on the PATH; it runs the command in the agent’s pod')
          : error,
      ),
    );
    child.once('close', (code) => resolve(code ?? 1));
  });
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}
