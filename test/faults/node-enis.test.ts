import { expect, it } from 'vitest';
import { describeStories } from './matrix.ts';
import { endingStories, nodeEniStories } from './stories/node-enis.ts';
import { live } from './story.ts';

describeStories(nodeEniStories);

it.each(endingStories)('$name leave nothing behind', async (story) => {
  expect((await live(story)).wrong).toEqual([]);
});
