/** The media types a PATCH may carry; anything else is 415. */
export type PatchFormat = 'json' | 'merge' | 'strategic' | 'apply';

const formats: Readonly<Record<string, PatchFormat>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export function patchFormatOf(contentType: string | undefined): PatchFormat | undefined {
  return formats[(contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''];
}
