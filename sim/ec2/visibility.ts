/**
 * What the documentation leaves open, or what varies from account to account, as settings that a test may change at any time.
 * Every default is the documented behaviour, or the likelier one.
 */
export interface Knobs {
  /** How far Describe lags behind the mutations, ms. At most the timeline's horizon of five minutes. */
  describeLagMs: number;
  /** How far IMDS lags behind, ms. One IMDS server may override it. */
  imdsLagMs: number;
  /** How long a new id is unknown to other mutations, ms: AssociateAddress right after AllocateAddress (facts §1.0). */
  newIdLagMs: number;
  /** How long an ENI stays `attaching` and `detaching`, ms. */
  attachMs: number;
  detachMs: number;
  /** What an absent AllowReassociation means (facts §1.6: documentation says true, field reports say false). */
  allowReassociationDefault: boolean;
  /** The association id of an EIP whose private address moved to another ENI (facts §1.1, undocumented). */
  associationIdAfterMove: 'same' | 'new';
  /** The code for an IPv6 address that another ENI holds (facts §1.3, unknown). */
  ipv6InUseCode: string;
  /** Disassociating an association that is gone: idempotent or InvalidAssociationID.NotFound (facts §1.6). */
  repeatedDisassociate: 'success' | 'not-found';
  /** Assigning an address that the ENI already has (facts §1.1, undocumented). */
  assignPresent: 'success' | 'error';
  /** Parameters that the action does not know (facts §1.13 item 14). */
  unknownParameters: 'error' | 'ignore';
  /** Filter after cutting pages: pages get short or empty while a token is set, which EC2 allows itself. */
  shortPages: boolean;
  /** Quota L-0263D0A3; own pools do not count. */
  elasticIpQuota: number;
  /** Quota L-DF5E4CA3. */
  networkInterfaceQuota: number;
  /** Routes per table and family (facts §11). */
  routeQuota: number;
  /** Actions that answer UnauthorizedOperation, as if IAM denied them. */
  deniedActions: readonly string[];
}

export function defaultKnobs(): Knobs {
  return {
    describeLagMs: 0,
    imdsLagMs: 0,
    newIdLagMs: 0,
    attachMs: 0,
    detachMs: 0,
    allowReassociationDefault: true,
    associationIdAfterMove: 'same',
    ipv6InUseCode: 'InvalidParameterValue',
    repeatedDisassociate: 'success',
    assignPresent: 'success',
    unknownParameters: 'error',
    shortPages: false,
    elasticIpQuota: 5,
    networkInterfaceQuota: 5000,
    routeQuota: 50,
    deniedActions: [],
  };
}
