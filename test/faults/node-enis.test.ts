import { describeStories } from './matrix.ts';
import { nodeEniStories } from './stories/node-enis.ts';

describeStories(nodeEniStories);
