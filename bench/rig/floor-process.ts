import { AssignPrivateIpAddressesCommand, DescribeNetworkInterfacesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { Agent, request } from 'undici';

interface Job {
  readonly url: string;
  readonly token: string;
  readonly node: string;
  readonly macs: readonly (readonly [mac: string, eni: string])[];
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
}

/**
 * The floor: a bare watch and one SDK call for each address it shows. No cache, no plan, no safety: what any program in this place
 * has to spend at least.
 */
async function main({ url, token, node, macs }: Job): Promise<void> {
  const eniOf = new Map(macs);
  const client = new EC2Client({});
  await client.send(new DescribeNetworkInterfacesCommand({ MaxResults: 5 }));
  const seen = new Set<string>();
  const assign = (address: string, eni: string) => {
    if (seen.has(address)) return;
    seen.add(address);
    const input = { NetworkInterfaceId: eni, PrivateIpAddresses: [address], AllowReassignment: true };
    void client.send(new AssignPrivateIpAddressesCommand(input));
  };
  const query = new URLSearchParams({ watch: '1', fieldSelector: `spec.nodeName=${node}` });
  const { body } = await request(`${url}/api/v1/pods?${query.toString()}`, {
    dispatcher: new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: 0 }),
    headers: { authorization: `Bearer ${token}` },
  });
  process.send?.('ready');
  let rest = '';
  for await (const chunk of body) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { object } = JSON.parse(line) as WatchEvent;
      const status = object.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]';
      for (const { mac, ips } of JSON.parse(status) as { mac?: string; ips: string[] }[]) {
        const eni = eniOf.get(mac ?? '');
        if (eni !== undefined) for (const address of ips) assign(address, eni);
      }
    }
  }
}

await main(JSON.parse(process.argv[2] ?? '') as Job);
