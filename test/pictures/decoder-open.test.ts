import test from 'ava';
import sharp from 'sharp';
import { checkClosed } from '../../src/pictures/decode.js';
import { openDecoder } from '../../src/pictures/node.js';

// in a file of its own: loaders are closed for the whole process
test.serial('sharp as it comes draws SVG, and that is found out', async t => {
  await t.throwsAsync(checkClosed(sharp), { code: 'IMAGE_UNSAFE' });
});

test.serial('opened, the decoder reads no drawing, no file by path and no other format', async t => {
  await openDecoder();
  await t.notThrowsAsync(checkClosed(sharp));
  await t.throwsAsync(sharp('/nowhere.png').metadata());
  const tiff = await sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } })
    .tiff()
    .toBuffer();
  await t.throwsAsync(sharp(tiff).metadata());
});
