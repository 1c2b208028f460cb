import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decodeSafetensors, elements, GraftError } from '../../src/base/index.js';
import { assets } from '../assets.js';

interface Case {
  readonly file: string;
  readonly kind: string;
  readonly expect: string;
  readonly code?: string;
  readonly note?: string;
}

test('the corpus of safetensors files is read or refused as its index says', t => {
  if (!assets) {
    t.log('no assets');
    t.pass();
    return;
  }
  const folder = join(assets, 'corpus');
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { readonly files: readonly Case[] };
  const cases = index.files.filter(at => at.kind === 'safetensors');
  t.true(cases.length > 0);
  const started = process.hrtime.bigint();
  for (const at of cases) {
    let found = 'load';
    try {
      for (const value of decodeSafetensors(readFileSync(join(folder, at.file))).tensors.values())
        if (!value.type.startsWith('float8')) elements(value);
    } catch (error) {
      found = error instanceof GraftError ? error.code : String(error);
    }
    const allowed = at.expect === 'load' ? ['load'] : [at.code, ...(at.note?.match(/ST_[A-Z_]+/g) ?? [])];
    t.true(allowed.includes(found), `${at.file}: ${found}, wanted ${allowed.join(' or ')}`);
  }
  t.log(`${cases.length} files in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
  t.is(Reflect.get({}, 'polluted'), undefined);

  const values = (file: string, name: string) => [
    ...elements(decodeSafetensors(readFileSync(join(folder, 'safetensors', file))).tensors.get(name)!),
  ];
  t.deepEqual(values('good-two.safetensors', 'b'), [9007199254740993n]);
  const names = decodeSafetensors(readFileSync(join(folder, 'safetensors', 'good-names.safetensors'))).tensors;
  t.deepEqual(
    [...names.values()]
      .flatMap(at => [...elements(at)])
      .map(Number)
      .sort(),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});
