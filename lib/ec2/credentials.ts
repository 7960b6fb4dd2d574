import { fromNodeProviderChain } from '@aws-sdk/credential-providers';

/** Where clients of AWS take their credentials from. */
export type CredentialChain = ReturnType<typeof fromNodeProviderChain>;

/**
 * The SDK's default chain: environment, shared files, IRSA, EKS Pod Identity, IMDS. Nothing is read before the first call; what it
 * yields is kept until five minutes before it expires. Open it once and give it to every client of the process, so that STS, the
 * Pod Identity agent and IMDS are asked once for all of them. STS is asked in the region, and with the time-outs, of the client that calls.
 */
export function openCredentialChain(): CredentialChain {
  return fromNodeProviderChain();
}
