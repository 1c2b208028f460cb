// Side door of training for Node: the files of a run.

export {
  checkpoints,
  history,
  type Checkpoints,
  type CheckpointsOptions,
  type Damaged,
  type Found,
  type History,
} from './run-files.js';
export { checkpointWeights, type CheckpointWeights, type WeightsKind } from './checkpoint-weights.js';
export { saveSwa, type SwaWeights } from './swa-file.js';
export { newestOfAll } from './member-checkpoints.js';
