import { objectStories } from './stories/objects.ts';
import { podElasticIpStories } from './stories/pod-elastic-ips.ts';
import { privateAddressStories } from './stories/private-addresses.ts';

export const stories = [...privateAddressStories, ...podElasticIpStories, ...objectStories];
