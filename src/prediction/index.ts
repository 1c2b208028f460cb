export { openPredictor, type Answers, type Predictor } from './predictor.js';
export { topOf, type TopLabel } from './labels.js';
