import { describe, expect, it } from 'vitest';
import { type FailedCall, KIND_OF_CODE, translateError } from '../../../lib/ec2/errors.ts';
import type { Ec2ErrorKind } from '../../../lib/model/ec2-error.ts';
import { ip } from '../../../lib/model/ip.ts';

const mutating: FailedCall = { action: 'AssignPrivateIpAddresses', mutating: true, sent: true, addresses: [] };
const reading: FailedCall = { ...mutating, action: 'DescribeSubnets', mutating: false };

/** The form in which the SDK throws an answer of EC2. */
function answer(code: string, message = '', httpStatusCode = 400) {
  return Object.assign(new Error(message), {
    name: code,
    Code: code,
    $metadata: { httpStatusCode, requestId: 'req-1', attempts: 1 },
  });
}

describe('an answer of EC2', () => {
  const IN_USE = 'InvalidParameterValue';
  const table: [code: string, message: string, status: number, kind: Ec2ErrorKind][] = [
    ['RequestLimitExceeded', 'Request limit exceeded.', 503, 'throttled'],
    ['RequestLimitExceeded', 'Request limit exceeded.', 400, 'throttled'],
    ['WhateverNew', '', 429, 'throttled'],
    ['Unavailable', '', 503, 'unavailable'],
    ['RequestExpired', 'Request has expired.', 400, 'unavailable'],
    ['InternalError', 'An internal error has occurred', 500, 'unknown-outcome'],
    ['UnauthorizedOperation', 'You are not authorized.', 403, 'unauthorized'],
    ['SomethingOdd', '', 401, 'unauthorized'],
    ['AuthFailure', 'AWS was not able to validate the provided access credentials', 401, 'unauthorized'],
    [IN_USE, '[10.0.0.5, 10.0.0.6] assigned, but move is not allowed.', 400, 'held-elsewhere'],
    [IN_USE, '10.0.0.5 is already assigned.', 400, 'held-elsewhere'],
    [IN_USE, 'secondary-addresses', 400, 'held-elsewhere'],
    ['InvalidIPAddress.InUse', 'The specified address is already in use.', 400, 'held-elsewhere'],
    ['Resource.AlreadyAssigned', '', 400, 'held-elsewhere'],
    [IN_USE, 'Some of the specified addresses are not assigned to interface eni-1', 400, 'not-assigned'],
    [IN_USE, "Address does not fall within the subnet's address range", 400, 'rejected'],
    ['PrivateIpAddressLimitExceeded', 'Number of private addresses will exceed limit.', 400, 'limit'],
    ['InsufficientAddressCapacity', '', 500, 'limit'],
    ['InvalidNetworkInterfaceID.NotFound', "The networkInterface ID 'eni-x' does not exist", 400, 'not-found'],
    ['InvalidNewThingID.NotFound', '', 400, 'not-found'],
    ['NotFound', 'Unknown', 404, 'rejected'],
    ['Resource.AlreadyAssociated', '', 400, 'conflict'],
    ['InvalidAction', 'The action X is not valid for this web service.', 400, 'rejected'],
  ];

  it.each(table)('%s %j (%i) means %s', (code, message, status, kind) => {
    expect(translateError(answer(code, message, status), mutating)).toMatchObject({ kind, code, requestId: 'req-1' });
  });

  it.each([
    ['Unknown', '<html>', 502, 'HTTP502'],
    ['Error', '@aws-sdk XML parse error: unexpected content.', 200, 'UnreadableAnswer'],
  ] as const)('gives an answer of something else than EC2 (%s %j %i) the code %4$s', (name, text, status, code) => {
    const error = translateError(answer(name, text, status), mutating);

    expect(error).toMatchObject({ kind: 'unknown-outcome', code });
    expect(error.message).not.toContain('@aws-sdk');
  });

  it('never leaves the outcome of a describe unknown', () => {
    for (const [code, status] of [
      ['InternalError', 500],
      ['Unknown', 502],
      ['Error', 200],
    ] as const) {
      expect(translateError(answer(code, '', status), reading).kind).toBe('unavailable');
    }
  });

  it('reads "in use" of a release as an EIP that is still associated', () => {
    const release = { ...mutating, action: 'ReleaseAddress' };
    expect(translateError(answer('InvalidIPAddress.InUse'), release).kind).toBe('conflict');
  });

  it('has one kind for each code', () => {
    expect(KIND_OF_CODE.get('RequestLimitExceeded')).toBe('throttled');
    expect(KIND_OF_CODE.size).toBeGreaterThan(40);
  });
});

