import { readFileSync } from 'node:fs';

export interface Memory {
  /** Resident, MB (10⁶ bytes): what the kernel's limit counts. */
  readonly rssMb: number;
  /** Resident and backed by no file: what this process alone costs the node. */
  readonly anonymousMb: number;
}

/** From `smaps_rollup`. Linux only. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { rssMb: megabytes('Rss'), anonymousMb: megabytes('Anonymous') };
}

/** User and system time of a process so far, s. Linux counts in hundredths. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the command's name, which may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
