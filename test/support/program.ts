import { fileURLToPath } from 'node:url';

/** The program that tests start as a process: the bundle of this run (bundled-program.ts), or what `ENI_AGENT_ENTRY` names. */
export const PROGRAM = process.env['ENI_AGENT_ENTRY'] ?? fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
