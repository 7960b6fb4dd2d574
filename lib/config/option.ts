import type { Command } from './command.ts';
import type { ValueType } from './value-type.ts';

/** One option: the table in options.ts is the only place that knows it. Flags, environment, file, `--help` and docs/options.md follow. */
export interface Option<T = unknown, C extends Command = Command> {
  /** Without the dashes. The environment variable is `ENI_AGENT_` and this in capitals. */
  readonly flag: string;
  /** One letter that means the same after a single dash. */
  readonly short?: string;
  /** A bare word after the command's name is this option's value. One of a command's options at most. */
  readonly operand?: true;
  readonly type: ValueType<T>;
  readonly commands: readonly C[];
  /** Other environment variables that mean the same; ours wins. */
  readonly aliases?: readonly string[];
  /** Written as a user would write it; several, comma-separated. Absent: the value is undefined, or an empty list. */
  readonly default?: string;
  readonly required?: true;
  /** Flags of options that make up for a required one; its value is then the empty text. */
  readonly unless?: readonly string[];
  /** One sentence or two, for `--help` and the docs. Without a full stop at the end. */
  readonly help: string;
}
