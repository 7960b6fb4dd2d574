import { contentOf } from '../architecture/source-tree.ts';

/** A call as IAM sees it for one resource. */
export interface Call {
  readonly action: string;
  /** Of an ARN, without account and region: `elastic-ip/eipalloc-1`. */
  readonly resource: string;
  /** Tags that the resource has. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Tags that the call writes or, with an empty value, removes. */
  readonly requestTags?: Readonly<Record<string, string>>;
  /** The call in which the tags are written, for `ec2:CreateTags`. */
  readonly createAction?: string;
  /** The attribute that the call changes, for `ec2:Modify…Attribute`. */
  readonly attribute?: string;
}

type Texts = string | readonly string[];

interface Statement {
  readonly Action: Texts;
  readonly Resource: Texts;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Texts>>>>;
}

/**
 * Whether a policy of ours allows a call: the part of IAM's evaluation logic that our policies use (Allow statements only; operators of a
 * block and keys of an operator must all hold, one of a key's values is enough). CLUSTER_NAME is `test`.
 * @throws {Error} for an operator that no policy of ours used when this was written
 */
export function allows(file: string, call: Call): boolean {
  const { Statement } = JSON.parse(contentOf(file).replaceAll('CLUSTER_NAME', 'test')) as { Statement: Statement[] };
  return Statement.some(
    ({ Action, Resource, Condition = {} }) =>
      list(Action).includes(call.action) &&
      list(Resource).some((arn) => like(`arn:aws:ec2:REGION:ACCOUNT_ID:${call.resource}`, arn)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, values]) => holds(operator, valuesOf(key, call), list(values))),
      ),
  );
}

function holds(operator: string, present: readonly string[], wanted: readonly string[]): boolean {
  const [value] = present;
  switch (operator) {
    case 'StringEquals':
      return value !== undefined && wanted.includes(value);
    case 'StringLike':
      return value !== undefined && wanted.some((pattern) => like(value, pattern));
    case 'StringNotLikeIfExists':
      return value === undefined || !wanted.some((pattern) => like(value, pattern));
    case 'ForAllValues:StringLike':
      return present.every((each) => wanted.some((pattern) => like(each, pattern)));
    default:
      throw new Error(`${operator} is not evaluated here; add it`);
  }
}

function valuesOf(key: string, { tags = {}, requestTags = {}, createAction, attribute }: Call): readonly string[] {
  const [, kind, name = ''] = /^aws:(ResourceTag|RequestTag)\/(.+)$/.exec(key) ?? [];
  if (kind !== undefined) return [(kind === 'ResourceTag' ? tags : requestTags)[name] ?? []].flat();
  if (key === 'aws:TagKeys') return Object.keys(requestTags);
  if (key === 'ec2:CreateAction') return createAction === undefined ? [] : [createAction];
  if (key === 'ec2:Attribute') return attribute === undefined ? [] : [attribute];
  throw new Error(`${key} is not evaluated here; add it`);
}

function like(text: string, pattern: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 's').test(text);
}

function list(texts: Texts): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts;
}