describe('addresses that the text names', () => {
  const sent = [ip('10.0.0.5'), ip('10.0.0.6'), ip('10.0.0.7'), ip('2001:db8::5')];
  const table: [text: string, named: string[]][] = [
    ['[10.0.0.5, 10.0.0.6] assigned, but move is not allowed.', ['10.0.0.5', '10.0.0.6']],
    ['[10.0.0.7] assigned, but move is not allowed.', ['10.0.0.7']],
    ['Value (10.0.0.5) for parameter address is invalid.', ['10.0.0.5']],
    ['The address is 10.0.0.6.', ['10.0.0.6']],
    ['2001:DB8:0:0::5 is in use', ['2001:db8::5']],
    ['10.0.0.99 is of another call', []],
    ['outside 10.0.0.0/24 of eni-0abc', []],
    ['Some of the specified addresses are not assigned', []],
  ];

  it.each(table)('in %j are %j', (text, named) => {
    const error = translateError(answer('InvalidParameterValue', text), { ...mutating, addresses: sent });
    expect(error.addresses).toEqual(named);
  });
});

describe('a call that EC2 did not answer', () => {
  const connectTimeout = Object.assign(
    new Error(
      '@smithy/node-http-handler - the request socket did not establish a connection with the server within 5 ms.',
    ),
    { name: 'TimeoutError' },
  );
  const refusedTwice = Object.assign(new AggregateError([fault('ECONNREFUSED'), fault('ECONNREFUSED')]), {
    code: 'ECONNREFUSED',
  });
  const neverLeft = [
    fault('ECONNREFUSED'),
    fault('ENOTFOUND'),
    fault('EAI_AGAIN'),
    fault('ETIMEDOUT', { syscall: 'connect' }),
    fault('CERT_HAS_EXPIRED'),
    fault('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    fault('ERR_TLS_CERT_ALTNAME_INVALID'),
    connectTimeout,
    refusedTwice,
  ];
  const mayHaveArrived = [
    fault('ECONNRESET'),
    fault('EPIPE'),
    fault('ETIMEDOUT', { name: 'TimeoutError' }),
    Object.assign(new Error('aborted'), { name: 'AbortError' }),
    new Error('something new'),
    'not even an error',
  ];

  it.each(neverLeft)('surely did nothing: %o', (thrown) => {
    expect(translateError(thrown, mutating).kind).toBe('unavailable');
  });

  it.each(mayHaveArrived)('may have been done: %o', (thrown) => {
    expect(translateError(thrown, mutating).kind).toBe('unknown-outcome');
    expect(translateError(thrown, reading).kind).toBe('unavailable');
  });

  it('did nothing when its caller gave up before it was sent', () => {
    const aborted = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(translateError(aborted, { ...mutating, sent: false }).kind).toBe('unavailable');
  });

  it('did nothing, says so, and is repeated soon, when no credentials could be loaded: IMDS may be slow to answer', () => {
    const none = Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
    expect(translateError(none, mutating)).toMatchObject({
      kind: 'unavailable',
      code: 'CredentialsProviderError',
      message: 'no AWS credentials could be loaded: Could not load credentials from any providers',
    });
  });
});

it('a refused authorisation keeps its text and loses its blob', () => {
  const text = `You are not authorized to perform this operation. Encoded authorization failure message: ${'A1b_-'.repeat(300)}`;
  const error = translateError(answer('UnauthorizedOperation', text, 403), mutating);
  expect(error.message).toBe('You are not authorized to perform this operation.');
});

function fault(code: string, more: object = {}) {
  return Object.assign(new Error(`fault ${code}`), { code, ...more });
}
