// Reading and writing of bodies of the Open Inference Protocol v2. Nothing here knows HTTP.

export { writeInferAnswer, type InferAnswer } from './answer.js';
export { parseJson } from './json.js';
export type { AnswerForm } from './json-request.js';
export { checkName, checkVersion } from './names.js';
export { closeReaders } from './reader-pool.js';
export { readInferRequest, type InferRequest } from './read-request.js';
