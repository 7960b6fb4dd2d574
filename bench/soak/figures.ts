import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryOf } from '../rig/memory.ts';

/** What one process holds at one moment. */
export interface Sample {
  /** Since the soak began. */
  readonly seconds: number;
  /** What the JavaScript heap keeps after a full garbage collection. */
  readonly heapMb: number;
  readonly anonymousMb: number;
  readonly residentMb: number;
  readonly descriptors: number;
  /** That keep the event loop alive. */
  readonly timers: number;
  readonly threads: number;
}

/** How often the probe inside each process counts timers, and how often it collects garbage, ms. */
const PROBE_MS = 2_000;
const COLLECT_MS = 20_000;

/**
 * `NODE_OPTIONS` that let a process write every few seconds into `<folder>/<pid>.json` what nobody can see from outside: how many timers it
 * has, and what its heap keeps. The intervals do not keep the process alive and are not counted themselves.
 */
export function probeOption(folder: string): string {
  const code = `
    import { renameSync, writeFileSync } from 'node:fs';
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    const path = ${JSON.stringify(folder)} + '/' + process.pid;
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    let heapMb = 0;
    const look = () => {
      collect();
      heapMb = process.memoryUsage().heapUsed / 1e6;
    };
    setInterval(look, ${COLLECT_MS}).unref();
    setTimeout(look, ${PROBE_MS}).unref();
    setInterval(() => {
      const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      writeFileSync(path + '.new', JSON.stringify({ timers, heapMb }));
      renameSync(path + '.new', path + '.json');
    }, ${PROBE_MS}).unref();`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** @throws {Error} when the process has ended */
export function sampleOf(pid: number, probeFolder: string, seconds: number): Sample {
  const { rssMb, anonymousMb } = memoryOf(pid);
  const threads = /^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const text = readFileSync(join(probeFolder, `${pid}.json`), 'utf8');
  const { timers, heapMb } = JSON.parse(text) as { timers: number; heapMb: number };
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { seconds, heapMb, anonymousMb, residentMb: rssMb, descriptors, timers, threads: Number(threads) };
}
