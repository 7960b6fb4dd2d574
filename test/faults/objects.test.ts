import { describeStories } from './matrix.ts';
import { objectStories } from './stories/objects.ts';

describeStories(objectStories);
