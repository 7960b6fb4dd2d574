import type { Refusal } from '../model/refusal.ts';

/** A refusal of what a user wrote: the annotation's key, then the fault with the fix. */
export function invalidAnnotation(key: string, fault: string): Refusal {
  return { reason: 'InvalidAnnotation', message: `annotation ${key}: ${fault}` };
}

/** Somebody's text for a message: quoted, so that blanks and strange characters can be seen, and never long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
