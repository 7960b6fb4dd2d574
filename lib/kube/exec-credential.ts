import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The `exec` section of a kubeconfig's user: a program that prints credentials, such as `aws eks get-token`. */
export interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly installHint?: string;
}

export interface ExecCredentials {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

const TIMEOUT_MS = 30_000;

/**
 * Runs the plugin and reads the ExecCredential that it prints. It is run without a terminal, so it must not ask questions.
 * @throws {Error} naming the command, with what it said, when it fails or prints something else.
 */
export async function execCredentials(plugin: ExecPlugin): Promise<ExecCredentials> {
  const { apiVersion = 'client.authentication.k8s.io/v1', command, args = [], env = [], installHint = '' } = plugin;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const environment = {
    ...process.env,
    ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
  try {
    const { stdout } = await promisify(execFile)(command, args, { env: environment, timeout: TIMEOUT_MS });
    return fieldsOf(JSON.parse(stdout) as ExecCredentialAnswer);
  } catch (error) {
    const hint = installHint === '' ? '' : ` (${installHint})`;
    throw new Error(`the kubeconfig's exec plugin ${command} gave no credentials${hint}`, { cause: error });
  }
}

interface ExecCredentialAnswer {
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
}

function fieldsOf({ status }: ExecCredentialAnswer): ExecCredentials {
  if (status?.token === undefined && status?.clientCertificateData === undefined)
    throw new Error('its status has neither token nor clientCertificateData');
  return {
    ...(status.token !== undefined && { token: status.token }),
    ...(status.clientCertificateData !== undefined && { cert: status.clientCertificateData }),
    ...(status.clientKeyData !== undefined && { key: status.clientKeyData }),
  };
}
