export { cutsOf, flowOf, type Cut, type FactsByName, type Flow } from './cuts.js';
