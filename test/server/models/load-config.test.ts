// What a request to load may override, and which versions a policy chooses.

import test from 'ava';
import { readLoadConfig, toldSettings } from '../../../src/server/models/load-config.js';
import { chosenVersions } from '../../../src/server/models/version-policy.js';

test('known keys become settings, at both ends of what they may be', t => {
  t.deepEqual(readLoadConfig(), { settings: {} });
  const given = { max_batch_size: 8, batch_delay_ms: 0.5, queue: 1, run_time_ms: 86_400_000, weights: [2, 1] };
  t.deepEqual(readLoadConfig(given), { settings: { maxBatch: 8, batchDelay: 0.5, queue: 1, runTime: 86_400_000 }, weights: [2, 1] }); // prettier-ignore
  t.deepEqual(toldSettings({ maxBatch: 8, batchDelay: 1, queue: 64, runTime: 5000 }), { max_batch_size: 8, batch_delay_ms: 1, queue: 64, run_time_ms: 5000 }); // prettier-ignore
});

test('what is not known or not within its bounds is refused by its key', t => {
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ max_batch_size: 0 }, /config\.max_batch_size must be a number of 1 to 4096/],
    [{ max_batch_size: 4097 }, /max_batch_size/],
    [{ max_batch_size: 1.5 }, /max_batch_size/],
    [{ max_batch_size: '8' }, /max_batch_size/],
    [{ queue: 0 }, /queue/],
    [{ queue: null }, /queue/],
    [{ batch_delay_ms: -1 }, /batch_delay_ms/],
    [{ run_time_ms: 0 }, /run_time_ms/],
    [{ weights: 1 }, /config\.weights must be a list of numbers/],
    [{ weights: [1, '2'] }, /weights/],
    [{ path: '/etc' }, /config\.path is not known; known are max_batch_size/],
    [{ 'a\u001b[31m': 1 }, /config\.a\\u001b\[31m is not known|config\.a[^\u001b]*is not known/],
  ];
  for (const [given, message] of wrong) t.throws(() => readLoadConfig(given), { code: 'BAD_PARAMETER', message } as never, JSON.stringify(given)); // prettier-ignore
});

test('policies: the latest by number, all, or those named that are there', t => {
  const versions = ['1', '2', '9', '10'].map(version => ({ version }));
  const chosen = (policy: Parameters<typeof chosenVersions>[1]) => chosenVersions(versions, policy).map(({ version }) => version); // prettier-ignore
  t.deepEqual(chosen({ kind: 'latest', count: 1 }), ['10']);
  t.deepEqual(chosen({ kind: 'latest', count: 2 }), ['9', '10']);
  t.deepEqual(chosen({ kind: 'latest', count: 9 }), ['1', '2', '9', '10']);
  t.deepEqual(chosen({ kind: 'all' }), ['1', '2', '9', '10']);
  t.deepEqual(chosen({ kind: 'specific', versions: ['10', '3', '1'] }), ['1', '10']);
});
