import { translateError } from './errors.ts';

/** What a dry run said of one action: EC2 does not always get as far as the question of permission. */
export type Permission = 'allowed' | 'denied' | { readonly unknown: string };

/** Makes a call with `DryRun` and reads the answer: it is an error in any case, unless a stand-in overlooks the dry run. */
export async function askPermission(
  action: string,
  signal: AbortSignal,
  dryRun: () => Promise<void>,
): Promise<Permission> {
  try {
    await dryRun();
    return 'allowed';
  } catch (thrown) {
    const error = translateError(thrown, { action, mutating: false, sent: !signal.aborted, addresses: [] });
    if (error.code === 'DryRunOperation') return 'allowed';
    if (error.code === 'UnauthorizedOperation') return 'denied';
    return { unknown: `${error.code}: ${error.message}` };
  }
}
