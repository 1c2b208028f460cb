export { differentiate } from './differentiate.js';
export { trainableFrom, type Blocker, type Trainable, type TrainableOptions } from './trainable.js';
