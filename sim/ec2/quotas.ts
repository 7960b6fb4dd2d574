import { Ec2Fault } from './ec2-fault.ts';
import type { CloudState } from './state.ts';

export interface ServiceQuotaInput {
  readonly serviceCode: string;
  readonly quotaCode: string;
}

/** The two quotas that matter here (facts §3), in the JSON shape of Service Quotas. @throws {Ec2Fault} NoSuchResourceException */
export function getServiceQuota(state: CloudState, input: ServiceQuotaInput) {
  switch (`${input.serviceCode}/${input.quotaCode}`) {
    case 'ec2/L-0263D0A3':
      return quota(input, 'EC2-VPC Elastic IPs', state.knobs.elasticIpQuota);
    case 'vpc/L-DF5E4CA3':
      return quota(input, 'Network interfaces per Region', state.knobs.networkInterfaceQuota);
    default:
      throw new Ec2Fault('NoSuchResourceException', 'The request failed because the specified quota does not exist.');
  }
}

/** AWS's own default, whatever the account was granted. @throws {Ec2Fault} NoSuchResourceException */
export function getDefaultServiceQuota(state: CloudState, input: ServiceQuotaInput) {
  const { Quota } = getServiceQuota(state, input);
  return { Quota: { ...Quota, Value: input.serviceCode === 'ec2' ? 5 : 5000 } };
}

function quota({ serviceCode, quotaCode }: ServiceQuotaInput, QuotaName: string, Value: number) {
  return {
    Quota: { ServiceCode: serviceCode, QuotaCode: quotaCode, QuotaName, Value, Adjustable: true, GlobalQuota: false },
  };
}
