// The process that decodes pictures: its decoder is closed to all but four formats, and held to that at start.

import { decode, errorData, GraftError, openDecoder, prepare, type Preprocessing } from '../../serving.js';
import { errors } from '../errors.js';
import { kinds } from './frame.js';
import { answerAll } from './in-child.js';

let text = '';
let preprocessing: Preprocessing | undefined;

answerAll(async ({ kind, id, text: told, tensors }, channel) => {
  try {
    if (kind === kinds.open) {
      await openDecoder();
      channel.send({ kind: kinds.ready, id });
      return;
    }
    if (!preprocessing || told !== text) {
      preprocessing = JSON.parse(told!) as Preprocessing;
      text = told!;
    }
    const began = performance.now();
    const pixels = await decode(tensors!.get('picture')!.data, { preprocessing });
    const { width, height } = pixels.reduced ?? pixels;
    const data = prepare(pixels, preprocessing);
    const shape = [preprocessing.height, preprocessing.width, 3];
    const numbers = [width, height, performance.now() - began];
    channel.send({
      kind: kinds.answer,
      id,
      numbers,
      tensors: new Map([['pixels', { datatype: 'UINT8', shape, data }]]),
    });
  } catch (error) {
    const told = error instanceof GraftError ? error : errors.INTERNAL(undefined);
    // the log has what the answer leaves out
    if (told !== error) console.error(error);
    channel.send({ kind: kinds.failed, id, text: JSON.stringify(errorData(told)) });
  }
});
