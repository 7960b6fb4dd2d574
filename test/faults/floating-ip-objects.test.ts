import { describeStories } from './matrix.ts';
import { floatingIpObjectStories } from './stories/floating-ip-objects.ts';

describeStories(floatingIpObjectStories);
