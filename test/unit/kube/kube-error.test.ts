import { describe, expect, it } from 'vitest';
import { adviceOn, KubeError, networkError } from '../../../lib/kube/kube-error.ts';

const refused = (status: number) => new KubeError({ status, reason: '', message: 'no' });

describe('networkError', () => {
  it.each([
    [
      'a code that the message has',
      'connect ECONNREFUSED 127.0.0.1:1',
      'ECONNREFUSED',
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    ['a code that it lacks', 'socket hang up', 'ECONNRESET', 'ECONNRESET: socket hang up'],
    ['a code alone, as of a host with two addresses', '', 'ECONNREFUSED', 'ECONNREFUSED'],
  ])('writes %s once, behind the server', (_, message, code, said) => {
    const error = networkError(Object.assign(new Error(message), { code }), 'https://api.example');

    expect(error).toMatchObject({ status: 0, reason: 'Network', message: `https://api.example: ${said}` });
  });
});

describe('adviceOn', () => {
  it('says what somebody at a terminal can do, and nothing where that is not known', () => {
    expect(adviceOn(networkError(new Error('no answer')))).toMatch(/is the cluster up.*--kubeconfig and --context/);
    expect(adviceOn(refused(401))).toMatch(/log in again/);
    expect(adviceOn(refused(403))).toMatch(/ask an administrator/);
    expect([adviceOn(refused(404)), adviceOn(new Error('no'))]).toEqual(['', '']);
  });
});
