import { invalidValue, missingParameter } from './ec2-fault.ts';

/**
 * Reads the parameters of one Query call: dotted keys, lists flat and counted from 1 (facts §1.0).
 * Remembers what was asked for, so that unknown parameters can be reported.
 */
export class Query {
  readonly #parameters: ReadonlyMap<string, string>;
  readonly #prefix: string;
  readonly #known: Set<string>;

  constructor(parameters: ReadonlyMap<string, string>, prefix = '', known = new Set<string>()) {
    this.#parameters = parameters;
    this.#prefix = prefix;
    this.#known = known;
  }

  text(name: string): string | undefined {
    this.#known.add(this.#prefix + name);
    return this.#parameters.get(this.#prefix + name);
  }

  /** @throws {Ec2Fault} MissingParameter */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missingParameter(name);
    return value;
  }

  /** @throws {Ec2Fault} InvalidParameterValue for anything but an integer */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+$/.test(value)) throw invalidValue(`Invalid value '${value}' for ${name}. Must be an integer.`);
    return Number(value);
  }

  /** @throws {Ec2Fault} MissingParameter, InvalidParameterValue */
  requiredInteger(name: string): number {
    const value = this.integer(name);
    if (value === undefined) throw missingParameter(name);
    return value;
  }

  /** @throws {Ec2Fault} InvalidParameterValue for anything but true or false */
  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined || value === 'true' || value === 'false')
      return value === undefined ? undefined : value === 'true';
    throw invalidValue(`Invalid value '${value}' for ${name}. Must be true or false.`);
  }

  /** `Name.1`, `Name.2` … in the order of their numbers. */
  list(name: string): string[] {
    return this.#indexes(name).flatMap((index) => this.text(`${name}.${index}`) ?? []);
  }

  /** `Name.1.…`, `Name.2.…`: one reader for each element. */
  structures<T>(name: string, read: (element: Query) => T): T[] {
    return this.#indexes(name).map((index) =>
      read(new Query(this.#parameters, `${this.#prefix}${name}.${index}.`, this.#known)),
    );
  }

  /** Keys that nobody asked for. */
  unknown(): string[] {
    return [...this.#parameters.keys()].filter((key) => !this.#known.has(key));
  }

  #indexes(name: string): number[] {
    const start = `${this.#prefix}${name}.`;
    const indexes = new Set<number>();
    for (const key of this.#parameters.keys()) {
      const index = key.startsWith(start) ? /^[1-9]\d*/.exec(key.slice(start.length))?.[0] : undefined;
      if (index !== undefined) indexes.add(Number(index));
    }
    return [...indexes].sort((left, right) => left - right);
  }
}
