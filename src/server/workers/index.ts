export { openNetwork, type Network, type NetworkAnswer, type NetworkOptions } from './network.js';
export type { NetworkFacts } from './description.js';
export { openPictureWorkers, type PictureWorkersOptions } from './picture-workers.js';
