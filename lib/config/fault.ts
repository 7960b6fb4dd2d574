import type { Command } from './command.ts';

/** Where a value was written: shown with every fault, so that its owner knows which file, manifest or line to open. */
export type Origin =
  | { readonly source: 'flag'; readonly name: string }
  | { readonly source: 'environment'; readonly name: string }
  | { readonly source: 'file'; readonly name: string; readonly path: string }
  | { readonly source: 'default' };

/** One thing wrong with the configuration: what, where it was written, and how to fix it. */
export interface ConfigFault {
  /** The flag with its dashes, or the unexpected word. */
  readonly subject: string;
  readonly origin: Origin;
  /** A sentence that ends with the fix. */
  readonly message: string;
}

function describeOrigin(origin: Origin): string {
  switch (origin.source) {
    case 'flag':
      return 'on the command line';
    case 'environment':
      return `in environment variable ${origin.name}`;
    case 'file':
      return `as "${origin.name}" in ${origin.path}`;
    case 'default':
      return 'by default';
  }
}

/** All faults as one text for stderr, one line each. */
export function describeFaults(command: Command, faults: readonly ConfigFault[]): string {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  const lines = faults.map(({ subject, origin, message }) => {
    const where = origin.source === 'default' ? '' : ` (${describeOrigin(origin)})`;
    return `  ${subject}${where}: ${message}`;
  });
  return [`eni-agent ${command}: ${count} in the configuration`, ...lines, `See eni-agent ${command} --help`].join(
    '\n',
  );
}
