import type { Cidr } from '../model/ip.ts';
import { parseCidr } from '../model/ip.ts';
import { isObject, parseJson } from '../model/json.ts';

/**
 * How one kind of option value is written. `parse` gets the text of a flag, of an environment variable or of the file, trimmed
 * and never empty; it returns the value, or a {@link Mistake} that names the mistake and shows the right form.
 */
export interface ValueType<T> {
  /** Stands for the value in `--help` and in the docs, e.g. `DURATION`. Empty: a switch, which takes none. */
  readonly placeholder: string;
  readonly parse: (text: string) => T | Mistake;
  /** May be given several times, or comma-separated; then the value is an array of what `parse` returns. */
  readonly repeatable?: true;
}

/** Text that is not a value of the type, and what to write instead. */
export class Mistake {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export interface HostPort {
  /** Undefined: every address of the machine. */
  readonly host: string | undefined;
  readonly port: number;
}

export function text(placeholder: string): ValueType<string> {
  return { placeholder, parse: (given) => given };
}

/** A switch: given without a value it is on; `--no-<flag>`, `false`, `0`, `no` and `off` turn it off. */
export function toggle(): ValueType<boolean> {
  return { placeholder: '', parse: parseToggle };
}

export function choice<const T extends string>(...values: readonly T[]): ValueType<T> {
  return {
    placeholder: values.join('|'),
    parse: (given) => values.find((value) => value === given) ?? new Mistake(`is not one of ${values.join(', ')}`),
  };
}

/** A span of time in ms, written as a number with a unit: `500ms`, `30s`, `5m`, `2h`. A bare number has no meaning but 0. */
export function duration(range: { readonly min: string; readonly max: string }): ValueType<number> {
  const [min, max] = [milliseconds(range.min), milliseconds(range.max)];
  return {
    placeholder: 'DURATION',
    parse: (given) => {
      const ms = milliseconds(given);
      if (ms === undefined)
        return new Mistake('is not a duration; write a number and a unit, such as 500ms, 30s or 5m');
      const outside = (min !== undefined && ms < min) || (max !== undefined && ms > max);
      return outside ? new Mistake(`is out of range; write ${range.min} to ${range.max}`) : ms;
    },
  };
}

/** A TCP port; 0 stands for any free one. */
export function port(): ValueType<number> {
  return {
    placeholder: 'PORT',
    parse: (given) => {
      const number = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
      return number <= 65_535 ? number : new Mistake('is not a port; write 0 to 65535');
    },
  };
}

/** A regular expression that must match a whole name: `net[0-9]+` does not match `net1a`. */
export function wholePattern(): ValueType<RegExp> {
  return {
    placeholder: 'REGEX',
    parse: (given) => {
      try {
        return new RegExp(`^(?:${given})$`, 'v');
      } catch (error) {
        return new Mistake(`is not a regular expression (${error instanceof Error ? error.message : 'unknown'})`);
      }
    },
  };
}

/** `host:port`, `[v6]:port`, `:port` for every address, or `off` for none. */
export function hostPort(): ValueType<HostPort | 'off'> {
  return { placeholder: 'HOST:PORT', parse: parseHostPort };
}

export function cidr(): ValueType<Cidr> {
  return {
    placeholder: 'CIDR',
    parse: (given) => parseCidr(given) ?? new Mistake('is not a network; write 10.0.1.0/24 or 2001:db8::/64'),
  };
}

/** A JSON object whose values are texts: `{"team": "media"}`. */
export function textMap(): ValueType<Readonly<Record<string, string>>> {
  return {
    placeholder: 'JSON',
    parse: (given) => {
      const value = parseJson(given);
      const isMap = isObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
      return isMap
        ? (value as Readonly<Record<string, string>>)
        : new Mistake('is not a JSON object of texts; write {"team": "media"}');
    },
  };
}

/** Several values of one type: the flag is repeated, or the values stand comma-separated. */
export function listOf<T>(type: ValueType<T>): ValueType<T> & { readonly repeatable: true } {
  return { ...type, repeatable: true };
}

function parseToggle(given: string): boolean | Mistake {
  const word = given.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  return new Mistake('is neither true nor false');
}

function parseHostPort(given: string): HostPort | 'off' | Mistake {
  if (given === 'off') return 'off';
  const match = /^(?:\[(?<v6>[\da-f:.]+)\]|(?<host>[^:\s[\]]*)):(?<port>\d{1,5})$/i.exec(given);
  const port = Number(match?.groups?.['port']);
  if (match === null || port > 65_535) {
    return new Mistake('is not an address to listen on; write 127.0.0.1:9808, [::1]:9808, :9808 or off');
  }
  return { host: match.groups?.['v6'] ?? (match.groups?.['host'] || undefined), port };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(given: string): number | undefined {
  if (given === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given);
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}
