import type { Ec2Fault } from './ec2-fault.ts';

const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The answer of an action: no result wrapper, lists as `<item>`s, nothing for what is undefined (facts §1.0). */
export function successXml(action: string, requestId: string, result: object): string {
  return `<${action}Response xmlns="${namespace}">${members({ requestId, ...result })}</${action}Response>`;
}

/** The error form, with its capital `RequestID` (facts §1.0). */
export function errorXml(fault: Ec2Fault, requestId: string): string {
  const error = members({ Code: fault.code, Message: fault.message });
  return `<Response><Errors><Error>${error}</Error></Errors><RequestID>${requestId}</RequestID></Response>`;
}

function members(value: object): string {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => element(name, member))
    .join('');
}

function element(name: string, value: unknown): string {
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => element('item', item)).join('');
  if (typeof value === 'object' && value !== null) return members(value);
  return escapeText(String(value));
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;');
}
