import { type Mac, mac } from '../model/eni.ts';
import { integerOf, isObject, objectsOf, parseJson, textOf } from '../model/json.ts';
import { run } from './command.ts';

/** A link of the host as its owner sees it. */
export interface LinkState {
  readonly name: string;
  readonly altNames: readonly string[];
  readonly mac: Mac | undefined;
  readonly isUp: boolean;
}

/** The links of this network namespace. @throws {CommandError} when `ip` cannot be run. */
export async function readLinkStates(signal: AbortSignal): Promise<readonly LinkState[]> {
  const text = await run('ip', ['-j', 'link', 'show'], signal);
  return objectsOf(parseJson(text)).flatMap((link) => {
    const name = textOf(link['ifname']);
    if (!isObject(link) || name === undefined || integerOf(link['ifindex']) === undefined) return [];
    const flags = Array.isArray(link['flags']) ? link['flags'] : [];
    const altNames = Array.isArray(link['altnames']) ? link['altnames'].filter((one) => typeof one === 'string') : [];
    const address = textOf(link['address']);
    return [{ name, altNames, mac: address === undefined ? undefined : mac(address), isUp: flags.includes('UP') }];
  });
}
