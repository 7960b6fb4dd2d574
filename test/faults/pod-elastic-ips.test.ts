import { describeStories } from './matrix.ts';
import { podElasticIpStories } from './stories/pod-elastic-ips.ts';

describeStories(podElasticIpStories);
