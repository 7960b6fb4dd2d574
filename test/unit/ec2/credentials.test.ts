import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEc2Client } from '../../../lib/ec2/client.ts';
import { openCredentialChain } from '../../../lib/ec2/credentials.ts';
import { openServiceQuotas } from '../../../lib/ec2/service-quotas.ts';
import { never, ok } from './wire.ts';

/** What asked for credentials, and the key id with which each call was signed, in order. */
let asked: string[];
let signedBy: string[];
let folder: string;
let url: string;
const server = createServer((request, response) => void serve(request, response));

beforeEach(async () => {
  asked = [];
  signedBy = [];
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of ['EC2', 'STS', 'SERVICE_QUOTAS']) vi.stubEnv(`AWS_ENDPOINT_URL_${name}`, url);
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** STS, the agent of EKS Pod Identity, EC2 and Service Quotas, as far as they are asked here (FACTS §8, Credentials). */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const action = new URLSearchParams(body).get('Action');
  const key = /Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1];
  if (action === 'AssumeRoleWithWebIdentity') {
    asked.push(`STS with ${new URLSearchParams(body).get('WebIdentityToken')}`);
    response.end(assumed('FROMSTS'));
  } else if (request.url === '/v1/credentials') {
    asked.push(`Pod Identity with ${request.headers.authorization}`);
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const credentials = { AccessKeyId: 'FROMPODIDENTITY', SecretAccessKey: 's', Token: 't', Expiration: expiration };
    response.end(JSON.stringify(credentials));
  } else {
    signedBy.push(`${action ?? 'quota'} by ${key}`);
    response.end(
      action === null ? JSON.stringify({ Quota: { Value: 7 } }) : ok('DescribeInstances', '<reservationSet/>'),
    );
  }
}

function assumed(key: string): string {
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  const credentials = `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`;
  const result = `<Credentials>${credentials}<Expiration>${expiration}</Expiration></Credentials>`;
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>${result}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}

/** Two calls of EC2 and one of Service Quotas, whose clients share a chain. */
async function callBoth(): Promise<void> {
  const shared = { region: 'eu-test-1', version: '0.0.0', credentials: openCredentialChain() };
  const ec2 = openEc2Client(shared);
  await ec2.send(new DescribeInstancesCommand({}));
  await ec2.send(new DescribeInstancesCommand({}));
  expect(await openServiceQuotas(shared).elasticIps({ signal: never })).toBe(7);
}

test('IRSA: the token file is exchanged at STS once for all clients', async () => {
  writeFileSync(join(folder, 'token'), 'web-identity');
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'));
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::111122223333:role/eni-agent');

  await callBoth();

  expect(asked).toEqual(['STS with web-identity']);
  expect(signedBy).toEqual(['DescribeInstances by FROMSTS', 'DescribeInstances by FROMSTS', 'quota by FROMSTS']);
});

test('EKS Pod Identity: the agent of the node is asked once for all clients', async () => {
  writeFileSync(join(folder, 'token'), 'pod-identity');
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/v1/credentials`);
  vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', join(folder, 'token'));

  await callBoth();

  expect(asked).toEqual(['Pod Identity with pod-identity']);
  expect(new Set(signedBy.map((call) => call.split(' by ')[1]))).toEqual(new Set(['FROMPODIDENTITY']));
});
