// Manifests: a table of pictures and their labels, as CSV (or TSV) with a header, or one JSON object a line.

import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { dataErrors as errors } from './errors.js';
import { unreadable } from './walk.js';

/** The parts of a picture set. */
export type Split = 'train' | 'validation' | 'test';

/** One row, as written. */
export interface Row {
  /** Line in the manifest, from 1. */
  readonly line: number;
  readonly file: string;
  readonly labels: readonly string[];
  readonly split?: Split;
}

/** A manifest that was read. */
export interface Manifest {
  readonly rows: readonly Row[];
  readonly task: 'single' | 'multi-label';
}

const splitNames = new Map<string, Split>([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
]);

/** The split that a folder or a cell names, in any case; undefined for any other name. */
export const splitNamed = (name: string): Split | undefined => splitNames.get(name.trim().toLowerCase());

const columnNames = {
  file: ['file', 'path', 'filename', 'image', 'picture', 'filepath'],
  label: ['label', 'labels', 'class'],
  split: ['split'],
};

/**
 * Reads a manifest: `.csv`, `.tsv`, `.jsonl` or `.ndjson`.
 *
 * @throws DATA_MANIFEST with the line, DATA_MISSING, DATA_UNREADABLE
 */
export async function readManifest(file: string): Promise<Manifest> {
  const extension = extname(file).toLowerCase();
  const isTable = extension === '.csv' || extension === '.tsv';
  if (!isTable && extension !== '.jsonl' && extension !== '.ndjson')
    throw errors.MANIFEST({ file, line: 1, found: basename(file), wanted: 'a folder, a .csv or a .jsonl file' });
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  const manifest = isTable ? table(file, text) : lines(file, text);
  checkRows(file, manifest);
  return manifest;
}

function table(file: string, text: string): Manifest {
  const [header, ...records] = recordsOf(file, text);
  const names = (header?.cells ?? []).map(name => name.toLowerCase());
  const column = (wanted: readonly string[]): number => names.findIndex(name => wanted.includes(name));
  const at = { file: column(columnNames.file), label: column(columnNames.label), split: column(columnNames.split) };
  if (at.file < 0 || at.label < 0)
    throw errors.MANIFEST({
      file,
      line: 1,
      found: names.length > 0 ? `the columns ${names.join(', ')}` : 'no header',
      wanted: 'the columns file and label',
    });
  const isSeveral = records.some(({ cells }) => /[|;]/.test(cells[at.label] ?? ''));
  const rows = records.map(({ line, cells }): Row => {
    const label = cells[at.label] ?? '';
    const labels = (isSeveral ? label.split(/[|;]/) : [label]).map(part => part.trim()).filter(part => part !== '');
    return { line, file: cells[at.file] ?? '', labels, ...splitOf(file, line, cells[at.split] ?? '') };
  });
  return { rows, task: isSeveral ? 'multi-label' : 'single' };
}

interface Cells {
  readonly line: number;
  readonly cells: readonly string[];
}

function recordsOf(file: string, text: string): Cells[] {
  const header = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = header.includes('\t') ? '\t' : header.includes(',') || !header.includes(';') ? ',' : ';';
  const result: Cells[] = [];
  try {
    parse(text, {
      bom: true,
      delimiter,
      skip_empty_lines: true,
      trim: true,
      onRecord: (cells: string[], { lines }: { lines: number }) => {
        result.push({ line: lines, cells });
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : 1;
    throw errors.MANIFEST({ file, line, found: cause.message, wanted: 'as many cells as the header has' }, cause);
  }
  return result;
}

function lines(file: string, text: string): Manifest {
  let isSeveral = false;
  const rows: Row[] = [];
  for (const [index, content] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (content.trim() === '') continue;
    const line = index + 1;
    const fields = objectOf(file, line, content);
    const pick = (names: readonly string[]): unknown => fields.get(names.find(name => fields.has(name)) ?? '');
    const path = pick(columnNames.file);
    if (typeof path !== 'string')
      throw errors.MANIFEST({ file, line, found: content.slice(0, 80), wanted: 'a file, as text' });
    const found = pick(columnNames.label);
    if (Array.isArray(found)) isSeveral = true;
    const labels: unknown[] = Array.isArray(found) ? found : [found];
    const isLabel = (label: unknown): label is string | number =>
      typeof label === 'string' || typeof label === 'number';
    if (!labels.every(isLabel))
      throw errors.MANIFEST({
        file,
        line,
        found: content.slice(0, 80),
        wanted: 'label: a text, or labels: a list of texts',
      });
    const split = pick(columnNames.split);
    rows.push({
      line,
      file: path.trim(),
      labels: labels.map(label => String(label).trim()).filter(label => label !== ''),
      ...splitOf(file, line, typeof split === 'string' ? split : ''),
    });
  }
  return { rows, task: isSeveral ? 'multi-label' : 'single' };
}

function objectOf(file: string, line: number, text: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  } catch {
    // told below
  }
  throw errors.MANIFEST({ file, line, found: text.slice(0, 80), wanted: 'a JSON object' });
}

function splitOf(file: string, line: number, name: string): { split?: Split } {
  if (name.trim() === '') return {};
  const split = splitNamed(name);
  if (!split) throw errors.MANIFEST({ file, line, found: `the split ${name}`, wanted: 'train, validation or test' });
  return { split };
}

function checkRows(file: string, { rows, task }: Manifest): void {
  const isSplit = rows.some(({ split }) => split !== undefined);
  for (const row of rows) {
    const { line } = row;
    if (row.file === '') throw errors.MANIFEST({ file, line, found: 'no file', wanted: 'the name of a picture' });
    if (task === 'single' && row.labels.length === 0)
      throw errors.MANIFEST({ file, line, found: 'no label', wanted: 'a label' });
    if (isSplit && row.split === undefined)
      throw errors.MANIFEST({ file, line, found: 'no split', wanted: 'train, validation or test, as in other lines' });
  }
}
