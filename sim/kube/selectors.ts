import { type KubeObject, valueAt } from './object.ts';
import type { Resource } from './resource.ts';
import { badRequest } from './status.ts';

export type Predicate = (object: KubeObject) => boolean;

type Labels = Readonly<Record<string, string>>;
type LabelTest = (labels: Labels) => boolean;

/** Fields that are false, not empty, when they are not set. */
const BOOLEANS = new Set(['spec.unschedulable', 'spec.hostNetwork']);

const setBased = /^(?<key>\S+)\s+(?<operator>in|notin)\s*\((?<values>[^)]*)\)$/;
const equality = /^(?<key>[^=!\s]+)\s*(?<operator>==|=|!=)\s*(?<value>[^=!\s]*)$/;
const existence = /^(?<not>!?)\s*(?<key>[^=!\s()]+)$/;

/** Parses a label selector (`a=b,c!=d,e in (f,g),h notin (i),j,!k`); throws 400 on anything else. */
export function labelSelector(text: string): Predicate {
  const tests = splitOutsideParentheses(text).map(labelRequirement);
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

function labelRequirement(text: string): LabelTest {
  const set = setBased.exec(text)?.groups;
  if (set) {
    const { key = '', operator, values = '' } = set;
    const allowed = new Set(values.split(',').map((value) => value.trim()));
    const within = (labels: Labels) => labels[key] !== undefined && allowed.has(labels[key]);
    return operator === 'in' ? within : (labels) => !within(labels);
  }
  const equal = equality.exec(text)?.groups;
  if (equal) {
    const { key = '', operator, value } = equal;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = existence.exec(text)?.groups;
  if (!exists) throw badRequest(`unable to parse requirement: ${text}`);
  const { key = '', not } = exists;
  return (labels) => (labels[key] !== undefined) === (not === '');
}

/** Parses a field selector for this resource; throws 400 for a field that the server cannot select by. */
export function fieldSelector(resource: Resource, text: string): Predicate {
  const allowed = new Set(['metadata.name', 'metadata.namespace', ...(resource.selectableFields ?? [])]);
  const tests = text.split(',').filter(Boolean).map(fieldRequirement);
  const unsupported = tests.find(({ field }) => !allowed.has(field));
  if (unsupported) throw badRequest(`field label not supported: ${unsupported.field}`);
  return (object) => tests.every((test) => (selectable(object, test.field) === test.value) === test.equal);
}

function fieldRequirement(text: string) {
  const parts = /^(?<field>[^=!]+)(?<operator>==|=|!=)(?<value>.*)$/.exec(text.trim())?.groups;
  if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  return { field: parts['field'] ?? '', equal: parts['operator'] !== '!=', value: parts['value'] ?? '' };
}

/** A field as the server compares it: text, with the empty string for what is not set. */
function selectable(object: KubeObject, field: string): string {
  const value = field === 'source' ? valueAt(object, 'source.component') : valueAt(object, field);
  if (value === undefined || value === null) return BOOLEANS.has(field) ? 'false' : '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter(Boolean);
}
