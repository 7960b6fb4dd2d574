/** Replaces what a bug report must not reveal: account ids, access keys, tokens, and values of fields named like secrets. */
export type Redactor = (text: string) => string;

/** Twelve digits that are not part of something longer: an AWS account id, as in an ARN or an owner field. */
const ACCOUNT = /(?<![\dA-Za-z.-])\d{12}(?![\dA-Za-z.])/g;
/** Ids of access keys (IAM's identifiers begin with these four letters). */
const ACCESS_KEY = /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g;
/** Three parts in base64url: a JSON web token, as service accounts have. */
const WEB_TOKEN = /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g;
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
/** `"secretAccessKey":"…"`, `password=…`. */
const FIELD =
  /("?[\w.-]*(?:secret[\w.-]*|password|passwd|token|credential|authorization|private[-_]?key|api[-_]?key)"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s",;}{\][]+)/gi;

/**
 * A redactor whose stand-ins are the same for the same account throughout one archive, so that a reader still sees which things belong
 * together.
 */
export function createRedactor(): Redactor {
  const accounts = new Map<string, string>();
  const standIn = (account: string) => {
    const known = accounts.get(account) ?? `account-${accounts.size + 1}`;
    accounts.set(account, known);
    return known;
  };
  return (text) =>
    text
      .replaceAll(WEB_TOKEN, '[token]')
      .replaceAll(BEARER, '$1 [token]')
      .replaceAll(ACCESS_KEY, '[access key]')
      .replaceAll(
        FIELD,
        (_whole, name: string, value: string) => `${name}${value.startsWith('"') ? '"[redacted]"' : '[redacted]'}`,
      )
      .replaceAll(ACCOUNT, standIn);
}
