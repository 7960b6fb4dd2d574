import { describeStories } from './matrix.ts';
import { privateAddressStories } from './stories/private-addresses.ts';

describeStories(privateAddressStories);
