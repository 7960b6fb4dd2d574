import type { NodeOptions } from '../../lib/config/options.ts';
import type { NodeFrame } from './frame.ts';
import { openObservers } from './observers.ts';
import type { NodeHost } from './surroundings.ts';

/** Begins to observe what CNI plugins write and what pods have in their network namespaces. */
export function openNodeHost(frame: NodeFrame, options: NodeOptions): NodeHost {
  const { process, ages: clock, bus, supervisor, readiness } = frame;
  const { random, log } = process;
  const observers = openObservers(options, { clock, random, log, onChange: () => bus.changed.publish() });
  for (const observer of observers.tasks) supervisor.keep(observer.name, observer.run);
  readiness.faultsOf('observers', observers.faults);
  readiness.notesOf(observers.notes);
  return observers;
}
