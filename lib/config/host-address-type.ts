import { type HostAddress, parseHostAddress } from '../model/floating-ips/floating-ip.ts';
import { Mistake, type ValueType } from './value-type.ts';

/** An address with or without a prefix length; without one it stands alone (/32, /128). */
export function hostAddress(): ValueType<HostAddress> {
  return {
    placeholder: 'ADDRESS[/LENGTH]',
    parse: (given) =>
      parseHostAddress(given) ??
      new Mistake('is not an address that EC2 can assign; write 10.0.0.201/24 or 2001:db8::201'),
  };
}
