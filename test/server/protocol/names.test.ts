import test from 'ava';
import { checkName, checkVersion } from '../../../src/server/protocol/index.js';
import { refusal } from './requests.js';

test('names of models are words without a way out of the folder', async t => {
  for (const name of ['add', '_', '9', 'a.b-c_D', 'a..', 'x'.repeat(128), 'constructor']) t.is(checkName(name), name);
  // row 7: INVALID_TRAVERSAL_NAMES of Triton and paths of the corpus
  const bad = [
    '',
    '..',
    '../etc',
    'a/../b',
    '/etc/passwd',
    'model/',
    ' ..',
    '.. ',
    '\t',
    '.a',
    '-a',
    'a\n',
    'a\\b',
    'é',
  ];
  for (const name of [...bad, 'x'.repeat(129), '..my_model', 'a\0', '%2e%2e'])
    t.regex(await refusal(() => checkName(name)), /^BAD_NAME: /, JSON.stringify(name));
});

test('versions are numbers from 1', async t => {
  for (const version of ['1', '10', '999999999']) t.is(checkVersion(version), version);
  for (const version of ['', '0', '01', '-1', '1.0', '1e2', '+1', ' 1', '1000000000', '1\n', '٣'])
    t.regex(await refusal(() => checkVersion(version)), /^BAD_NAME: /, version);
});

test('a refusal repeats what was sent, cut and without control characters', async t => {
  const text = await refusal(() => checkName(`\u001b[2J${'😀'.repeat(300)}`));
  t.notRegex(text, /[\u0000-\u001f]|\p{Surrogate}/u);
  t.true(text.length < 300);
});
