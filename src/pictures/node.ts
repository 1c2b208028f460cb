// Side door of pictures for Node: files and sharp.

export { decode, openDecoder, preparePicture, type AllowedFormat, type DecodeOptions } from './decode.js';
export {
  hashFiles,
  pictureStream,
  type HashedFile,
  type PictureStreamOptions,
  type StreamAugment,
  type StreamedPicture,
} from './picture-stream.js';
export { prepareView, type Showing } from './prepare-view.js';
export { readPictureFile } from './picture-file.js';
export {
  readSidecar,
  settlePreprocessing,
  type PreprocessingFlags,
  type Settled,
  type SettleOptions,
  type Sidecar,
} from './settle.js';
export { zooEntries, zooEntry, type ZooEntry } from './zoo.js';
export {
  duplicatesAcross,
  readSource,
  type Duplicate,
  type Item,
  type PictureSet,
  type SourceOptions,
} from './sources.js';
export { type Split } from './manifest.js';
export { listPictures, type Stray } from './walk.js';
export { encodePng } from './encode-png.js';
export { thumbnail } from './thumbnail.js';
