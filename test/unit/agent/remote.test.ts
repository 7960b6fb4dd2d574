import { describe, expect, it } from 'vitest';
import { renderDoctor, viewOf } from '../../../agent/doctor/render.ts';
import { renderClusterDoctor } from '../../../agent/remote/doctor.ts';
import { planCodeOf } from '../../../agent/remote/kubectl.ts';
import { PLAIN } from '../../../agent/text/paint.ts';

const LONG = 'Error from server (NotFound): the server could not find the requested resource, nor another one';

describe('planCodeOf', () => {
  it.each([
    [0, 0],
    [2, 2],
    [64, 64],
    [1, 2],
    [126, 2],
    [137, 2],
  ])('answers kubectl’s %i with %i, one of the codes of plan', (code, expected) => {
    expect(planCodeOf({ code, out: '', err: '' })).toBe(expected);
  });
});

describe('doctor on a terminal', () => {
  it('keeps the reason why a node was not asked within its width', () => {
    const view = { schema: 'eni-agent.io/doctor/v1', nodes: [{ node: 'a', fault: LONG }] } as const;
    const lines = renderClusterDoctor(view, { columns: 80, paint: PLAIN }).split('\n');

    expect(lines[0]).toBe('a  not asked');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.slice(1).join(' ').replaceAll(/\s+/g, ' ').trim()).toBe(LONG);
  });

  it('keeps findings within its width, below one another; a pipe gets one line', () => {
    const view = viewOf('a', [{ name: 'rbac', verdict: 'fail', finding: LONG, fix: 'grant it' }]);
    const lines = renderDoctor(view, { columns: 80, paint: PLAIN }).split('\n');

    expect(lines[0]).toMatch(/^fail {5}rbac {2}Error from server/);
    expect(lines[1]).toMatch(/^ {15}\S/);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(renderDoctor(view, { columns: undefined, paint: PLAIN })).toContain(LONG);
  });
});
