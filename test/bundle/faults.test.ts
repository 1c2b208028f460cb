// A bundle while the disk fails: for every file call, every error, once and for ever, there is the old bundle whole, the
// new one whole, or none.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { GraftError } from '../../src/base/index.js';
import { cleanLeftovers, type Disk } from '../../src/base/node.js';
import { readBundle, writeBundle } from '../../src/bundle/node.js';
import { everyFault } from '../fault-disk.js';
import { manifest } from './manifest.js';

const model = (version: number) => Uint8Array.of(version, version);
const write = (folder: string, version: number, disk?: Disk) =>
  writeBundle(
    folder,
    model(version),
    { ...manifest, seeds: { run: version } },
    { force: true, ...(disk ? { disk } : {}) },
  );

for (const old of [undefined, 1])
  test(`writing a bundle over ${old === undefined ? 'nothing' : 'an old one'} while calls fail`, async t => {
    const folder = join(mkdtempSync(join(tmpdir(), 'graft-bundle-')), 'bundle');
    const faults = await everyFault(async (fault, name) => {
      rmSync(folder, { recursive: true, force: true });
      if (old !== undefined) await write(folder, old);
      let code = 'done';
      try {
        await write(folder, 2, fault.disk);
      } catch (error) {
        code = error instanceof GraftError ? error.code : String(error);
      }
      t.regex(code, /^(done|DISK_(FULL|DENIED|FAILED))$/, name);
      if (existsSync(folder)) await cleanLeftovers(folder);
      if (!existsSync(join(folder, 'manifest.json'))) {
        t.is(old, undefined, name);
        t.not(code, 'done', name);
        return;
      }
      const read = await readBundle(folder);
      const version = read.manifest.seeds['run'];
      t.deepEqual([...read.model], [...model(version!)], name);
      t.true(version === 2 || version === old, name);
      if (code === 'done') t.is(version, 2, name);
    });
    t.true(faults > 100, `${faults} faults`);
  });
