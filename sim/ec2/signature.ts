import type { IncomingHttpHeaders } from 'node:http';
import { Ec2Fault } from './ec2-fault.ts';

/** What a SigV4 header tells without checking the signature. */
export interface Signer {
  readonly accessKey: string;
  readonly region: string;
  readonly service: string;
}

/**
 * Reads the credential scope. Signatures are not verified; only that the call is signed at all (facts §1.13 item 17).
 * @throws {Ec2Fault} AuthFailure (401) without a SigV4 header, IncompleteSignature (400) for a broken one
 */
export function signerOf(headers: IncomingHttpHeaders): Signer {
  const header = headers.authorization;
  if (header?.startsWith('AWS4-HMAC-SHA256 ') !== true) {
    throw new Ec2Fault('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
  }
  const scope = /Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request/.exec(header);
  const [, accessKey, region, service] = scope ?? [];
  if (accessKey === undefined || region === undefined || service === undefined || !header.includes('Signature=')) {
    throw new Ec2Fault('IncompleteSignature', 'Authorization header requires Credential and Signature parameters.');
  }
  return { accessKey, region, service };
}

/** The attempt that the SDK says this is: `amz-sdk-request: attempt=2; max=3`. */
export function attemptOf(headers: IncomingHttpHeaders): number {
  return Number(/attempt=(\d+)/.exec(String(headers['amz-sdk-request'] ?? ''))?.[1] ?? 1);
}
