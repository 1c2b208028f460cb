export { join, split } from './split.js';
