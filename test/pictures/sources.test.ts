import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { duplicatesAcross, listPictures, readSource, type Item, type PictureSet } from '../../src/pictures/node.js';
import { fill, folder, png } from './folders.js';

const many = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}/${i}.jpg`);
const names = (set: PictureSet, split: 'train' | 'validation' | 'test'): string[] =>
  (set.splits.get(split) ?? []).map(({ name }) => name);
const count = (items: readonly Item[] | undefined, label: number): number =>
  (items ?? []).filter(item => item.label === label).length;

test('a folder per class: a share of each class is held out, by seed', async t => {
  const root = fill(folder(t), [...many('cat', 20), ...many('ant', 11), 'cat/deep/er.PNG']);
  const set = await readSource(root);
  t.deepEqual(set.classes, ['ant', 'cat']);
  t.is(set.task, 'single');
  t.false(set.hasOwnValidation);
  t.is(set.root, root);
  t.deepEqual(
    [0, 1].map(label => [count(set.splits.get('train'), label), count(set.splits.get('validation'), label)]),
    [
      [9, 2],
      [17, 4],
    ],
  );
  const all = [...names(set, 'train'), ...names(set, 'validation')];
  t.is(new Set(all).size, 32);
  t.true(all.includes('cat/deep/er.PNG'));
  t.deepEqual(names(await readSource(root), 'validation'), names(set, 'validation'));
  t.notDeepEqual(names(await readSource(root, { seed: 1 }), 'validation'), names(set, 'validation'));
  t.is((await readSource(root, { validation: 0.5 })).splits.get('validation')!.length, 6 + 11);
  const first = set.splits.get('train')![0]!;
  t.is(first.file, join(root, first.name));
});

test('two pictures a class are enough: one for each side', async t => {
  const set = await readSource(fill(folder(t), [...many('a', 2), ...many('b', 2)]));
  t.is(set.splits.get('train')!.length, 2);
  t.is(set.splits.get('validation')!.length, 2);
});

test('train, val and test folders are splits, whatever their case', async t => {
  for (const validation of ['val', 'Valid', 'VALIDATION']) {
    const root = fill(folder(t), [
      ...many('train/a', 3),
      ...many('train/b', 1),
      ...many(`${validation}/a`, 2),
      ...many('test/b', 1),
      ...many('extra/c', 1),
      'train/loose.jpg',
      'notes.txt',
    ]);
    const set = await readSource(root);
    t.deepEqual(
      [...set.splits].map(([split, items]) => [split, items.length]),
      [
        ['train', 4],
        ['validation', 2],
        ['test', 1],
      ],
    );
    t.true(set.hasOwnValidation);
    t.deepEqual(set.stray.map(({ file }) => file).sort(), ['extra/', 'notes.txt', 'train/loose.jpg']);
  }
});

test('train may be a class beside bus', async t => {
  const set = await readSource(fill(folder(t), [...many('train', 3), ...many('bus', 3)]));
  t.deepEqual(set.classes, ['bus', 'train']);
});

test('strays are listed with their reasons and stop nothing', async t => {
  const root = fill(
    folder(t),
    new Map<string, string | Uint8Array>([
      ...[...many('a', 3), ...many('b', 3)].map(name => [name, 'x'] as const),
      ['a/.DS_Store', 'x'],
      ['a/.hidden.jpg', 'x'],
      ['a/notes.txt', 'x'],
      ['a/Thumbs.db', 'x'],
      ['a/no_extension', await png(1)],
      ['a/README', 'words'],
      ['.git/config', 'x'],
      ['loose.jpg', 'x'],
      ['empty/notes.md', 'x'],
    ]),
  );
  symlinkSync('/nowhere/at/all', join(root, 'a', 'dangling.jpg'));
  symlinkSync(root, join(root, 'a', 'loop'));
  symlinkSync('.', join(root, 'b', 'self'));
  const set = await readSource(root);
  t.deepEqual(set.classes, ['a', 'b']);
  const all = [...names(set, 'train'), ...names(set, 'validation')];
  t.true(all.includes('a/no_extension'));
  const reasons = new Map(set.stray.map(({ file, reason }) => [file, reason]));
  t.is(reasons.get('a/.DS_Store'), 'hidden');
  t.is(reasons.get('a/README'), 'a text file');
  t.is(reasons.get('loose.jpg'), 'not in the folder of a class');
  t.is(reasons.get('empty/'), 'a folder without pictures');
  t.regex(reasons.get('a/dangling.jpg')!, /leads nowhere/);
  t.regex(reasons.get('b/self')!, /read already/);
  for (const file of ['a/.hidden.jpg', 'a/notes.txt', 'a/Thumbs.db', '.git']) t.true(reasons.has(file), file);
});

test('a class is the same however its accents are written', async t => {
  const root = fill(folder(t), [
    ...many(`train/${'été'.normalize('NFC')}`, 2),
    ...many('train/b', 2),
    ...many(`val/${'été'.normalize('NFD')}`, 2),
  ]);
  t.deepEqual((await readSource(root)).classes, ['b', 'été'.normalize('NFC')]);
});

test('sets that cannot be used are refused by code', async t => {
  const refused = async (code: string, files: readonly string[], options = {}) => {
    await t.throwsAsync(readSource(fill(folder(t), files), options), { code }, files.join(' '));
  };
  await refused('DATA_EMPTY', []);
  await refused('DATA_EMPTY', ['loose.jpg', 'a/notes.txt']);
  await refused('DATA_EMPTY', ['train/a/x.txt', 'val/a/1.jpg']);
  await refused('DATA_ONE_CLASS', many('a', 4));
  await refused('DATA_CLASS_SMALL', [...many('a', 4), ...many('b', 1)]);
  await refused('DATA_CLASSES_DIFFER', [...many('train/a', 2), ...many('train/b', 2), ...many('val/c', 1)]);
  await refused('DATA_OPTION', many('a', 4), { validation: 1 });
  await refused('DATA_OPTION', many('a', 4), { validation: NaN });
  await t.throwsAsync(readSource(join(folder(t), 'absent')), { code: 'DATA_MISSING' });
});

test('a folder that cannot be read is told, never taken for empty', async t => {
  const root = folder(t);
  symlinkSync('loop', join(root, 'loop'));
  await t.throwsAsync(readSource(join(root, 'loop')), { code: 'DATA_UNREADABLE' });
  if (process.getuid?.() === 0) return; // root reads everything
  fill(root, [...many('a', 2), ...many('b', 2)]);
  chmodSync(join(root, 'a'), 0);
  await t.throwsAsync(readSource(root), { code: 'DATA_UNREADABLE' });
  chmodSync(join(root, 'a'), 0o700);
});

test('for evaluating, nothing is held out and one class will do', async t => {
  const set = await readSource(fill(folder(t), many('a', 4)), { purpose: 'evaluate' });
  t.deepEqual(names(set, 'test').length, 4);
  t.is(set.splits.size, 1);
  const split = await readSource(fill(folder(t), [...many('val/a', 1), ...many('test/a', 2)]), { purpose: 'evaluate' });
  t.deepEqual([...split.splits.keys()], ['validation', 'test']);
});

const pictures = many('p', 8);
const manifest = (t: Parameters<typeof folder>[0], name: string, text: string): string =>
  join(fill(folder(t), new Map([...pictures.map(file => [file, 'x'] as const), [name, text]])), name);

test('CSV: columns by name, quotes, a byte order mark, splits', async t => {
  const text =
    '\ufeffLabel,"Path",split\r\n"a, b",p/0.jpg,train\r\nc,p/1.jpg,train\r\nc,"./p/2.jpg",val\r\n\r\nc,p/3.jpg,test\r\n';
  const set = await readSource(manifest(t, 'set.csv', text));
  t.deepEqual(set.classes, ['a, b', 'c']);
  t.deepEqual(names(set, 'train'), ['p/0.jpg', 'p/1.jpg']);
  t.deepEqual(names(set, 'validation'), ['p/2.jpg']);
  t.deepEqual(names(set, 'test'), ['p/3.jpg']);
  t.true(set.hasOwnValidation);
});

test('several labels in a cell make a multi-label set, held out with every label on both sides', async t => {
  const rows = pictures.map((file, i) => `${file},${['x|y', 'x;z', 'y', 'z|x|x', '', 'x', 'y|z', 'z'][i]!}`);
  const set = await readSource(manifest(t, 'set.csv', ['file,labels', ...rows].join('\n')));
  t.is(set.task, 'multi-label');
  t.deepEqual(set.classes, ['x', 'y', 'z']);
  const all = [...set.splits.values()].flat();
  t.is(all.length, 8);
  t.deepEqual(all.find(({ name }) => name === 'p/3.jpg')!.label, [0, 2]);
  t.deepEqual(all.find(({ name }) => name === 'p/4.jpg')!.label, []);
  for (const split of ['train', 'validation'] as const)
    for (const label of [0, 1, 2])
      t.true(
        set.splits.get(split)!.some(item => (item.label as readonly number[]).includes(label)),
        `${split} ${label}`,
      );
});

test('semicolons and tabs part cells where the header says so', async t => {
  const semicolons = pictures.map((file, i) => `${file};${'ab'[i % 2]!}`);
  t.is((await readSource(manifest(t, 's.csv', ['file;label', ...semicolons].join('\n')))).task, 'single');
  const tabs = pictures.map((file, i) => `${file}\t${'ab'[i % 2]!}`);
  t.deepEqual((await readSource(manifest(t, 's.tsv', ['file\tlabel', ...tabs].join('\n')))).classes, ['a', 'b']);
});

test('JSON lines: a label, or a list of labels', async t => {
  const single = pictures.map((file, i) => JSON.stringify({ file, label: i % 2 })).join('\n');
  const set = await readSource(manifest(t, 's.jsonl', `${single}\n`));
  t.deepEqual(set.classes, ['0', '1']);
  const several = pictures.map((file, i) => JSON.stringify({ file, labels: i % 2 ? ['a'] : ['a', 'b|c'] })).join('\n');
  const multi = await readSource(manifest(t, 's.jsonl', several));
  t.is(multi.task, 'multi-label');
  t.deepEqual(multi.classes, ['a', 'b|c']);
});

test('files that a manifest names but that are not there, or twice, are strays', async t => {
  const rows = [...pictures.map((file, i) => `${file},${'ab'[i % 2]!}`), 'p/absent.jpg,a', 'p/0.jpg,a'];
  const set = await readSource(manifest(t, 'set.csv', ['file,label', ...rows].join('\n')));
  t.deepEqual(
    set.stray.map(({ file, reason }) => [file, reason]),
    [
      ['p/absent.jpg', 'line 10 names it, but it is not there'],
      ['p/0.jpg', 'line 11 names it again'],
    ],
  );
});

for (const [what, name, text, line] of [
  ['no label column', 's.csv', 'file,colour\np/0.jpg,red', 1],
  ['an empty table', 's.csv', '', 1],
  ['a row too short', 's.csv', 'file,label,split\np/0.jpg,a,train\np/1.jpg,b', 3],
  ['an open quote', 's.csv', 'file,label\n"p/0.jpg,a', 2],
  ['no label', 's.csv', 'file,label\np/0.jpg,a\np/1.jpg,', 3],
  ['no file', 's.csv', 'file,label\n,a', 2],
  ['an unknown split', 's.csv', 'file,label,split\np/0.jpg,a,dev', 2],
  ['a split in some lines only', 's.csv', 'file,label,split\np/0.jpg,a,train\np/1.jpg,b,', 3],
  ['two labels in two lines', 's.csv', 'file,label\np/0.jpg,a\np/0.jpg,b', 3],
  ['no JSON', 's.jsonl', '{"file":"p/0.jpg","label":"a"}\n{file', 2],
  ['no object', 's.jsonl', '["p/0.jpg"]', 1],
  ['no text for a file', 's.jsonl', '{"file":1,"label":"a"}', 1],
  ['an object for a label', 's.jsonl', '{"file":"p/0.jpg","label":{}}', 1],
  ['another kind of file', 's.xlsx', 'PK', 1],
] as const)
  test(`a manifest with ${what} is refused with its line`, async t => {
    const error = await t.throwsAsync(readSource(manifest(t, name, text)), { code: 'DATA_MANIFEST' });
    t.regex(error.message, new RegExp(`line ${line}: found .+, wanted .+`));
  });

test('the same content in two splits is reported', t => {
  const found = duplicatesAcross(
    new Map([
      [
        'train',
        [
          { name: 'a', sha256: '1' },
          { name: 'b', sha256: '2' },
          { name: 'c', sha256: '2' },
        ],
      ],
      ['validation', [{ name: 'd', sha256: '2' }]],
      ['test', [{ name: 'e', sha256: '3' }]],
    ]),
  );
  t.deepEqual(found, [
    {
      sha256: '2',
      files: [
        { split: 'train', name: 'b' },
        { split: 'train', name: 'c' },
        { split: 'validation', name: 'd' },
      ],
    },
  ]);
});

test('pictures to predict: files as they are, folders in natural order', async t => {
  const root = fill(folder(t), ['10.jpg', '9.jpg', 'sub/1.png', 'notes.txt', '.hidden.jpg']);
  const one = join(root, 'notes.txt');
  t.deepEqual(await listPictures([one, root, join(root, 'absent.jpg')]), [
    one,
    join(root, '9.jpg'),
    join(root, '10.jpg'),
    join(root, 'sub/1.png'),
    join(root, 'absent.jpg'),
  ]);
  await t.throwsAsync(listPictures([folder(t)]), { code: 'DATA_EMPTY' });
});
