/** The longest tag key that EC2 takes, in characters (EC2 user guide, tag restrictions). */
const MAX_TAG_KEY = 128;

/** The longest tag value that EC2 takes, in characters. */
export const MAX_TAG_VALUE = 256;

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
