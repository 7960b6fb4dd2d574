import { describeStories } from './matrix.ts';
import { routedIpStories } from './stories/routed-ips.ts';

describeStories(routedIpStories);
