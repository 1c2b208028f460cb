export { differentiate } from './differentiate.js';
export { trainableFrom } from './trainable.js';
