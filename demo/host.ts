import type { HostWorld } from '../sim/host/host-world.ts';
import { canUseRealNamespaces, RealHost } from '../sim/host/real.ts';
import { StandInHost } from '../sim/host/stand-in.ts';

/** Real network namespaces where this machine allows them, else the stand-in; and a sentence that says which. */
export async function chooseHost(): Promise<{ readonly host: HostWorld; readonly words: string }> {
  const answer = await canUseRealNamespaces();
  if (answer === true) return { host: new RealHost(), words: 'real network namespaces of this machine' };
  return { host: new StandInHost(), words: `stand-ins for network namespaces, because ${lastLine(answer)}` };
}

/** Commands say what hindered them at the end. */
function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
