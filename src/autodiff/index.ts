export { differentiate } from './differentiate.js';
