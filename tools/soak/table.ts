// What a soak prints: a line now and then, and a table at the end.

import { quantile, slope, type Sample, type Tally } from './tally.js';

/** What was measured of the server over time. */
export interface Growth {
  readonly server: Sample[];
  readonly children: Sample[];
  /** Open files: a count, not bytes. */
  readonly files: Sample[];
}

/** How it went. */
export interface Course {
  readonly seconds: number;
  readonly restarts: readonly string[];
  readonly ending: string;
  readonly tail: readonly string[];
}

const megabytes = (sample: Sample | undefined): string => `${((sample?.bytes ?? 0) / 1e6).toFixed(1)} MB`;

/** One line. */
export function printProgress(tally: Tally, { server, children }: Growth, milliseconds: number): void {
  console.log(
    `${(milliseconds / 1000).toFixed(0)} s: ${tally.requests} requests, ${tally.lost} lost, ${tally.wrong} wrong, ` +
      `server ${megabytes(server.at(-1))}, its processes ${megabytes(children.at(-1))}`,
  );
}

/** All that was counted. */
export function printTable(tally: Tally, { server, children, files }: Growth, course: Course): void {
  const rows = (counts: ReadonlyMap<string, number>): string[] =>
    [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `| ${name} | ${count} |`);
  const memory = (name: string, samples: readonly Sample[]): string =>
    `| ${name} | ${megabytes(samples[0])} | ${megabytes(samples.at(-1))} | ${slope(samples).toFixed(2)} MB/min |`;
  const lines = [
    '',
    '| answer | count |',
    '|---|---|',
    ...rows(tally.answers),
    '',
    '| done to it | count |',
    '|---|---|',
    ...rows(tally.deeds),
    ...course.restarts.map(line => `| ${line.replace(/ (\S+)$/, ' | $1')} |`),
    '',
    '| memory | start | end | slope of the last half |',
    '|---|---|---|---|',
    memory('server', server),
    memory('its processes', children),
    '',
    '| figure | value |',
    '|---|---|',
    `| seconds | ${course.seconds.toFixed(0)} |`,
    `| requests | ${tally.requests} |`,
    `| lost answers | ${tally.lost} |`,
    `| wrong answers | ${tally.wrong} |`,
    `| open files of the server, start and end | ${files[0]?.bytes ?? 0}, ${files.at(-1)?.bytes ?? 0} |`,
    `| health p50 | ${quantile(tally.health, 0.5).toFixed(1)} ms |`,
    `| health p99 | ${quantile(tally.health, 0.99).toFixed(1)} ms |`,
    `| end under load | ${course.ending} |`,
    ...tally.words,
    ...(tally.words.length > 0 ? ['last of its log:', ...course.tail] : []),
  ];
  console.log(lines.join('\n'));
}
