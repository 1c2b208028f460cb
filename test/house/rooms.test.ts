// The house keeps its plan: imports follow the table, rooms are entered by their doors, files of a room do not go in
// circles, packages stay in their rooms.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { clients, packages, rooms } from '../../tools/rooms.js';

const root = fileURLToPath(new URL('../../../src/', import.meta.url));

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => name.replaceAll('\\', '/'));

const imports: readonly Import[] = files.flatMap(from =>
  [...readFileSync(join(root, from), 'utf8').matchAll(/^(?:import|export)\s(?:[^;]*?\sfrom\s)?'([^']+)';/gms)].map(
    match => {
      const specifier = match[1]!;
      const isOwn = specifier.startsWith('.');
      return {
        from,
        to: isOwn ? relative(root, join(root, dirname(from), specifier)).replaceAll('\\', '/') : specifier,
      };
    },
  ),
);
const isOwn = ({ to }: Import) => files.includes(to.replace(/\.js$/, '.ts'));
const roomOf = (file: string) => (file.includes('/') ? file.split('/')[0]! : '');

test('there is something to look at', t => {
  t.true(files.length > 80);
  t.true(imports.filter(isOwn).length > 200);
});

test('rooms import what the table allows, by the door', t => {
  const wrong = imports.filter(isOwn).flatMap(({ from, to }) => {
    const [a, b] = [roomOf(from), roomOf(to)];
    if (a === '' || a === b) return [];
    if (clients[a])
      return clients[a].some(door => to === `${door}.js`)
        ? []
        : [`${from} → ${to}: a client sees ${clients[a].join(', ')} only`];
    if (!rooms[a]) return [`${from}: the room ${a} is not in tools/rooms.ts`];
    if (!rooms[a].includes(b)) return [`${from} → ${to}: ${a} may not import ${b}`];
    const isDoor = to === `${b}/index.js`;
    const isSideDoor = to === `${b}/node.js` || to === `${b}/web.js`;
    const isNodeSide = a === 'workflows' || /\/(node|web)\.ts$/.test(from) || nodeOnly(from);
    return isDoor || (isSideDoor && isNodeSide) ? [] : [`${from} → ${to}: not a door`];
  });
  t.deepEqual(wrong, []);
});

/** Files behind a side door: they use Node themselves. */
function nodeOnly(file: string): boolean {
  return /from 'node:/.test(readFileSync(join(root, file), 'utf8'));
}

test('packages stay in their rooms', t => {
  const wrong = imports.flatMap(({ from, to }) => {
    if (isOwn({ from, to }) || to.startsWith('node:')) return [];
    const name = to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : to.split('/')[0]!;
    return packages[roomOf(from)]?.includes(name) ? [] : [`${from} imports ${name}`];
  });
  t.deepEqual(wrong, []);
});

test('files of a room do not import each other in circles', t => {
  // Operator families may: nothing of theirs is called while modules load.
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports.filter(isOwn)) {
    if (roomOf(from) === 'operators') continue;
    const target = to.replace(/\.js$/, '.ts');
    edges.set(from, [...(edges.get(from) ?? []), target]);
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      circles.push([...path.slice(at), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  t.deepEqual(
    circles.filter(circle => !isTypesOnly(circle)),
    [],
  );
});

/** A circle that types alone close is none when the program runs. */
function isTypesOnly(circle: string): boolean {
  const path = circle.split(' → ');
  return path.slice(1).some((to, i) => {
    const text = readFileSync(join(root, path[i]!), 'utf8');
    const name = to.split('/').at(-1)!.replace(/\.ts$/, '.js');
    const lines = [...text.matchAll(/^(import|export)\s(type\s)?[^;]*?from\s'([^']+)';/gms)].filter(match =>
      match[3]!.endsWith(`/${name}`),
    );
    return lines.length > 0 && lines.every(match => match[2] !== undefined);
  });
}

test('nothing that browsers load reaches Node', t => {
  const wrong: string[] = [];
  const seen = new Set<string>();
  const pending = files.includes('browser.ts') ? ['browser.ts'] : [];
  for (let file = pending.pop(); file; file = pending.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { from, to } of imports) {
      if (from !== file) continue;
      if (/^node:|^sharp|^onnxruntime-node/.test(to)) wrong.push(`${from} imports ${to}`);
      const target = to.replace(/\.js$/, '.ts');
      if (files.includes(target)) pending.push(target);
    }
  }
  t.deepEqual(wrong, []);
});
