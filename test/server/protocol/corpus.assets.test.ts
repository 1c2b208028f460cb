// Row 45: the bodies of the corpus's raw requests, each for the model `add`. What they are as HTTP is tested elsewhere.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { defaultLimits } from '../../../src/server/limits.js';
import { readInferRequest } from '../../../src/server/protocol/index.js';
import { assets } from '../../assets.js';
import { add, refusal } from './requests.js';

interface Entry {
  readonly file: string;
  readonly expect: string;
}

const folder = assets && join(assets, 'corpus');
const entries = folder
  ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { files: Entry[] }).files.filter(({ file }) =>
      /^http\/(json|ihcl)-/.test(file),
    )
  : [];

for (const { file, expect } of entries)
  test(`${file}: ${expect}`, async t => {
    const bytes = readFileSync(join(folder!, file));
    const split = bytes.indexOf('\r\n\r\n');
    const body = new Uint8Array(bytes.subarray(split + 4));
    const header = /^Inference-Header-Content-Length: (.*)$/im.exec(bytes.toString('latin1', 0, split))?.[1]?.trim();
    const read = readInferRequest(body, header, add, defaultLimits);
    if (expect === 'HTTP 200') t.is((await read).run.inputs.size, 1);
    else t.regex(await refusal(read), /^(?:BAD|UNKNOWN|MISSING)_/);
    t.is(({} as Record<string, unknown>)['polluted'], undefined);
  });

test('the corpus is whole, where it is', t => {
  t.is(
    entries.length,
    folder ? readdirSync(join(folder, 'http')).filter(name => /^(?:json|ihcl)-/.test(name)).length : 0,
  );
});
