import { describe, expect, it } from 'vitest';
import { Latest, Topic } from '../../../lib/runtime/topic.ts';

describe('Topic', () => {
  it('calls whoever has subscribed, in that order, and nobody for what was said before', () => {
    const topic = new Topic<string>();
    const heard: string[] = [];
    topic.publish('too early');
    topic.subscribe((text) => heard.push(`first ${text}`));
    topic.subscribe((text) => heard.push(`second ${text}`));
    topic.publish('now');

    expect(heard).toEqual(['first now', 'second now']);
  });

  it('lets what a listener throws reach who has spoken: a reconcile that cannot report has failed', () => {
    const topic = new Topic();
    topic.subscribe(() => {
      throw new Error('broken');
    });

    expect(() => topic.publish()).toThrow('broken');
  });
});

describe('Latest', () => {
  it('has its new value before anybody hears of it', () => {
    const latest = new Latest(1);
    const seen: number[] = [];
    latest.subscribe(() => seen.push(latest.value));
    latest.publish(2);

    expect(seen).toEqual([2]);
  });
});
