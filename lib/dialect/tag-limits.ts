/** The longest tag key that EC2 takes, in characters (EC2 user guide, tag restrictions). */
const MAX_TAG_KEY = 128;

/** The longest tag value that EC2 takes, in characters. */
export const MAX_TAG_VALUE = 256;

/** Keys by which this program, the tools that it replaces and AWS itself know owners. */
const RESERVED = [
  'aws:',
  'eni-agent.io/',
  'eip.materialize.cloud/',
  'eip.aws.materialize.com/',
  'aws-samples.github.com/aws-pod-eip-controller-',
];

/** True for a key that a user may not set: with it one object could pass for the owner of another's Elastic IP. */
export function isReservedTag(key: string): boolean {
  return RESERVED.some((prefix) => key.toLowerCase().startsWith(prefix));
}

/** What keeps a text from being a tag's key; undefined when nothing does. */
export function faultOfTagKey(key: string): string | undefined {
  if (key === '') return 'the tag key is empty';
  if (key.length > MAX_TAG_KEY) return `the tag key is longer than the ${MAX_TAG_KEY} characters that EC2 allows`;
  return isPlain(key) ? undefined : 'the tag key has control characters';
}

/** True without control characters and halves of characters, which do not travel to EC2 and back unharmed. */
export function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}
