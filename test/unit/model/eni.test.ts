import { describe, expect, it } from 'vitest';
import { declares, parseFloatingIps } from '../../../lib/model/addresses/floating-declaration.ts';
import { carries, type Eni, mac, usedSlots, withAddresses, withoutAddresses } from '../../../lib/model/eni.ts';
import { cidr, ip } from '../../../lib/model/ip.ts';

const ENI: Eni = {
  id: 'eni-1',
  mac: mac('02-AB-00-00-00-01'),
  deviceIndex: 1,
  networkCard: 0,
  description: '',
  interfaceType: 'interface',
  requesterManaged: false,
  tags: {},
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  cidrs: [cidr('10.0.1.0/24')],
  addresses: [
    { ip: ip('10.0.1.5'), primary: true },
    { ip: ip('10.0.1.6'), primary: false },
    { ip: ip('2001:db8::6'), primary: false },
  ],
  prefixes: [cidr('10.0.1.16/28')],
  limits: { ipv4: 10, ipv6: 10 },
};

describe('Eni', () => {
  it('has its MAC in the form of IMDS and the kernel', () => {
    expect(ENI.mac).toBe('02:ab:00:00:00:01');
  });

  it('counts a prefix as one slot of its family', () => {
    expect([usedSlots(ENI, 4), usedSlots(ENI, 6)]).toEqual([3, 1]);
  });

  it('carries what is listed and what is inside a prefix', () => {
    expect(['10.0.1.6', '10.0.1.20', '10.0.1.32'].map((text) => carries(ENI, ip(text)))).toEqual([true, true, false]);
  });

  it('gains an address once and never loses its primary', () => {
    const twice = withAddresses(withAddresses(ENI, [ip('10.0.1.7')]), [ip('10.0.1.7'), ip('10.0.1.6')]);

    expect(twice.addresses).toHaveLength(4);
    expect(withoutAddresses(twice, [ip('10.0.1.5'), ip('10.0.1.7')]).addresses).toEqual(ENI.addresses);
  });
});

describe('parseFloatingIps', () => {
  it.each([
    { text: '10.0.1.9, 10.0.2.0/28', yes: ['10.0.1.9', '10.0.2.15'], no: ['10.0.1.8', '10.0.2.16', '2001:db8::1'] },
    { text: '*', yes: ['10.0.1.9', '2001:db8::1'], no: [] },
    { text: '2001:db8::/64', yes: ['2001:db8::1'], no: ['10.0.1.9'] },
    { text: '', yes: [], no: ['10.0.1.9'] },
    { text: undefined, yes: [], no: ['10.0.1.9'] },
  ])('$text declares $yes and not $no', ({ text, yes, no }) => {
    const { value } = parseFloatingIps(text, 'pod a/b');

    expect(yes.map((address) => declares(value, ip(address)))).toEqual(yes.map(() => true));
    expect(no.map((address) => declares(value, ip(address)))).toEqual(no.map(() => false));
  });

  it('keeps the good elements and names the bad ones and where they are', () => {
    const { value, refusals } = parseFloatingIps('10.0.1.9, nonsense 10.0.1.0/99', 'pod a/b');

    expect(declares(value, ip('10.0.1.9'))).toBe(true);
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringMatching(/pod a\/b.*"nonsense"/),
      expect.stringMatching(/pod a\/b.*"10\.0\.1\.0\/99"/),
    ]);
  });
});
